//! `Condvar`: `std`'s, but it parks the goroutine.

use std::fmt;
use std::sync::LockResult;
use std::time::Duration;

use super::list::Waiter;
use super::mutex::{MutexGuard, Unlocked};
use super::signal::Signal;
use super::wait::{Limit, wait, why};
use crate::context;
use crate::primitive::constant;
use crate::sched::{self, Bequest, Ended, WaitReason, budget, clock, with_will};

/// A condition variable as [`std::sync::Condvar`], for our [`Mutex`](super::Mutex): it parks the goroutine that waits, and not its M.
///
/// Goroutines and plain threads may share it. Who waits may be woken without having been notified, as with `std`'s, so look again at
/// what you wait for, or use [`wait_while`](Condvar::wait_while). A notification that has reached somebody is never lost to a
/// timeout or a cancellation that comes at the same time.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use marmot_runtime as marmot;
/// use marmot::sync::{Condvar, Mutex};
///
/// let pair = Arc::new((Mutex::new(false), Condvar::new()));
/// let theirs = Arc::clone(&pair);
/// marmot::go(move || {
///     let (is_ready, changed) = &*theirs;
///     *is_ready.lock().unwrap() = true;
///     changed.notify_one();
/// });
/// let (is_ready, changed) = &*pair;
/// let is_ready = changed.wait_while(is_ready.lock().unwrap(), |is_ready| !*is_ready).unwrap();
/// assert!(*is_ready);
/// ```
pub struct Condvar {
    signal: Signal,
}

/// Whether a wait with a limit was ended by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult {
    timed_out: bool,
}

impl WaitTimeoutResult {
    /// Whether the time was over before there was a notification.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }
}

impl Condvar {
    constant! {
        /// One that nobody waits for.
        pub fn new() -> Condvar {
            Condvar { signal: Signal::new() }
        }
    }

