//! Waiting for a point in time: `sleep` and `park` with a limit; and where a timer is armed.

pub(crate) mod alarm;
pub(crate) mod limit;
pub(crate) mod pools;

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use crate::sched::{self, Due, Fire, G, Head, M, Token, WaitReason, budget, clock, current, outside, within};
use limit::{Ended, NEVER, Place, park_within};

/// Arms the timer of `record` in the heap of this thread's P, or, where that belongs to another runtime than `mp`
/// or is none, in that of `mp`.
///
/// # Safety
///
/// As for `Timers::arm`: the record stays where it is until the timer is disarmed, and nobody else arms
/// or disarms that meanwhile.
pub(crate) unsafe fn arm<F: Fire>(record: NonNull<F::Record>, when: u64, mp: &'static M) {
    match current::mp().filter(|here| std::ptr::eq(here.sched, mp.sched)) {
        Some(here) => {
            // SAFETY: the caller's word.
            unsafe { here.pp().timers.arm::<F>(record, when) };
        }
        None => {
            // SAFETY: the caller's word.
            unsafe { mp.home_p().timers.arm::<F>(record, when) };
            mp.nudge();
        }
    }
}

/// Arms the timer of `record`, which keeps its time, in the heap of this thread's P, or, where there is none, in the one that is outside of all
/// runtimes; returns whether it was armed before.
///
/// # Safety
///
/// As for `Timers::arm`.
pub(crate) unsafe fn arm_here<F: Fire>(record: NonNull<F::Record>, when: u64) -> bool {
    match current::mp() {
        // SAFETY: the caller's word.
        Some(mp) => unsafe { mp.pp().timers.arm::<F>(record, when) },
        // SAFETY: as above.
        None => unsafe { outside::arm::<F>(record, when) },
    }
}

/// Waits until `until`, or until the caller's context has ended: true if that came first. Parks the goroutine, or blocks the plain
/// thread.
pub(crate) fn sleep_until(until: Instant) -> bool {
    if within::own_is_set() {
        return sleep_under(clock::at(until));
    }
    let (Some(gp), Some(mp)) = (current::gp(), current::mp()) else {
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        return false;
    };
    let when = clock::at(until);
    if when <= clock::now() {
        sched::yield_now();
        return false;
    }
    // SAFETY: the G outlives the wait, the timer fires once and is then in no heap; nobody
    // else uses it.
    unsafe { mp.pp().timers.arm::<WakeSleeper>(gp, when) };
    sched::park(gp, WaitReason::Sleep);
    false
}

/// The same under a context.
#[cold]
fn sleep_under(when: u64) -> bool {
    /// Who sleeps is taken out once.
    struct Asleep(AtomicBool);

    impl Place for Asleep {
        fn retract(&self) -> bool {
            // Relaxed: readying orders what else there is.
            self.0.swap(false, Relaxed)
        }
    }

    if within::own_has_ended() || when <= clock::now() {
        sched::yield_now();
        return within::own_has_ended();
    }
    park_within(sched::waiter(), WaitReason::Sleep, when, &Asleep(AtomicBool::new(true))) == Ended::Cancelled
}

/// The timer of a goroutine that sleeps.
struct WakeSleeper;

// SAFETY: that is where a G has its timer.
unsafe impl Fire for WakeSleeper {
    type Record = G;
    const OFFSET: usize = G::TIMER;

    unsafe fn fire(gp: NonNull<G>, _now: u64, due: &mut Due) -> Option<u64> {
        due.push(gp);
        None
    }
}

/// One of the tokens that every goroutine has.
pub(crate) trait Tokens: 'static {
    /// What it is waited for.
    const REASON: WaitReason;

    /// The goroutine's.
    fn token(head: &Head) -> &Token;
}

/// That of `park` and `unpark`.
pub(crate) struct ForPrograms;

impl Tokens for ForPrograms {
    const REASON: WaitReason = WaitReason::Parked;

    fn token(head: &Head) -> &Token {
        &head.token
    }
}

/// That of waits inside the library.
pub(crate) struct ForBuffers;

impl Tokens for ForBuffers {
    const REASON: WaitReason = WaitReason::Buffer;

    fn token(head: &Head) -> &Token {
        &head.inner_token
    }
}

/// That of waits inside the library, for buffers that are filled from a connection.
pub(crate) struct ForConnections;

impl Tokens for ForConnections {
    const REASON: WaitReason = WaitReason::BufferedIo;

    fn token(head: &Head) -> &Token {
        &head.inner_token
    }
}

