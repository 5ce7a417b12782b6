//! Turns: one goroutine at a time reads a descriptor, and one writes it.
//!
//! A descriptor's slot has room for one waiter a direction, and what a short read tells ("drained")
//! is true only for whoever read last. So operations of one direction take turns, as in Go: an
//! uncontended turn costs two atomic instructions, and who has to wait parks, first come first
//! served.
//!
//! | word | meaning |
//! |---|---|
//! | `FREE` | nobody is at it |
//! | `HELD` | somebody is |
//! | `WANTED` | somebody is, and others wait in the queue for this address ([`super::waiting`]) |
//!
//! The word goes from and to `WANTED` only under the lock of the address's queue. A turn that is
//! given up while wanted passes straight to the first in the queue: the word is never `FREE`
//! meanwhile, so nobody can barge in.

use std::ptr;

use super::waiting::{self, Waiting};
use crate::primitive::atomic::{
    AtomicU8,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sched::{self, WaitReason};

const FREE: u8 = 0;
const HELD: u8 = 1;
const WANTED: u8 = 2;

/// See the module.
pub(crate) struct Turn(AtomicU8);

impl Turn {
    pub(crate) fn new() -> Self {
        Turn(AtomicU8::new(FREE))
    }

    /// Takes the turn, after those who came before. Parks the goroutine, or blocks the plain
    /// thread.
    #[inline]
    pub(crate) fn take(&self) {
        if !self.try_take() {
            self.queue_up();
        }
    }

    /// Takes the turn if it is free.
    #[inline]
    pub(crate) fn try_take(&self) -> bool {
        // Acquire pairs with the Release in `give`: what the one before left behind is seen.
        self.0.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok()
    }

    /// Gives the turn up, or to the first who waits.
    #[inline]
    pub(crate) fn give(&self) {
        // Release pairs with the Acquire in `take`.
        if self.0.compare_exchange(HELD, FREE, Release, Relaxed).is_err() {
            self.pass_on();
        }
    }

    #[cold]
    fn queue_up(&self) {
        let gp = sched::waiter();
        let mut queue = waiting::at(self.address());
        loop {
            if self.try_take() {
                return;
            }
            // Nobody gives a wanted turn up without the lock that we hold.
            match self.0.compare_exchange(HELD, WANTED, Relaxed, Relaxed) {
                Ok(_) | Err(WANTED) => break,
                Err(_) => {}
            }
        }
        queue.push_back(Waiting { turn: self.address(), gp });
        drop(queue);
        // Whoever readies us has passed the turn to us, and its lock ordered what it did before.
        sched::park(gp, WaitReason::IoTurn);
    }

    #[cold]
    fn pass_on(&self) {
        let mut queue = waiting::at(self.address());
        let mut mine = queue.iter().enumerate().filter(|(_, w)| w.turn == self.address());
        let (first, another) = (mine.next().map(|(i, _)| i), mine.next().is_some());
        if !another {
            self.0.store(HELD, Relaxed);
        }
        // The word says that the turn is wanted, so somebody is in the queue.
        let next = first.and_then(|i| queue.remove(i)).expect("a wanted turn has somebody waiting");
        drop(queue);
        sched::ready(next.gp);
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}
