//! `Ticker`: ticks at equal distances.

use std::fmt;
use std::time::{Duration, Instant};

use super::bell::Bell;
use crate::context::Error;
use crate::sync::chan::{Receiver, Selectable};

/// Fires again and again, each time `period` after the last; Go's `time.Ticker`.
///
/// A tick is kept until it is received, and as long as one is kept, those that come are dropped: who is slow receives one tick for
/// all that it has missed. Ticks stay in step with the beginning, however late each is. Dropping it stops it. In a
/// [`select!`](crate::select), it is an arm that is received from.
///
/// # Examples
///
/// ```
/// use marmot_runtime::time::{Duration, Instant, Ticker};
///
/// let begun = Instant::now();
/// let ticker = Ticker::new(Duration::from_millis(1));
/// for tick in ticker.iter().take(3) {
///     assert!(tick > begun);
/// }
/// assert!(begun.elapsed() >= Duration::from_millis(3));
/// ```
pub struct Ticker {
    bell: Box<Bell>,
}

impl Ticker {
    /// A ticker that fires after every `period`, the first time after one.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    #[track_caller]
    pub fn new(period: Duration) -> Ticker {
        let bell = Bell::new();
        set(&bell, period);
        Ticker { bell }
    }

    /// Waits for the next tick, and returns when it was. One that is kept is received at once.
    ///
    /// Of several who wait each tick serves one. On a ticker that was stopped one waits until it is set again.
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

    /// As [`wait`](Ticker::wait), if a tick is kept.
    pub fn try_wait(&self) -> Option<Instant> {
        self.bell.try_wait()
    }

    /// The ticks, one after the other, until the caller's context ends.
    pub fn iter(&self) -> Ticks<'_> {
        Ticks { ticker: self }
    }

    /// Stops it: no tick is received after this. Those who wait go on waiting.
    pub fn stop(&self) {
        self.bell.stop();
    }

    /// Makes it fire after every `period` from now on, also if it was stopped. A tick that is kept is dropped.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    #[track_caller]
    pub fn reset(&self, period: Duration) {
        set(&self.bell, period);
    }
}

#[track_caller]
fn set(bell: &Bell, period: Duration) {
    assert!(!period.is_zero(), "a ticker's period must not be zero");
    bell.set(period, period);
}

impl Selectable for Ticker {
    type Item = Instant;

    fn receiver(&self) -> Option<&Receiver<Instant>> {
        Some(self.bell.receiver())
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &'a Ticker {
    type Item = Instant;
    type IntoIter = Ticks<'a>;

    fn into_iter(self) -> Ticks<'a> {
        self.iter()
    }
}

/// The ticks of a [`Ticker`], by [`iter`](Ticker::iter): `next` waits for one.
#[derive(Debug)]
#[must_use = "iterators do nothing unless they are used"]
pub struct Ticks<'a> {
    ticker: &'a Ticker,
}

impl Iterator for Ticks<'_> {
    type Item = Instant;

    fn next(&mut self) -> Option<Instant> {
        self.ticker.wait().ok()
    }
}
