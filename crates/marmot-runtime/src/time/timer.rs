//! `Timer`: one tick at a point in time.

use std::fmt;
use std::time::{Duration, Instant};

use super::bell::Bell;
use crate::context::Error;
use crate::sync::chan::{Receiver, Selectable};

/// Fires once when its time has come, and is received by one who waits for it; Go's `time.Timer`.
///
/// When [`stop`](Timer::stop) or [`reset`](Timer::reset) has returned, no tick of before is received: there is nothing to drain. Share it
/// in an [`Arc`](std::sync::Arc), or by reference in a scope. Dropping it stops it. In a [`select!`](crate::select), it is an arm that is received from.
///
/// # Examples
///
/// ```
/// use marmot_runtime::time::{Duration, Instant, Timer};
///
/// let begun = Instant::now();
/// let timer = Timer::new(Duration::from_millis(2));
/// assert!(timer.wait()? >= begun + Duration::from_millis(2));
///
/// // It can be set again; and what is stopped does not fire.
/// assert!(!timer.reset(Duration::from_secs(3600)));
/// assert!(timer.stop());
/// assert_eq!(timer.try_wait(), None);
/// # Ok::<(), marmot_runtime::context::Error>(())
/// ```
pub struct Timer {
    bell: Box<Bell>,
}

impl Timer {
    /// A timer that fires after `duration`.
    ///
    /// # Panics
    ///
    /// Nothing does. One that is longer than the clock can tell never comes.
    pub fn new(duration: Duration) -> Timer {
        let bell = Bell::new();
        bell.set(duration, Duration::ZERO);
        Timer { bell }
    }

    /// Waits until it fires, and returns when it did. If it has fired already, and nobody has received that, it returns at once.
    ///
    /// Of several who wait one is served, each time that it fires. On a timer that was stopped, or whose tick was received, one waits until it
    /// is set again.
    ///
    /// # Errors
    ///
    /// If the caller's context has ended: why.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    ///
    /// # Cancellation
    ///
    /// The end of the caller's context ends the wait, and takes no tick from others.
    pub fn wait(&self) -> Result<Instant, Error> {
        self.bell.wait()
    }

    /// As [`wait`](Timer::wait), if it has fired already.
    pub fn try_wait(&self) -> Option<Instant> {
        self.bell.try_wait()
    }

    /// Keeps it from firing; true if it was to fire, or had fired and nobody had received that.
    ///
    /// Those who wait go on waiting.
    pub fn stop(&self) -> bool {
        self.bell.stop()
    }

    /// Makes it fire after `duration` from now, and not when it was to before; true as for [`stop`](Timer::stop).
    pub fn reset(&self, duration: Duration) -> bool {
        self.bell.set(duration, Duration::ZERO)
    }
}

impl Selectable for Timer {
    type Item = Instant;

    fn receiver(&self) -> Option<&Receiver<Instant>> {
        Some(self.bell.receiver())
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}

/// A timer that fires after `duration`: `time::after(d).wait()` is a sleep, and an arm of a choice is a limit for the others.
///
/// What is no longer needed is stopped by dropping it.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::chan;
/// use marmot::time::{self, Duration};
///
/// let (_sender, receiver) = chan::bounded::<u32>(1);
/// let got = marmot::select! {
///     recv(receiver) -> number => number.ok(),
///     recv(time::after(Duration::from_millis(1))) -> _ => None,
/// };
/// assert_eq!(got, None);
/// ```
pub fn after(duration: Duration) -> Timer {
    Timer::new(duration)
}
