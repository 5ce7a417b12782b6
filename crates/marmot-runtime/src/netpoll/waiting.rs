//! Who waits for which turn.
//!
//! The queues are shared by all descriptors, by address: contention is rare, and a queue in each
//! descriptor would cost every idle connection. So a queue may hold waiters of several turns.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};

use crate::sched::G;

/// Somebody who waits.
pub(super) struct Waiting {
    /// The address of the turn that it waits for.
    pub(super) turn: usize,
    /// Those of one queue are different.
    pub(super) ticket: u64,
    pub(super) gp: NonNull<G>,
    /// Where it is told that it was given the turn; there as long as it is in the queue.
    pub(super) given: NonNull<Cell<bool>>,
}

// SAFETY: Gs may be readied from any thread, and the queue's lock orders the use of `given`.
unsafe impl Send for Waiting {}

/// In which order waiters came to a queue: a waiter that has to queue up again keeps it.
#[derive(Default)]
pub(crate) struct Ticket(Option<u64>);

/// A queue.
pub(super) struct Queue {
    /// In the order of their tickets.
    pub(super) waiting: VecDeque<Waiting>,
    /// How many tickets there have been.
    tickets: u64,
}

impl Queue {
    const fn new() -> Queue {
        Queue { waiting: VecDeque::new(), tickets: 0 }
    }

    /// The number of a waiter's ticket, which is the last one if it has none yet.
    pub(super) fn number(&mut self, ticket: &mut Ticket) -> u64 {
        *ticket.0.get_or_insert_with(|| {
            self.tickets += 1;
            self.tickets
        })
    }
}

/// A power of two.
const QUEUES: usize = 64;
/// An odd number by which addresses that lie evenly come to all of the queues (Fibonacci hashing).
const SPREAD: usize = 0x9E37_79B9_7F4A_7C15_u64 as usize;
static QUEUE: [Mutex<Queue>; QUEUES] = [const { Mutex::new(Queue::new()) }; QUEUES];

/// The queue for the turn at this address, locked.
pub(super) fn at(turn: usize) -> MutexGuard<'static, Queue> {
    // Nothing that panics runs under the lock.
    QUEUE[turn.wrapping_mul(SPREAD) >> (usize::BITS - QUEUES.ilog2())].lock().unwrap_or_else(|e| e.into_inner())
}
