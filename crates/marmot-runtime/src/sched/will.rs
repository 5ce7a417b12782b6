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
//!
//! What only parks takes its clause back in the reverse order ([`with_will`]). Code of the program does not have to
//! ([`with_will_around`]): a coroutine that suspends in it may be resumed when other clauses have come and gone, by another goroutine,
//! when the first one has ended, or never. So that clause is taken out of the list wherever it is in it, and the goroutine whose list
//! it is in is counted.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use super::g::{G, GRef};
use super::m::M;
use super::park;

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
    before: Cell<Option<NonNull<Clause>>>,
}

impl Clause {
    /// # Safety
    ///
    /// The clause is taken out of the list that it is put into before `bequest` goes, or both stay for ever.
    unsafe fn of(bequest: &dyn Bequest) -> Clause {
        // SAFETY: only the lifetime is taken off; the rest is the caller's word.
        let bequest: NonNull<dyn Bequest + 'static> = unsafe { std::mem::transmute(NonNull::from(bequest)) };
        Clause { bequest, before: Cell::new(None) }
    }

    fn put_into(&self, will: &Will) {
        self.before.set(will.replace(Some(NonNull::from(self))));
    }
}

/// Calls `wait`, which parks the caller and runs no code of the program's. Should it never go on, `bequest` is passed on; what `wait`
/// leaves in the same way is passed on before that. If `wait` unwinds, the bequest is taken back.
///
/// `gp` is what [`super::waiter`] returned.
#[inline]
pub(crate) fn with_will<R>(gp: NonNull<G>, bequest: &dyn Bequest, wait: impl FnOnce() -> R) -> R {
    /// Takes the last clause back.
    struct Revoked<'a>(&'a Will, &'a Clause);

    impl Drop for Revoked<'_> {
        #[inline]
        fn drop(&mut self) {
            self.0.set(self.1.before.get());
        }
    }

    // SAFETY: the caller's own G.
    if unsafe { gp.as_ref() }.mp().is_none() {
        // A thread goes on.
        return wait();
    }
    // SAFETY: it is taken back below, or the goroutine stays where it is, and with it what is borrowed.
    let clause = unsafe { Clause::of(bequest) };
    // SAFETY: the calling goroutine's own.
    let will = &unsafe { gp.as_ref() }.will;
    clause.put_into(will);
    let _revoked = Revoked(will, &clause);
    wait()
}

/// As [`with_will`], for `f` that may be the program's code.
pub(crate) fn with_will_around<R>(bequest: &dyn Bequest, f: impl FnOnce() -> R) -> R {
    /// Takes a clause out of the list of the goroutine that has made it, if that has not ended.
    struct Revoked<'a>(GRef, &'a Clause);

    impl Drop for Revoked<'_> {
        fn drop(&mut self) {
            // Coroutines stay on their thread, and goroutines on theirs: so this is the M that the goroutine has settled on.
            let Some(gp) = self.0.seated() else { return };
            // SAFETY: it has not ended, and its M's thread is here.
            let mut place: &Cell<Option<NonNull<Clause>>> = &unsafe { gp.as_ref() }.will;
            while let Some(clause) = place.get() {
                // SAFETY: what is in a list has not been taken out, so it is still there.
                let clause = unsafe { clause.as_ref() };
                if ptr::eq(clause, self.1) {
                    place.set(clause.before.get());
                    return;
                }
                place = &clause.before;
            }
        }
    }

    let gp = park::waiter();
    // SAFETY: the caller's own G.
    let own = unsafe { gp.as_ref() };
    if own.mp().is_none() {
        // A thread goes on.
        return f();
    }
    // SAFETY: it is taken out below; or `f` never returns, and its stack stays.
    let clause = unsafe { Clause::of(bequest) };
    clause.put_into(&own.will);
    let _revoked = Revoked(GRef::of(own.head()), &clause);
    f()
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
                will = clause.before.get();
            }
        }
    }
}