    /// Gives the lock up, waits for a notification, and takes the lock again. No notification is missed between.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned when the lock is taken again; the error has the guard.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), until it is notified, and then as [`Mutex::lock`](super::Mutex::lock).
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait: see [`wait_or_cancelled`](Condvar::wait_or_cancelled).
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let (ended, guard) = self.suspend(guard, Limit::NONE);
        self.resume(ended, || guard.lock())
    }

    /// Waits as long as `condition` is true of what the mutex guards.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Blocking
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Cancellation
    ///
    /// As [`wait`](Condvar::wait).
    pub fn wait_while<'a, T: ?Sized, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait`](Condvar::wait), for so long at most.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), for so long at most, and then as [`Mutex::lock`](super::Mutex::lock).
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait.
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (ended, guard) = self.suspend(guard, Limit::time(clock::after(limit)));
        with(self.resume(ended, || guard.lock()), WaitTimeoutResult { timed_out: ended == Ended::TimedOut })
    }

    /// As [`wait_timeout`](Condvar::wait_timeout), in milliseconds. What it returns beside the guard is false if the time was over before
    /// there was a notification.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Blocking
    ///
    /// As [`wait_timeout`](Condvar::wait_timeout).
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait.
    #[deprecated(since = "0.1.0", note = "`std` has deprecated it: use `wait_timeout`")]
    pub fn wait_timeout_ms<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        ms: u32,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        match self.wait_timeout(guard, Duration::from_millis(ms.into())) {
            Ok((guard, result)) => Ok((guard, !result.timed_out())),
            Err(poisoned) => {
                let (guard, result) = poisoned.into_inner();
                Err(std::sync::PoisonError::new((guard, !result.timed_out())))
            }
        }
    }

    /// Waits as long as `condition` is true of what the mutex guards, for so long at most. It has timed out if `condition` still is
    /// true then.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Blocking
    ///
    /// As [`wait_timeout`](Condvar::wait_timeout).
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait.
    pub fn wait_timeout_while<'a, T: ?Sized, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        limit: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let until = clock::after(limit);
        loop {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult { timed_out: false }));
            }
            if clock::now() >= until {
                return Ok((guard, WaitTimeoutResult { timed_out: true }));
            }
            let (ended, unlocked) = self.suspend(guard, Limit::time(until));
            guard = match self.resume(ended, || unlocked.lock()) {
                Ok(guard) => guard,
                poisoned => return with(poisoned, WaitTimeoutResult { timed_out: false }),
            };
        }
    }

    /// As [`wait`](Condvar::wait), unless the caller's context ends before.
    ///
    /// # Errors
    ///
    /// If the context has ended: then **the lock is not held** any more, and the guard is gone. Within that, as
    /// [`wait`](Condvar::wait).
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), until it is notified and has the lock.
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait, also that for the lock. Who was notified by then leaves that to the next one who
    /// waits.
    pub fn wait_or_cancelled<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> Result<LockResult<MutexGuard<'a, T>>, context::Error> {
        self.wait_within(guard, Limit::CONTEXT).map(|(_ended, guard)| guard)
    }

    /// As [`wait_while`](Condvar::wait_while), unless the caller's context ends before.
    ///
    /// # Errors
    ///
    /// As [`wait_or_cancelled`](Condvar::wait_or_cancelled), if `condition` is true.
    ///
    /// # Blocking
    ///
    /// As [`wait_or_cancelled`](Condvar::wait_or_cancelled).
    ///
    /// # Cancellation
    ///
    /// As [`wait_or_cancelled`](Condvar::wait_or_cancelled).
    pub fn wait_while_or_cancelled<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Result<LockResult<MutexGuard<'a, T>>, context::Error> {
        while condition(&mut guard) {
            guard = match self.wait_or_cancelled(guard)? {
                Ok(guard) => guard,
                poisoned => return Ok(poisoned),
            };
        }
        Ok(Ok(guard))
    }

    /// As [`wait_timeout`](Condvar::wait_timeout), unless the caller's context ends before.
    ///
    /// # Errors
    ///
    /// As [`wait_or_cancelled`](Condvar::wait_or_cancelled).
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), for so long at most, and then until it has the lock.
    ///
    /// # Cancellation
    ///
    /// As [`wait_or_cancelled`](Condvar::wait_or_cancelled).
    pub fn wait_timeout_or_cancelled<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> Result<LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>, context::Error> {
        let limit = Limit::time(clock::after(limit)).or_context();
        let (ended, guard) = self.wait_within(guard, limit)?;
        Ok(with(guard, WaitTimeoutResult { timed_out: ended == Ended::TimedOut }))
    }

    /// Wakes one of those who wait, if there are any: the one who has waited for longest.
    #[inline]
    pub fn notify_one(&self) {
        budget::charge(budget::CHECK);
        self.signal.notify_one();
    }

    /// Wakes all who wait now.
    #[inline]
    pub fn notify_all(&self) {
        budget::charge(budget::CHECK);
        self.signal.notify_all();
    }

    /// Gives the lock up and waits, unless the context has ended.
    fn wait_within<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Limit,
    ) -> Result<(Ended, LockResult<MutexGuard<'a, T>>), context::Error> {
        limit.check()?;
        let (ended, guard) = self.suspend(guard, limit);
        if ended == Ended::Cancelled {
            return Err(why(ended));
        }
        // The time is for the notification, not for the lock.
        match self.resume(ended, || guard.lock_within(Limit::CONTEXT)) {
            Ok(guard) => Ok((ended, guard)),
            Err(failed) => {
                if ended == Ended::Readied {
                    self.signal.notify_one();
                }
                Err(why(failed))
            }
        }
    }

    /// Gives the lock up, and waits.
    fn suspend<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>, limit: Limit) -> (Ended, Unlocked<'a, T>) {
        let waiter = Waiter::new(sched::waiter(), limit.observes());
        // SAFETY: it is in no list, and stays here until the wait is over.
        unsafe { self.signal.enter(&waiter) };
        let guard = guard.unlock();
        (wait(&self.signal, &waiter, WaitReason::Condvar, limit), guard)
    }

    /// Takes the lock again by `lock`. Who was notified and never gets it, because its runtime stops, leaves the notification to the next.
    fn resume<R>(&self, ended: Ended, lock: impl FnOnce() -> R) -> R {
        match ended {
            Ended::Readied => with_will(sched::waiter(), &Notified(&self.signal), lock),
            _ => lock(),
        }
    }
}

/// What one has who was notified and does not have the lock.
struct Notified<'a>(&'a Signal);

impl Bequest for Notified<'_> {
    fn pass_on(&self) {
        self.0.notify_one();
    }
}

/// `guard` with `more` beside it, poisoned or not.
fn with<G, R>(guard: LockResult<G>, more: R) -> LockResult<(G, R)> {
    match guard {
        Ok(guard) => Ok((guard, more)),
        Err(poisoned) => Err(std::sync::PoisonError::new((poisoned.into_inner(), more))),
    }
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
