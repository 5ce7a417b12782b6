//! Timers outside of all runtimes: those that plain threads set, and those that [keep their time](super::Timer::keeping) when the
//! runtime is shut down that has them.
//!
//! They are in a heap of their own, which has a thread of its own as long as there are some. So a timer needs no runtime to be
//! set, and outlives each: it is neither lost with it, nor does it fire early. A program whose timers are set by goroutines, in
//! a runtime that lasts, never has that thread.
//!
//! | who arms | the thread |
//! |---|---|
//! | 1. puts the timer into the heap, which says when the first is due | 1. fires what is due |
//! | 2. if its own is the first: locks `STATE`; if no thread is there, starts one, else notifies it | 2. locks `STATE`; looks when the first is due; waits until then, the lock given up |
//!
//! The two second steps are ordered by the lock. Either the thread comes after, and sees the timer in the heap; or it waits already,
//! and is notified. It ends with the lock held, having found the heap empty, so who comes after starts another.
//!
//! It stands in nobody's way at the end of the process. What it calls may panic ([`Due`](super::Due) catches that). If no thread can be had,
//! whoever arms the next timer tries again.
//!
//! A child that is forked has no such thread, as it has no Ms: until it executes another program, it must not use this library.
//!
//! # What was rejected
//!
//! * An M of some runtime for a plain thread's timers: there may be none, the one that there is may be going, and to wake it
//!   costs a system call for every timer that is stopped long before its time.
//! * To move the timers of a runtime that goes to another one: there may be none, and then they have to wait for one to
//!   come, or are lost; and two runtimes that go at the same time would have each other's.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use super::ReportLimit;
use super::timers::{Fire, Timers};
use super::{clock, sys, threads};

/// See the module.
pub(super) static HEAP: LazyLock<Timers> = LazyLock::new(Timers::new);

/// How long the thread stays when there is nothing to do.
const KEEP: Duration = Duration::from_secs(10);

/// Whether there is a thread.
static STATE: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();
/// A thread was needed, and could not be had.
static IS_MISSED: AtomicBool = AtomicBool::new(false);
/// Every timer that is armed meanwhile would report it.
static THREADLESS: ReportLimit = ReportLimit::new();

fn state() -> MutexGuard<'static, bool> {
    // Nothing that panics runs under the lock.
    STATE.lock().unwrap_or_else(|e| e.into_inner())
}

/// As [`Timers::arm`].
///
/// # Safety
///
/// As there.
pub(crate) unsafe fn arm<F: Fire>(record: NonNull<F::Record>, when: u64) -> bool {
    // SAFETY: the caller's word.
    let was_armed = unsafe { HEAP.arm::<F>(record, when) };
    // Relaxed: it hurries things up only; if nobody arms, there is nobody to try again.
    if HEAP.next() >= when || IS_MISSED.load(Relaxed) {
        serve();
    }
    was_armed
}

/// Sees to it that what is in the heap is fired in time.
pub(super) fn serve() {
    if HEAP.next() == u64::MAX {
        return;
    }
    let mut is_served = state();
    if *is_served {
        CHANGED.notify_one();
        return;
    }
    let thread = threads::timers();
    let run = || {
        let _alive = threads::begin(thread);
        run();
    };
    match thread::Builder::new().name("marmot-timers".into()).spawn(run) {
        Ok(_) => {
            *is_served = true;
            IS_MISSED.store(false, Relaxed);
        }
        // They are not lost: whoever arms the next tries again.
        Err(e) => {
            IS_MISSED.store(true, Relaxed);
            THREADLESS
                .report(format_args!("timers of plain threads fire late, because their thread cannot be started: {e}"));
        }
    }
}

fn run() {
    sys::wake_exactly();
    loop {
        HEAP.fire_due(clock::now());
        let is_served = state();
        let left = match HEAP.next() {
            u64::MAX => KEEP,
            next => Duration::from_nanos(next.saturating_sub(clock::now())),
        };
        if left.is_zero() {
            continue;
        }
        let (mut is_served, waited) = CHANGED.wait_timeout(is_served, left).unwrap_or_else(|e| e.into_inner());
        if waited.timed_out() && HEAP.next() == u64::MAX {
            *is_served = false;
            return;
        }
    }
}
