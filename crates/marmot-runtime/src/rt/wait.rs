//! Waiting for nothing but time or a word, and running what blocks elsewhere.

use std::time::{Duration, Instant};

use crate::timer::ForPrograms;
use crate::{sched, timer};

/// Lets the other goroutines of this M run before the caller goes on. On a plain thread, as
/// `std::thread::yield_now`.
#[inline]
pub fn yield_now() {
    sched::yield_now();
}

/// Waits for `duration`, never less.
///
/// # Blocking
///
/// G (a plain thread blocks).
pub fn sleep(duration: Duration) {
    match Instant::now().checked_add(duration) {
        Some(until) => timer::sleep_until(until),
        // Longer than the clock can tell.
        None => loop {
            park_timeout(Duration::from_secs(u32::MAX.into()));
        },
    }
}

/// Waits until `deadline`; returns at once if it is past.
///
/// # Blocking
///
/// G (a plain thread blocks).
pub fn sleep_until(deadline: Instant) {
    timer::sleep_until(deadline);
}

/// Waits until somebody calls [`unpark`](super::Goroutine::unpark) on the caller's handle, or
/// returns at once if somebody has since the last `park`.
///
/// # Blocking
///
/// G (a plain thread blocks).
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
    timer::park_token::<ForPrograms>();
}

/// As [`park`], but at most for `duration`.
///
/// # Blocking
///
/// G (a plain thread blocks).
pub fn park_timeout(duration: Duration) {
    match Instant::now().checked_add(duration) {
        Some(until) => timer::park_token_until::<ForPrograms>(until),
        // Longer than the clock can tell.
        None => timer::park_token::<ForPrograms>(),
    }
}

/// Runs `f`, which may block its thread, on a spare thread while the goroutine is parked, so that
/// its M goes on. `f` may borrow from the caller. On a plain thread it runs right there.
///
/// There are at most 512 spare threads; when all are busy, `f` waits for one.
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
pub fn blocking<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    crate::blocking::blocking(f)
}
