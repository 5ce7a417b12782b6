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
//!
//! A descriptor may be shared with goroutines of other runtimes. One whose runtime has stopped would never give up what it was
//! given: it is passed by. The runtime may stop right after that look, so who waits leaves a [will](sched::with_will): it is taken
//! out of the queue, or gives up the turn that it was given. Whether it was is said under the queue's lock.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use super::waiting::{self, Waiting};
use crate::primitive::atomic::{
    AtomicU8,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sched::{self, Bequest, Ended, G, Place, WaitReason, with_will};

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
            let _has_it = self.take_later(|place| {
                sched::park(place.gp, WaitReason::IoTurn);
                Ended::Readied
            });
        }
    }

    /// As [`take`](Turn::take); [`Cancelled`](Ended::Cancelled) if the caller's context has ended first.
    #[inline]
    pub(crate) fn take_or_cancelled(&self) -> Ended {
        if self.try_take() {
            return Ended::Readied;
        }
        self.take_later(|place| sched::park_in(place.gp, WaitReason::IoTurn, place))
    }

    /// Queues up, and waits by `park`.
    #[cold]
    #[inline(never)]
    fn take_later(&self, park: impl FnOnce(&InQueue<'_>) -> Ended) -> Ended {
        let place = InQueue { turn: self, gp: sched::waiter(), given: Cell::new(false) };
        if !place.queue_up() {
            return Ended::Readied;
        }
        with_will(place.gp, &place, || park(&place))
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
    fn pass_on(&self) {
        let mut queue = waiting::at(self.address());
        let next = loop {
            let mut mine = queue.iter().enumerate().filter(|(_, w)| w.turn == self.address());
            let (first, another) = (mine.next().map(|(i, _)| i), mine.next().is_some());
            if !another {
                self.0.store(HELD, Relaxed);
            }
            match first.and_then(|i| queue.remove(i)) {
                // It does not go on.
                Some(next) if sched::has_stopped(next.gp) => {}
                next => break next,
            }
        };
        match &next {
            // SAFETY: it was in the queue, so it waits, and its place is there.
            Some(next) => unsafe { next.given.as_ref() }.set(true),
            // Whoever wanted it has gone. Release as in `give`; nobody else moves a word that is `HELD` but to `WANTED`, under the lock.
            None => self.0.store(FREE, Release),
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
    /// It was given the turn. Written under the queue's lock, by who takes it out; read with the lock taken since.
    given: Cell<bool>,
}

// SAFETY: the lock orders the use of `given`; the address of the G is compared only.
unsafe impl Sync for InQueue<'_> {}

impl InQueue<'_> {
    /// Queues the caller up, to park; false if it has the turn already. Whoever readies it has passed the turn to it, and its lock
    /// ordered what it did before.
    fn queue_up(&self) -> bool {
        let mut queue = waiting::at(self.turn.address());
        loop {
            if self.turn.try_take() {
                return false;
            }
            // Nobody gives a wanted turn up without the lock that we hold.
            match self.turn.0.compare_exchange(HELD, WANTED, Relaxed, Relaxed) {
                Ok(_) | Err(WANTED) => break,
                Err(_) => {}
            }
        }
        queue.push_back(Waiting { turn: self.turn.address(), gp: self.gp, given: NonNull::from(&self.given) });
        true
    }
}

impl Place for InQueue<'_> {
    fn retract(&self) -> bool {
        let address = self.turn.address();
        let mut queue = waiting::at(address);
        // From the end: those who came last are the first who hear of the end of a context.
        let Some(i) = queue.iter().rposition(|w| w.turn == address && w.gp == self.gp) else { return false };
        queue.remove(i);
        if !queue.iter().any(|w| w.turn == address) {
            self.turn.0.store(HELD, Relaxed);
        }
        true
    }
}

impl Bequest for InQueue<'_> {
    fn pass_on(&self) {
        if !self.retract() && self.given.get() {
            self.turn.give();
        }
    }
}
