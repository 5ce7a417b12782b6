//! The census: how others find the goroutines of the process.
//!
//! | the goroutine | is found | by |
//! |---|---|---|
//! | has started | in the [roll](super::roll) of its M | that M, on an errand |
//! | has not started, and is queued at an M | in its settled queue, or its P's ring | that M, on an errand |
//! | has not started, and is in the global queue | there, under its lock | anyone |
//! | has not started, and waits for a descriptor | in the descriptor's slot | the netpoller |
//!
//! One that has not started and moves from queue to queue meanwhile may be missed or found twice; one that has started
//! does not move.

use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};

use super::Sched;
use super::caught::caught_aloud;
use super::g::{G, Head, Seat};
use super::m::M;

/// Something to be done by an M, between two goroutines. It is dropped when it is over, or when the M leaves.
pub(crate) trait Errand: Send {
    /// Does a part of it, without waiting; true if there is more to do.
    fn run(&mut self, mp: &'static M) -> bool;
}

static RUNTIMES: Mutex<Vec<&'static Sched>> = Mutex::new(Vec::new());

fn runtimes_locked() -> MutexGuard<'static, Vec<&'static Sched>> {
    // Nothing that panics runs under the lock.
    RUNTIMES.lock().unwrap_or_else(|e| e.into_inner())
}

/// The schedulers that have not been stopped.
pub(crate) fn runtimes() -> Vec<&'static Sched> {
    runtimes_locked().clone()
}

/// `sched` has started.
pub(super) fn began(sched: &'static Sched) {
    runtimes_locked().push(sched);
}

/// `sched` is being stopped.
pub(super) fn ended(sched: &Sched) {
    runtimes_locked().retain(|other| !std::ptr::eq(*other, sched));
}

impl Sched {
    /// Shows the goroutines of the global queue to `f`, which must not use the runtime.
    pub(crate) fn visit_global(&self, f: &mut dyn FnMut(&Head)) {
        // SAFETY: a G stays until its goroutine has ended, and one in the queue has not started.
        self.globq.each(|gp| f(unsafe { gp.as_ref() }.head()));
    }
}

impl M {
    /// Sends this M an errand. If it has left, the errand is dropped.
    pub(crate) fn send(&self, errand: Box<dyn Errand>) {
        match self.errands.send(errand) {
            // Its fence pairs with the one in `Idle::enter`.
            Ok(()) => self.nudge(),
            Err(refused) => drop(refused),
        }
    }

    /// Runs a part of each errand.
    #[cold]
    #[inline(never)]
    pub(super) fn run_errands(&'static self) {
        for mut errand in self.errands.take() {
            let text = format_args!("M {} could not run an errand: it panicked", self.id);
            if caught_aloud(text, || errand.run(self)) == Some(true) {
                // The list is closed by this thread.
                assert!(self.errands.send(errand).is_ok(), "an M that runs errands takes them");
            }
        }
    }

    /// Shows goroutines that have settled here to `f`: those at the places below `end` of the roll, at most `most` of them,
    /// from the last to the first. Returns the place below which the rest is. Only for this M's own thread, between two
    /// goroutines; `f` must not use the runtime.
    pub(crate) fn visit_settled(&self, end: usize, most: usize, f: &mut dyn FnMut(&Seat)) -> usize {
        self.note_queued();
        let end = end.min(self.settled_here());
        let rest = end.saturating_sub(most);
        for place in (rest..end).rev() {
            // SAFETY: who is on the roll has not ended, and this is its M.
            f(unsafe { Seat::of(self.on_roll(place)) });
        }
        rest
    }

    /// Shows goroutines that have not started and are queued here to `f`. Only for this M's own thread, between two
    /// goroutines; `f` must not use the runtime.
    pub(crate) fn visit_queued(&'static self, f: &mut dyn FnMut(&Head)) {
        // SAFETY: a G stays until its goroutine has ended.
        let as_g = |gp: &NonNull<G>| unsafe { &*gp.as_ptr() };
        self.queued_here().iter().map(as_g).filter(|g| g.is_unstarted()).for_each(|g| f(g.head()));
        // Thieves may take from the ring at any time, so each is taken out to be looked at, and put back.
        let ring = &self.pp().runq;
        let next = ring.take_next().and_then(NonNull::new);
        let others: Vec<_> = std::iter::from_fn(|| ring.pop().and_then(NonNull::new)).collect();
        others.iter().chain(&next).map(as_g).for_each(|g| f(g.head()));
        others.iter().for_each(|gp| {
            self.enqueue(gp.as_ptr());
        });
        if let Some(next) = next {
            // The place was emptied above, and only this thread fills it.
            let displaced = ring.put_next(next.as_ptr());
            debug_assert!(displaced.is_none());
        }
        if next.is_some() || !others.is_empty() {
            // Whoever went to sleep meanwhile, because the ring was empty, hears of it.
            self.wake_another();
        }
    }
}
