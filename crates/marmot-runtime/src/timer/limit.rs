//! Waits that something else may end: a point in time, or the end of the caller's context.
//!
//! Who waits has put its G somewhere before it comes here (a list, a slot, a word), and hands over a [`Place`], by which the G is
//! taken out of there again. Whoever takes it out owns it, and readies it or goes on as it:
//!
//! | who takes it out | what it does then | [`Ended`] |
//! |---|---|---|
//! | who has what was waited for | readies it | `Readied` |
//! | the timer, on whichever M fires it | readies it | `TimedOut` |
//! | who ends the context | readies it | `Cancelled` |
//! | the waiter itself, before it parks, or as a plain thread whose time is up | goes on | `TimedOut`, `Cancelled` |
//!
//! So a wait has one end, however many come at a time, and what was handed over is never dropped: a waiter that comes too late to
//! take itself out has been given what it waited for, and is told `Readied`.

use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::sched::{self, Due, Fire, G, Timer, WaitReason, clock, current, within};

pub(crate) use crate::sched::{Ended, Place};

/// A point in time that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

/// As [`sched::park`], until `until` at the latest, or until the caller's context ends.
///
/// `gp` is what [`sched::waiter`] returned, and has been put into `place`.
pub(crate) fn park_within<P: Place>(gp: NonNull<G>, reason: WaitReason, until: u64, place: &P) -> Ended {
    if until == NEVER {
        return sched::park_in(gp, reason, place);
    }
    // SAFETY: the caller's own G.
    if let Some(parker) = unsafe { gp.as_ref() }.parker() {
        return within::park_thread(gp, parker, reason, Some(clock::instant(until)), place);
    }
    park_until(gp, until, place, || sched::park_in(gp, reason, place))
}

/// As [`park_within`], but the caller's context ends nothing.
pub(crate) fn park_within_time<P: Place>(gp: NonNull<G>, reason: WaitReason, until: u64, place: &P) -> Ended {
    // SAFETY: the caller's own G.
    if let Some(parker) = unsafe { gp.as_ref() }.parker() {
        if parker.wait_until(clock::instant(until)) {
            return Ended::Readied;
        }
        if place.retract() {
            return Ended::TimedOut;
        }
        parker.wait();
        return Ended::Readied;
    }
    park_until(gp, until, place, || {
        sched::park(gp, reason);
        Ended::Readied
    })
}

/// Parks a goroutine by `park`, with an alarm.
fn park_until<P: Place>(gp: NonNull<G>, until: u64, place: &P, park: impl FnOnce() -> Ended) -> Ended {
    let alarm = Alarm { timer: Timer::new(), gp, place, rang: AtomicBool::new(false) };
    // A goroutine runs on an M.
    let mp = current::mp().expect("a goroutine has an M");
    // SAFETY: the alarm stays here until it is disarmed, below; nobody else arms it.
    unsafe { mp.pp().timers.arm::<Alarm<'_, P>>(NonNull::from(&alarm), until) };
    let ended = park();
    alarm.timer.disarm();
    // Relaxed: disarming has ordered it.
    if alarm.rang.load(Relaxed) { Ended::TimedOut } else { ended }
}

/// A timer that ends a wait, on the stack of who waits.
struct Alarm<'a, P> {
    timer: Timer,
    gp: NonNull<G>,
    place: &'a P,
    rang: AtomicBool,
}

// SAFETY: that is where an alarm has its timer.
unsafe impl<'a, P: Place> Fire for Alarm<'a, P> {
    type Record = Alarm<'a, P>;
    const OFFSET: usize = offset_of!(Alarm<'a, P>, timer);

    unsafe fn fire(alarm: NonNull<Alarm<'a, P>>, _now: u64, due: &mut Due) -> Option<u64> {
        // SAFETY: who is armed is alive.
        let alarm = unsafe { alarm.as_ref() };
        if alarm.place.retract() {
            alarm.rang.store(true, Relaxed);
            due.push(alarm.gp);
        }
        None
    }
}
