//! Whether this goroutine unwinds.
//!
//! `std` counts the panics of a thread. A goroutine may park in a destructor while it unwinds, and until it goes on and
//! ends or catches its panic, `std::thread::panicking()` is true for every other goroutine of its M. Their locks want to
//! know of their own panics only.
//!
//! A settled goroutine changes the thread's count in its own turns only. So each M counts those of its goroutines that
//! are parked and unwind ([`Unwinding`]), and each G says whether it is such a one. Before a turn nothing is done if there are none,
//! and after it nothing if the thread is not panicking. Otherwise:
//!
//! | parked ones that unwind | the goroutine that runs unwinds |
//! |---|---|
//! | none | if `panicking()` says so: exactly |
//! | some | if it did so when it parked last, or a panic has begun in this turn, as the panic hook tells |
//!
//! In the second row two things are not seen: a panic that does not call the hook, because it is passed on by
//! `resume_unwind` or the program has replaced the hook; and that a panic is caught, until the first row holds again. In the
//! one case a lock is not poisoned that would have been; in the other one is that was held while a panic of its holder's came
//! and was caught. Poison is advice, and it is given for a panic of one's own or not at all.
//!
//! # What was rejected
//!
//! * To poison by the thread's state, as `std` does: a goroutine that is parked in a destructor for a minute would let all
//!   its neighbours poison whatever they unlock.
//! * To compare `panicking()` at the lock with that at the unlock only: it also changes when another begins or ends to unwind
//!   while the guard's goroutine is parked.
//! * To hide a parked goroutine's panics from the thread: nothing lets one change `std`'s count.

use std::cell::Cell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;
use std::thread::panicking;

use super::current;
use super::g::G;

/// How many goroutines of an M are parked and unwind.
pub(super) struct Unwinding {
    count: Cell<u32>,
    /// Which number the Gs of those have in `unwinds`: a new one each time the thread is seen not to panic although some
    /// are counted, which then have caught their panics.
    era: Cell<u32>,
}

impl Unwinding {
    pub(super) const fn new() -> Unwinding {
        Unwinding { count: Cell::new(0), era: Cell::new(1) }
    }

    /// Before a turn of `g`.
    #[inline]
    pub(super) fn before(&self, g: &G) {
        if self.are_any() {
            self.resume(g);
        }
    }

    /// After a turn of `g`.
    #[inline]
    pub(super) fn after(&self, g: &G, has_ended: bool) {
        if panicking() {
            self.park(g, has_ended);
        }
    }

    fn are_any(&self) -> bool {
        self.count.get() > 0
    }

    fn has(&self, g: &G) -> bool {
        g.unwinds.get() == self.era.get()
    }

    fn set(&self, g: &G, unwinds: bool) {
        g.unwinds.set(if unwinds { self.era.get() } else { 0 });
    }

    #[cold]
    fn resume(&self, g: &G) {
        if !panicking() {
            self.count.set(0);
            self.era.set(self.era.get() + 1);
        } else if self.has(g) {
            self.count.set(self.count.get() - 1);
            // If nobody else unwinds, `panicking` tells from now on.
            self.set(g, self.are_any());
        }
    }

    #[cold]
    fn park(&self, g: &G, has_ended: bool) {
        if has_ended {
            return;
        }
        if !self.are_any() {
            self.set(g, true);
        }
        if self.has(g) {
            self.count.set(self.count.get() + 1);
        }
    }
}

/// Whether the caller unwinds: its goroutine, or the plain thread.
#[inline]
pub(crate) fn is_unwinding() -> bool {
    panicking() && is_our_own()
}

#[cold]
fn is_our_own() -> bool {
    match (current::gp(), current::mp()) {
        // SAFETY: the caller's own G.
        (Some(gp), Some(mp)) => !mp.own.unwinding.are_any() || mp.own.unwinding.has(unsafe { gp.as_ref() }),
        (None, Some(mp)) => !mp.own.unwinding.are_any(),
        _ => true,
    }
}

/// Has panics told from now on, before the program's hook is called. The first runtime does so.
pub(super) fn watch() {
    static WATCHED: Once = Once::new();
    // A thread that is panicking may not change the hook; the next runtime will.
    if panicking() {
        return;
    }
    WATCHED.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |info| {
            begin();
            hook(info);
        }));
    });
}

/// A panic begins on this thread.
fn begin() {
    if let (Some(gp), Some(mp)) = (current::gp(), current::mp())
        && mp.own.unwinding.are_any()
    {
        // SAFETY: the goroutine that runs here.
        mp.own.unwinding.set(unsafe { gp.as_ref() }, true);
    }
}
