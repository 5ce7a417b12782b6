//! Parking the caller, and readying who parks.
//!
//! To wait, a caller puts its G ([`waiter`]) where the one who will wake it finds it, and
//! calls [`park`]. To wake it, that one takes the G *out* of there and calls [`ready`].
//! Because it is taken out once, each park is ended by one ready, and none is lost: a ready that
//! comes before the park's switch is complete waits in the inbox of the parker's M.

use std::ptr::NonNull;

use super::Sched;
use super::blocked;
use super::current;
use super::g::{G, GRef, Seat};
use super::initializers;
use super::m::M;
use super::status::WaitReason;
use super::thread;

/// The caller's G: its goroutine's, or its thread's.
#[inline]
pub(crate) fn waiter() -> NonNull<G> {
    current::gp().unwrap_or_else(thread::current)
}

/// The number of `gp`, which waits or runs: nobody else ever has it, and it is not 0.
pub(crate) fn number(gp: NonNull<G>) -> u64 {
    // SAFETY: the caller's word.
    unsafe { gp.as_ref() }.head().id
}

/// The [`number`] of the goroutine that runs on this thread; 0 outside of goroutines.
#[inline]
pub(crate) fn own_number() -> u64 {
    current::gp().map_or(0, number)
}

/// Waits until somebody readies the caller.
///
/// `gp` is what [`waiter`] returned, and has been put where somebody will find it.
#[inline]
pub(crate) fn park(gp: NonNull<G>, reason: WaitReason) {
    // SAFETY: the caller's own G.
    let g = unsafe { gp.as_ref() };
    match g.parker() {
        None => park_here(gp, reason, 0),
        Some(parker) if blocked::timed() => blocked::time(None, reason, || parker.wait()),
        Some(parker) => parker.wait(),
    }
}

/// As [`park`], for a goroutine. When it goes on, it will look first at `address`, whose memory is asked for in time.
#[inline]
pub(crate) fn park_here(gp: NonNull<G>, reason: WaitReason, address: usize) {
    // SAFETY: the caller's own G.
    let g = unsafe { gp.as_ref() };
    g.status.wait(reason);
    g.looks_first_at(address);
    initializers::note_park(gp);
    // SAFETY: `gp` is the goroutine that runs here.
    let suspend = || unsafe { g.suspend() };
    if blocked::timed() {
        // SAFETY: as above.
        return blocked::time(Some(unsafe { Seat::of(gp) }), reason, suspend);
    }
    suspend();
}

/// Lets `gp` run on: a started goroutine on its own M, an unstarted one wherever there is room, a
/// plain thread at once.
///
/// The caller has taken `gp` out of the place where it waited, so that nobody else readies it.
#[inline]
pub(crate) fn ready(gp: NonNull<G>) {
    // SAFETY: a waiter's G stays alive until it has been readied.
    match (unsafe { gp.as_ref() }.mp(), current::mp()) {
        (Some(mp), Some(here)) if std::ptr::eq(mp, here) => here.ready_here(gp),
        (Some(mp), _) => mp.ready_from_afar(gp),
        (None, here) => ready_unsettled(gp, here),
    }
}

#[cold]
fn ready_unsettled(gp: NonNull<G>, here: Option<&'static M>) {
    // SAFETY: as above.
    let head = unsafe { gp.as_ref() }.head();
    // SAFETY: as above.
    if let Some(parker) = unsafe { gp.as_ref() }.parker() {
        // Once it is woken, the thread may end and give its own reference up.
        let _alive = GRef::of(head);
        parker.wake();
        return;
    }
    // Only a thread has no runtime, and that was dealt with above.
    let sched = head.sched.expect("a goroutine belongs to a runtime");
    match here {
        Some(here) if std::ptr::eq(sched, here.sched) => here.queue(gp),
        _ => sched.submit(gp),
    }
}

/// Whether `gp`, which waits, is a goroutine whose runtime has stopped: it does not go on.
pub(crate) fn has_stopped(gp: NonNull<G>) -> bool {
    // SAFETY: a waiter's G stays alive until it has been readied.
    unsafe { gp.as_ref() }.sched().is_some_and(Sched::is_stopping)
}

/// Whether it may be worth to look again and again for something that another thread is about to do: not on the only M, and not
/// while others wait to run on this one.
pub(crate) fn may_spin() -> bool {
    current::mp().is_none_or(|mp| mp.sched.ms().len() > 1 && mp.settled_len() == 0)
}

/// Lets the other goroutines of this M run, and the caller after them. A plain thread offers its
/// core to others.
#[inline]
pub(crate) fn yield_now() {
    match (current::gp(), current::mp()) {
        (Some(gp), Some(mp)) => {
            mp.ready_here(gp);
            initializers::note_park(gp);
            // SAFETY: `gp` is the goroutine that runs here.
            unsafe { gp.as_ref().suspend() }
        }
        _ => std::thread::yield_now(),
    }
}
