//! Parking the caller, and readying who parks.
//!
//! To wait, a caller puts its record ([`waiter`]) where the one who will wake it finds it, and
//! calls [`park`]. To wake it, that one takes the record *out* of there and calls [`ready`].
//! Because it is taken out once, each park is ended by one ready, and none is lost: a ready that
//! comes before the park's switch is complete waits in the inbox of the parker's M.

use std::ptr::NonNull;

use super::current;
use super::g::{G, GRef};
use super::status::WaitReason;
use super::thread;

/// The caller's record: its goroutine's, or its thread's.
pub(crate) fn waiter() -> NonNull<G> {
    current::gp().unwrap_or_else(thread::current)
}

/// Waits until somebody readies the caller.
///
/// `gp` is what [`waiter`] returned, and has been put where somebody will find it.
#[inline]
pub(crate) fn park(gp: NonNull<G>, reason: WaitReason) {
    // SAFETY: the caller's own record.
    let g = unsafe { gp.as_ref() };
    match g.parker() {
        None => {
            g.status.wait(reason);
            // SAFETY: `gp` is the goroutine that runs here.
            unsafe { g.suspend() }
        }
        Some(parker) => parker.wait(),
    }
}

/// Lets `gp` run on: a started goroutine on its own M, an unstarted one wherever there is room, a
/// plain thread at once.
///
/// The caller has taken `gp` out of the place where it waited, so that nobody else readies it.
pub(crate) fn ready(gp: NonNull<G>) {
    // SAFETY: a waiter's record stays alive until it has been readied.
    let g = unsafe { gp.as_ref() };
    if let Some(parker) = g.parker() {
        // Once it is woken, the thread may end and give its own reference up.
        let _alive = GRef::of(g);
        parker.wake();
        return;
    }
    let here = current::mp();
    match (g.mp(), here) {
        (Some(mp), Some(here)) if std::ptr::eq(mp, here) => here.ready_here(gp),
        (Some(mp), _) => mp.ready_from_afar(gp),
        (None, Some(here)) if g.sched.is_some_and(|s| std::ptr::eq(s, here.sched)) => here.queue(gp),
        // Only a thread's record has no runtime, and that was dealt with above.
        (None, _) => g.sched.expect("a goroutine belongs to a runtime").submit(gp),
    }
}

/// Counts an operation that did not have to wait. A goroutine that has done many of them in one
/// turn yields, and its M looks at its poller and its timers: a peer that always has something to
/// say must not hold up all the others.
#[inline]
pub(crate) fn spend() {
    if let (Some(mp), Some(_)) = (current::mp(), current::gp())
        && mp.spend()
    {
        yield_now();
    }
}

/// Lets the other goroutines of this M run, and the caller after them. A plain thread offers its
/// core to others.
pub(crate) fn yield_now() {
    match (current::gp(), current::mp()) {
        (Some(gp), Some(mp)) => {
            mp.ready_here(gp);
            // SAFETY: `gp` is the goroutine that runs here.
            unsafe { gp.as_ref().suspend() }
        }
        _ => std::thread::yield_now(),
    }
}
