//! Waiting for a point in time: sleeps, timers, tickers, and functions that are called later.
//!
//! [`Duration`], [`Instant`], [`SystemTime`] and [`UNIX_EPOCH`] are `std`'s own. What waits parks the goroutine, or blocks the plain
//! thread, and nothing here ends early, except that the end of the caller's [context](crate::context) ends a wait.
//!
//! | | fires | is received by | after `stop` or `reset` |
//! |---|---|---|---|
//! | [`sleep`], [`sleep_until`], [`sleep_or_cancelled`] | once | who sleeps | |
//! | [`Timer`], [`after`] | once each time it is set | one who [waits](Timer::wait) | no tick of before is received |
//! | [`Ticker`] | again and again | one who [waits](Ticker::wait), for each tick; ticks that nobody has received in time are dropped | the same |
//! | [`after_func`] | once each time it is set | a goroutine of its own, which calls the function | what has started goes on |
//!
//! A timer belongs to whoever has it, and to no runtime. When the runtime is shut down whose goroutine has set it, it
//! neither fires early nor is it lost: another thread of the process fires it in time. Plain threads may set, stop and receive as goroutines do.
//!
//! Timers are kept in a heap for each P, exact to the nanosecond; how late one who waits runs depends on what else runs on its M.

mod after;
mod bell;
mod ticker;
mod timer;

pub use std::time::{Duration, Instant, SystemTime, SystemTimeError, UNIX_EPOCH};

pub use crate::rt::{sleep, sleep_until};
pub use after::{AfterFunc, after_func};
pub use ticker::{Ticker, Ticks};
pub use timer::{Timer, after};

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::context::{self, Error};
use crate::sched::{self, WaitReason, clock};
use crate::timer::limit::{Ended, Place, park_within};

/// Where a sleeper waits: only its time or its context takes it out.
struct Bed {
    is_left: AtomicBool,
}

impl Place for Bed {
    fn retract(&self) -> bool {
        // Relaxed: what is to be ordered is so by the lock of the timer, or by readying.
        !self.is_left.swap(true, Relaxed)
    }
}

/// Waits for `duration`, never less, unless the caller's context ends before that.
///
/// # Errors
///
/// If the context has ended: why.
///
/// # Blocking
///
/// G (a plain thread blocks).
///
/// # Cancellation
///
/// The end of the caller's context ends the wait.
///
/// # Examples
///
/// ```
/// use marmot_runtime::time::{self, Duration, Instant};
///
/// let begun = Instant::now();
/// time::sleep_or_cancelled(Duration::from_millis(2))?;
/// assert!(begun.elapsed() >= Duration::from_millis(2));
/// # Ok::<(), marmot_runtime::context::Error>(())
/// ```
pub fn sleep_or_cancelled(duration: Duration) -> Result<(), Error> {
    context::check()?;
    let until = clock::after(duration);
    let bed = Bed { is_left: AtomicBool::new(false) };
    match park_within(sched::waiter(), WaitReason::Sleep, until, &bed) {
        Ended::Cancelled => Err(ended()),
        Ended::TimedOut | Ended::Readied => Ok(()),
    }
}

/// Why the caller's context has ended.
fn ended() -> Error {
    // It is asked only by who has been told so.
    context::check().expect_err("a context that has ended does not go on")
}
