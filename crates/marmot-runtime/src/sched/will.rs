//! Wills: what a goroutine that waits leaves to others if it never goes on.
//!
//! When a runtime stops, the goroutines that are parked by then never run again. One of them may have been woken a moment before
//! to take what others wait for as well, or have been given it; these may be goroutines of other runtimes, and would wait for
//! ever. Checking the runtime before the wake-up is not enough, because the runtime may stop after the check.
//!
//! So a goroutine makes a will before it parks, and revokes it when it goes on. An M that leaves runs no goroutine any more; it
//! [carries out](M::carry_out_wills) the wills of all who have settled on it. A will takes the goroutine out of the place where it
//! waits, or passes on what it was given. It does so by the lock of that place, so it does not matter
//! whether somebody gives it something at the same time: either that one finds it no more, or the will finds what was given.
//!
//! Wills are made and carried out by the goroutine's own M, which needs no ordering for that. A goroutine that does not end
//! keeps its stack, so what a will points to is there for as long as anybody may look at it.

use std::cell::Cell;
use std::ptr::NonNull;

use super::g::G;
use super::m::M;

/// Something on the stack of who waits that can be passed on.
pub(crate) trait Bequest {
    /// Takes the waiter, which does not go on, out of where it waits; or passes on what it was given. This is called once at most,
    /// by an M that leaves: it may ready others, and must not park.
    fn pass_on(&self);
}

/// The will of a goroutine: none, or the last of its clauses.
pub(super) type Will = Cell<Option<NonNull<Clause>>>;

/// Something that is left. It is on the stack of who leaves it.
pub(super) struct Clause {
    bequest: NonNull<dyn Bequest>,
    /// What is left besides.
    before: Option<NonNull<Clause>>,
}

/// Calls `wait`, which parks the caller. Should it never go on, `bequest` is passed on; what `wait` leaves in the same way is passed on
/// before that. If `wait` unwinds, the bequest is taken back.
///
/// `gp` is what [`super::waiter`] returned.
#[inline]
pub(crate) fn with_will<R>(gp: NonNull<G>, bequest: &dyn Bequest, wait: impl FnOnce() -> R) -> R {
    // SAFETY: the caller's own G.
    if unsafe { gp.as_ref() }.mp().is_none() {
        // A thread goes on.
        return wait();
    }
    // SAFETY: only the lifetime is taken off; see below.
    let bequest: NonNull<dyn Bequest + 'static> = unsafe { std::mem::transmute(NonNull::from(bequest)) };
    // SAFETY: the calling goroutine's own.
    let will = &unsafe { gp.as_ref() }.will;
    // It is taken back before the borrow ends, or the goroutine stays where it is, and with it what is borrowed.
    let clause = Clause { bequest, before: will.get() };
    will.set(Some(NonNull::from(&clause)));
    let _revoked = Revoked { will, before: clause.before };
    wait()
}

/// Takes the last clause of a will back, when it is dropped.
struct Revoked<'a> {
    will: &'a Will,
    before: Option<NonNull<Clause>>,
}

impl Drop for Revoked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.will.set(self.before);
    }
}

impl M {
    /// Passes on what the goroutines leave that have settled here. None of them runs any more.
    #[cold]
    pub(super) fn carry_out_wills(&self) {
        for place in (0..self.settled_here()).rev() {
            // SAFETY: it has settled here and not ended, and this is its M.
            let mut will = unsafe { self.on_roll(place).as_ref() }.will.take();
            while let Some(clause) = will {
                // SAFETY: it has not been taken back, so it is still there.
                let clause = unsafe { clause.as_ref() };
                // SAFETY: as above.
                unsafe { clause.bequest.as_ref() }.pass_on();
                will = clause.before;
            }
        }
    }
}
