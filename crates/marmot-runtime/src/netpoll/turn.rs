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
//!
//! **A wait may end without the turn.** A waiter is taken out of the queue by the end of its context, by its time, or by
//! [`evict`](Turn::evict), which takes out all of them. The last that goes makes the word `HELD` again, so a turn that was wanted may find
//! nobody when it is given up. A waiter that is readied without having been given the turn was evicted: it looks at the conditions of its
//! wait, and queues up again if none of them has changed for it. It keeps its ticket, so those that came later stay behind it.
//!
//! **No eviction is lost.** The holder may be parked in something that a close or a deadline does not end, so those that wait for it
//! must hear of these themselves. `evict` is called after a condition has changed. It passes a fence and reads the word, and takes the
//! lock if that is `WANTED`; a waiter makes the word `WANTED`, passes a fence, and looks at the conditions, all under the lock, before it
//! is in the queue. Either `evict` sees the word and finds the waiter, or the waiter sees the change.
//!
//! A descriptor may be shared with goroutines of other runtimes. One whose runtime has stopped would never give up what it was
//! given: it is passed by. The runtime may stop right after that look, so who waits leaves a [will](sched::with_will): it is taken
//! out of the queue, or gives up the turn that it was given. Whether it was is said under the queue's lock.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use super::waiting::{self, Ticket, Waiting};
use crate::primitive::atomic::{
    AtomicU8,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    fence,
};
use crate::sched::{self, Bequest, Ended, G, Place, WaitReason, with_will};
use crate::timer::limit::park_within;

const FREE: u8 = 0;
const HELD: u8 = 1;
const WANTED: u8 = 2;

/// Why a wait for a turn has ended without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    /// Something that the wait depends on may have changed.
    Evicted,
    /// The time has come.
    TimedOut,
    /// The caller's context has ended.
    Cancelled,
}

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
        while !self.try_take() {
            let park = |place: &InQueue<'_>| {
                sched::park(place.gp, WaitReason::IoTurn);
                Ended::Readied
            };
            if self.take_later(&mut Ticket::default(), || true, park).is_ok() {
                break;
            }
        }
    }

    /// As [`take`](Turn::take).
    ///
    /// # Errors
    ///
    /// If the caller's context has ended first, or the waiters were evicted.
    #[inline]
    pub(crate) fn take_or_cancelled(&self) -> Result<(), Missed> {
        if self.try_take() {
            return Ok(());
        }
        let park = |place: &InQueue<'_>| sched::park_in(place.gp, WaitReason::IoTurn, place);
        self.take_later(&mut Ticket::default(), || true, park)
    }

    /// Takes the turn, until `until` at the latest. If it has to wait, `may_wait` tells whether what the caller found before still
    /// holds; if not, the caller counts as evicted. It is called under a lock, and must not use the runtime. Who calls this again with the same ticket
    /// keeps its place before those that have come since.
    ///
    /// # Errors
    ///
    /// If the wait has ended otherwise.
    pub(crate) fn take_within(
        &self,
        until: u64,
        ticket: &mut Ticket,
        may_wait: impl FnOnce() -> bool,
    ) -> Result<(), Missed> {
        self.take_later(ticket, may_wait, |place| park_within(place.gp, WaitReason::IoTurn, until, place))
    }

    /// Queues up, and waits by `park`.
    #[cold]
    #[inline(never)]
    fn take_later(
        &self,
        ticket: &mut Ticket,
        may_wait: impl FnOnce() -> bool,
        park: impl FnOnce(&InQueue<'_>) -> Ended,
    ) -> Result<(), Missed> {
        let place = InQueue { turn: self, gp: sched::waiter(), given: Cell::new(false) };
        match place.queue_up(ticket, may_wait) {
            Entry::HasTurn => return Ok(()),
            Entry::Refused => return Err(Missed::Evicted),
            Entry::Queued => {}
        }
        match with_will(place.gp, &place, || park(&place)) {
            // It was written before the waiter was readied.
            Ended::Readied if place.given.get() => Ok(()),
            Ended::Readied => Err(Missed::Evicted),
            Ended::TimedOut => Err(Missed::TimedOut),
            Ended::Cancelled => Err(Missed::Cancelled),
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
    fn pass_on(&self) {
        let mut queue = waiting::at(self.address());
        let next = loop {
            let mut mine = queue.waiting.iter().enumerate().filter(|(_, w)| w.turn == self.address());
            let (first, another) = (mine.next().map(|(i, _)| i), mine.next().is_some());
            if !another {
                self.0.store(HELD, Relaxed);
            }
            match first.and_then(|i| queue.waiting.remove(i)) {
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

    /// Takes out all that wait, so that each looks again at what it waits under, of which the caller has changed something.
    pub(crate) fn evict(&self) {
        // Pairs with the fence in `queue_up`.
        fence(SeqCst);
        if self.0.load(Relaxed) == WANTED {
            self.evict_all();
        }
    }

    #[cold]
    fn evict_all(&self) {
        let (address, mut evicted) = (self.address(), Vec::new());
        let mut queue = waiting::at(address);
        queue.waiting.retain(|w| {
            let stays = w.turn != address;
            if !stays {
                evicted.push(w.gp);
            }
            stays
        });
        // If there was none, it has been done, or the word is `FREE` by now.
        if !evicted.is_empty() {
            self.0.store(HELD, Relaxed);
        }
        drop(queue);
        evicted.into_iter().for_each(sched::ready);
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}

/// What comes of queueing up.
enum Entry {
    /// The caller parks. Who readies it has given it the turn, or evicted it.
    Queued,
    /// The turn was free, and is the caller's.
    HasTurn,
    /// The caller may not wait any more.
    Refused,
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
    /// Queues the caller up, to park. If it is given the turn, the lock has ordered what was done before.
    fn queue_up(&self, ticket: &mut Ticket, may_wait: impl FnOnce() -> bool) -> Entry {
        let address = self.turn.address();
        let mut queue = waiting::at(address);
        loop {
            if self.turn.try_take() {
                return Entry::HasTurn;
            }
            // Nobody gives a wanted turn up without the lock that we hold.
            match self.turn.0.compare_exchange(HELD, WANTED, Relaxed, Relaxed) {
                Ok(_) | Err(WANTED) => break,
                Err(_) => {}
            }
        }
        // Pairs with the fence in `evict`.
        fence(SeqCst);
        if !may_wait() {
            if !queue.waiting.iter().any(|w| w.turn == address) {
                self.turn.0.store(HELD, Relaxed);
            }
            return Entry::Refused;
        }
        let ticket = queue.number(ticket);
        let place = queue.waiting.partition_point(|w| w.ticket < ticket);
        let given = NonNull::from(&self.given);
        queue.waiting.insert(place, Waiting { turn: address, ticket, gp: self.gp, given });
        Entry::Queued
    }
}

impl Place for InQueue<'_> {
    fn retract(&self) -> bool {
        let address = self.turn.address();
        let mut queue = waiting::at(address);
        // From the end: those who came last are the first who hear of the end of a context.
        let Some(i) = queue.waiting.iter().rposition(|w| w.turn == address && w.gp == self.gp) else { return false };
        queue.waiting.remove(i);
        if !queue.waiting.iter().any(|w| w.turn == address) {
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
