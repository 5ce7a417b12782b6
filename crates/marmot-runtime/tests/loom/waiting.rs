//! Who waits for which turn, as in `netpoll::waiting`: here all turns share one queue.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr::NonNull;

use loom::sync::{Mutex, MutexGuard};

use crate::sched::G;

pub struct Waiting {
    pub turn: usize,
    pub ticket: u64,
    pub gp: NonNull<G>,
    pub given: NonNull<Cell<bool>>,
}

// SAFETY: records may be readied from any thread, and the queue's lock orders the use of `given`.
unsafe impl Send for Waiting {}

/// In which order waiters came to a queue: a waiter that has to queue up again keeps it.
#[derive(Default)]
pub struct Ticket(Option<u64>);

/// A queue.
pub struct Queue {
    /// In the order of their tickets.
    pub waiting: VecDeque<Waiting>,
    /// How many tickets there have been.
    tickets: u64,
}

impl Queue {
    fn new() -> Queue {
        Queue { waiting: VecDeque::new(), tickets: 0 }
    }

    /// The number of a waiter's ticket, which is the last one if it has none yet.
    pub fn number(&mut self, ticket: &mut Ticket) -> u64 {
        *ticket.0.get_or_insert_with(|| {
            self.tickets += 1;
            self.tickets
        })
    }
}

loom::lazy_static! {
    static ref QUEUE: Mutex<Queue> = Mutex::new(Queue::new());
}

pub fn at(_turn: usize) -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap()
}
