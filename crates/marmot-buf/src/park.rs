//! How a side of a buffer or a pipe waits for the other.
//!
//! The contract is that of `std::thread::park`: one `unpark` ends one `park`, also one that comes later; a `park` may
//! end without reason, so whoever calls it looks again at what it waits for.

use std::io;
use std::thread::{self, Thread};
use std::time::Instant;

/// Parking and unparking, by whatever the caller is: a thread or a goroutine.
pub trait Park: 'static {
    /// Names who is to be unparked.
    type Handle: Clone + Send + Sync + 'static;

    /// How often a side looks again before it parks, because the other side is likely to be running at this moment and
    /// parking costs more. None, where the two may share a thread.
    const SPINS: u32 = 0;

    /// The caller's handle.
    fn current() -> Self::Handle;

    /// Waits until somebody unparks the caller, at most until `until`; may return early.
    ///
    /// # Errors
    ///
    /// When the caller is to stop waiting, for example because it was cancelled. Whoever called gives up its wait and
    /// hands the error on. That `until` has come is no error: the caller looks at the clock.
    ///
    /// # Blocking
    ///
    /// Whatever the caller is.
    fn park(until: Option<Instant>) -> io::Result<()>;

    /// Whether the caller may begin to wait. A call that would wait for others in any case asks before it does anything.
    ///
    /// Unless this is overridden, it may.
    ///
    /// # Errors
    ///
    /// Those of `park`, when that would not wait any more.
    fn check() -> io::Result<()> {
        Ok(())
    }

    /// A side has looked at what the other one changes, and does not wait. Where the two take turns on a thread, this is the place to
    /// let the other one run now and then: a loop over such calls may wait for it. Nothing is locked.
    ///
    /// Unless this is overridden, it does nothing.
    #[inline]
    fn looked() {}

    /// Ends the `park` of the handle's owner, or its next one. What was done before `unpark` is seen after `park`.
    fn unpark(handle: &Self::Handle);
}

/// Blocks threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

impl Park for Threads {
    type Handle = Thread;

    /// A microsecond or two, which is less than it takes to block a thread and to wake it.
    const SPINS: u32 = 100;

    fn current() -> Thread {
        thread::current()
    }

    fn park(until: Option<Instant>) -> io::Result<()> {
        match until {
            None => thread::park(),
            Some(until) => thread::park_timeout(until.saturating_duration_since(Instant::now())),
        }
        Ok(())
    }

    fn unpark(handle: &Thread) {
        handle.unpark();
    }
}
