//! Waiting for nothing but time or a word, and running what blocks elsewhere.

use std::time::{Duration, Instant};

use crate::timer::ForPrograms;
use crate::{context, sched, timer};

/// Lets the other goroutines of this M run before the caller goes on. On a plain thread, as
/// `std::thread::yield_now`.
#[inline]
pub fn yield_now() {
    sched::yield_now();
}

/// Waits for `duration`; less only if the caller's context ends.
///
/// # Blocking
///
/// G (a plain thread blocks).
///
/// # Cancellation
///
/// It returns early when the [context](crate::context) ends, and at once if it has; [`sleep_or_cancelled`] says so.
pub fn sleep(duration: Duration) {
    // Longer than the clock can tell is longer than anybody waits.
    sleep_until(Instant::now().checked_add(duration).unwrap_or_else(far));
}

/// Waits until `deadline`; returns at once if it is past.
///
/// # Blocking
///
/// G (a plain thread blocks).
///
/// # Cancellation
///
/// As [`sleep`].
pub fn sleep_until(deadline: Instant) {
    timer::sleep_until(deadline);
}

/// Waits for `duration`, never less.
///
/// # Errors
///
/// If the caller's context ends before that, or has ended.
///
/// # Blocking
///
/// G (a plain thread blocks).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use marmot_runtime as marmot;
/// use marmot::context::Context;
///
/// let (ctx, _cancel) = Context::current().with_timeout(Duration::from_millis(5));
/// let slept = ctx.run(|| marmot::sleep_or_cancelled(Duration::from_secs(3600)));
/// assert!(slept.unwrap_err().is_deadline_exceeded());
/// ```
pub fn sleep_or_cancelled(duration: Duration) -> Result<(), context::Error> {
    let cancelled = timer::sleep_until(Instant::now().checked_add(duration).unwrap_or_else(far));
    if cancelled { Err(context::why()) } else { Ok(()) }
}

/// A century from now.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(100 * 365 * 24 * 3600)
}

/// Waits until somebody calls [`unpark`](super::Goroutine::unpark) on the caller's handle, or
/// returns at once if somebody has since the last `park`.
///
/// # Blocking
///
/// G (a plain thread blocks).
///
/// # Cancellation
///
/// It returns when the [context](crate::context) ends. If that has ended, the others of this M run before the caller goes on, so
/// that a loop that waits for them gets on.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
///
/// let parked = marmot::go(marmot::park);
/// parked.goroutine().unpark();
/// parked.join().unwrap();
/// ```
#[inline]
pub fn park() {
    let _ = timer::park_token_within::<ForPrograms>(None);
}

/// As [`park`], but at most for `duration`.
///
/// # Blocking
///
/// G (a plain thread blocks).
///
/// # Cancellation
///
/// As [`park`].
pub fn park_timeout(duration: Duration) {
    // Longer than the clock can tell is without a limit.
    let _ = timer::park_token_within::<ForPrograms>(Instant::now().checked_add(duration));
}

/// Runs `f`, which may block its thread, on a spare thread while the goroutine is parked, so that
/// its M goes on. `f` may borrow from the caller. On a plain thread it runs right there.
///
/// A runtime has a limited number of spare threads, 512 unless
/// [`RuntimeBuilder::max_blocking_threads`](super::RuntimeBuilder::max_blocking_threads) says
/// otherwise. When all are busy, `f` waits for a free one, so a group of closures that wait for one another must not be
/// larger than that limit. If closures are queued and none finishes for a second, a report on standard error lists the calls
/// whose closures are running.
///
/// # Panics
///
/// If `f` panics, with the same payload.
///
/// # Blocking
///
/// G, until `f` has ended. It is not cancelled by anything.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
///
/// let mut lines = 0;
/// marmot::blocking(|| {
///     lines = std::fs::read_to_string("Cargo.toml").map_or(0, |text| text.lines().count());
/// });
/// assert!(lines > 0);
/// ```
#[track_caller]
pub fn blocking<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    crate::blocking::blocking(f)
}
