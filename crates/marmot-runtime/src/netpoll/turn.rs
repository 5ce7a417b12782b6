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
//! meanwhile, so nobody can barge in. Who waits may be taken out of the queue by the end of its context; the last who goes makes the
//! word `HELD` again. So who gives up a turn that was wanted may find nobody any more.

use std::ptr::{self, NonNull};

use super::waiting::{self, Waiting};
use crate::primitive::atomic::{
    AtomicU8,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sched::{self, Ended, G, Place, WaitReason};

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
        if !self.try_take()
            && let Some(gp) = self.queue_up()
        {
            sched::park(gp, WaitReason::IoTurn);
        }
    }

    /// As [`take`](Turn::take); [`Cancelled`](Ended::Cancelled) if the caller's context has ended first.
    #[inline]
    pub(crate) fn take_or_cancelled(&self) -> Ended {
        if self.try_take() { Ended::Readied } else { self.take_later() }
    }

    #[cold]
    #[inline(never)]
    fn take_later(&self) -> Ended {
        match self.queue_up() {
            None => Ended::Readied,
            Some(gp) => sched::park_in(gp, WaitReason::IoTurn, &InQueue { turn: self, gp }),
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

    /// Queues the caller up, to park; none if it has the turn already. Whoever readies it has passed the turn to it, and its lock
    /// ordered what it did before.
    #[cold]
    fn queue_up(&self) -> Option<NonNull<G>> {
        let gp = sched::waiter();
        let mut queue = waiting::at(self.address());
        loop {
            if self.try_take() {
                return None;
            }
            // Nobody gives a wanted turn up without the lock that we hold.
            match self.0.compare_exchange(HELD, WANTED, Relaxed, Relaxed) {
                Ok(_) | Err(WANTED) => break,
                Err(_) => {}
            }
        }
        queue.push_back(Waiting { turn: self.address(), gp });
        Some(gp)
    }

    #[cold]
    fn pass_on(&self) {
        let mut queue = waiting::at(self.address());
        let mut mine = queue.iter().enumerate().filter(|(_, w)| w.turn == self.address());
        let (first, another) = (mine.next().map(|(i, _)| i), mine.next().is_some());
        if !another {
            self.0.store(HELD, Relaxed);
        }
        let next = first.and_then(|i| queue.remove(i));
        if next.is_none() {
            // Whoever wanted it has gone. Release as in `give`; nobody else moves a word that is `HELD` but to `WANTED`, under the lock.
            self.0.store(FREE, Release);
        }
        drop(queue);
        if let Some(next) = next {
            sched::ready(next.gp);
        }
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}

/// Where somebody waits for a turn.
struct InQueue<'a> {
    turn: &'a Turn,
    gp: NonNull<G>,
}

// SAFETY: the address is compared only.
unsafe impl Sync for InQueue<'_> {}

impl Place for InQueue<'_> {
    fn retract(&self) -> bool {
        let address = self.turn.address();
        let mut queue = waiting::at(address);
        let Some(i) = queue.iter().position(|w| w.turn == address && w.gp == self.gp) else { return false };
        queue.remove(i);
        if !queue.iter().any(|w| w.turn == address) {
            self.turn.0.store(HELD, Relaxed);
        }
        true
    }
}