/// That of waits inside the library, for who takes a snapshot.
pub(crate) struct ForSnapshots;

impl Tokens for ForSnapshots {
    const REASON: WaitReason = WaitReason::Snapshot;

    fn token(head: &Head) -> &Token {
        &head.inner_token
    }
}

/// Notifies the goroutine's token; false if it does not wait for that.
#[inline]
pub(crate) fn notify<T: Tokens>(head: &Head) -> bool {
    let waits = T::token(head).notify();
    if waits {
        sched::ready(head.started());
    }
    waits
}

/// Forgets a notification of the caller's token, if there is one.
pub(crate) fn forget<T: Tokens>() {
    // SAFETY: the caller's own G.
    T::token(unsafe { sched::waiter().as_ref() }.head()).take();
}

/// Waits for a notification of the caller's token.
#[inline]
pub(crate) fn park_token<T: Tokens>() {
    let gp = sched::waiter();
    // SAFETY: the caller's own G.
    let token = T::token(unsafe { gp.as_ref() }.head());
    if token.take() {
        budget::charge(budget::CHECK);
    } else if token.park() {
        sched::park(gp, T::REASON);
        token.finish();
    }
}

/// Waits for a notification of the caller's token until `until` at the latest, or until the caller's context has ended. Where that
/// has ended before, the others of this M have their turn, and nothing is waited for.
pub(crate) fn park_token_within<T: Tokens>(until: Option<Instant>) -> Ended {
    if !within::own_is_set() {
        match until {
            None => park_token::<T>(),
            Some(until) => park_token_until::<T>(until),
        }
        return Ended::Readied;
    }
    park_token_under::<T>(until.map_or(NEVER, clock::at))
}

#[cold]
fn park_token_under<T: Tokens>(until: u64) -> Ended {
    let gp = sched::waiter();
    // SAFETY: the caller's own G.
    let token = T::token(unsafe { gp.as_ref() }.head());
    if token.take() {
        budget::charge(budget::CHECK);
        return Ended::Readied;
    }
    let has_ended = within::own_has_ended();
    if has_ended || (until != NEVER && until <= clock::now()) {
        // Who waits in a loop must not hold up who is to notify it.
        sched::yield_now();
        return match (token.take(), has_ended) {
            (true, _) => Ended::Readied,
            (false, true) => Ended::Cancelled,
            (false, false) => Ended::TimedOut,
        };
    }
    if !token.park() {
        return Ended::Readied;
    }
    let ended = park_within(gp, T::REASON, until, token);
    if token.finish() { Ended::Readied } else { ended }
}

impl Place for Token {
    fn retract(&self) -> bool {
        self.time_out()
    }
}

/// As [`park_token`], at most until `until`.
pub(crate) fn park_token_until<T: Tokens>(until: Instant) {
    let gp = sched::waiter();
    // SAFETY: the caller's own G.
    let g = unsafe { gp.as_ref() };
    let token = T::token(g.head());
    if token.take() {
        budget::charge(budget::CHECK);
        return;
    }
    if let Some(parker) = g.parker() {
        // The limit and a notification may race: whoever leaves `PARKED` decides.
        if token.park() {
            if !parker.wait_until(until) && !token.time_out() {
                parker.wait();
            }
            token.finish();
        }
        return;
    }
    let when = clock::at(until);
    if when <= clock::now() {
        sched::yield_now();
        token.take();
        return;
    }
    // A goroutine runs on an M.
    let mp = current::mp().expect("a goroutine has an M");
    if token.park() {
        // Armed after `PARKED` is set, so that a timer that fires at once finds it. SAFETY: the
        // G outlives the wait, and the timer is disarmed after it; nobody else uses it.
        unsafe { mp.pp().timers.arm::<WakeParked<T>>(gp, when) };
        sched::park(gp, T::REASON);
        token.finish();
        g.timer.disarm();
    }
}

/// The timer of a goroutine that waits for a notification of a token.
struct WakeParked<T>(PhantomData<T>);

// SAFETY: that is where a G has its timer.
unsafe impl<T: Tokens> Fire for WakeParked<T> {
    type Record = G;
    const OFFSET: usize = G::TIMER;

    unsafe fn fire(gp: NonNull<G>, _now: u64, due: &mut Due) -> Option<u64> {
        // SAFETY: the timer is armed, so its G is alive.
        if T::token(unsafe { gp.as_ref() }.head()).time_out() {
            due.push(gp);
        }
        None
    }
}
