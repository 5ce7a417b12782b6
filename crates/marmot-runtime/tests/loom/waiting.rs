//! Who waits for which turn, as in `netpoll::waiting`: here all turns share one queue.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr::NonNull;

use loom::sync::{Mutex, MutexGuard};

use crate::sched::G;

pub struct Waiting {
    pub turn: usize,
    pub gp: NonNull<G>,
    pub given: NonNull<Cell<bool>>,
}

// SAFETY: records may be readied from any thread, and the queue's lock orders the use of `given`.
unsafe impl Send for Waiting {}

loom::lazy_static! {
    static ref QUEUE: Mutex<VecDeque<Waiting>> = Mutex::new(VecDeque::new());
}

pub fn at(_turn: usize) -> MutexGuard<'static, VecDeque<Waiting>> {
    QUEUE.lock().unwrap()
}
