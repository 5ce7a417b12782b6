//! `Semaphore`: so many at a time.

use std::fmt;
use std::mem::forget;
use std::sync::Arc;
use std::time::Duration;

use super::permits::{MOST, Permits};
use super::wait::{Limit, why};
use crate::context;
use crate::primitive::constant;
use crate::sched::{Ended, WaitReason, budget, clock};

/// A number of permits, which are taken and given back: it limits how many do something at a time, or how much they use.
///
/// It is fair: waiters get permits in the order in which they arrived, and nobody overtakes the first waiter, even if it waits for
/// more permits than are free (as in Go's `golang.org/x/sync/semaphore`). A request for more permits than the semaphore ever had
/// waits separately and does not block others. Goroutines and plain threads may share it.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use marmot_runtime as marmot;
/// use marmot::sync::Semaphore;
///
/// let connections = Arc::new(Semaphore::new(2));
/// let all: Vec<_> = (0..10)
///     .map(|_| {
///         let connections = Arc::clone(&connections);
///         marmot::go(move || {
///             let _permit = connections.acquire()?;
///             marmot::yield_now(); // with one other at most
///             Ok::<(), marmot::context::Error>(())
///         })
///     })
///     .collect();
/// for goroutine in all {
///     goroutine.join().unwrap().unwrap();
/// }
/// assert_eq!(connections.available_permits(), 2);
/// ```
pub struct Semaphore {
    permits: Permits,
}

impl Semaphore {
    /// The most permits that there can be.
    pub const MAX_PERMITS: usize = MOST;

    constant! {
        /// One with so many permits.
        ///
        /// # Panics
        ///
        /// If these are more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
        pub fn new(permits: usize) -> Semaphore {
            Semaphore { permits: Permits::new(permits) }
        }
    }

    /// How many are free. That may change at any time.
    pub fn available_permits(&self) -> usize {
        budget::charge(budget::CHECK);
        self.permits.free()
    }

    /// Takes a permit, until it is dropped.
    ///
    /// # Errors
    ///
    /// If the caller's context has ended, also if a permit is free.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), until it is the caller's turn and there is one.
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait. A permit that was handed to the caller before that is kept; permits
    /// released later go to other waiters.
    pub fn acquire(&self) -> Result<Permit<'_>, context::Error> {
        self.acquire_many(1)
    }

    /// Takes `n` permits at a time.
    ///
    /// Later requests do not overtake this one, even if they are smaller. The exception is an `n` larger than the largest number of
    /// permits, available and acquired together, that the semaphore ever had. Such a request lets others pass until enough permits
    /// have been [added](Semaphore::add_permits), and then queues behind the requests that are waiting at that time. (In Go, where
    /// permits cannot be added, such a request only waits for the end of its context.)
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), until it is the caller's turn and enough are free.
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Semaphore::acquire).
    pub fn acquire_many(&self, n: usize) -> Result<Permit<'_>, context::Error> {
        self.take(n, Limit::CONTEXT)?;
        Ok(Permit { semaphore: self, n })
    }

    /// As [`acquire`](Semaphore::acquire), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// If the caller's context has ended; and if the time is over, then one that
    /// [`is_deadline_exceeded`](context::Error::is_deadline_exceeded).
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), for so long at most.
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use marmot_runtime::sync::Semaphore;
    ///
    /// let none = Semaphore::new(0);
    /// assert!(none.acquire_timeout(Duration::from_millis(1)).unwrap_err().is_deadline_exceeded());
    /// ```
    pub fn acquire_timeout(&self, limit: Duration) -> Result<Permit<'_>, context::Error> {
        self.acquire_many_timeout(1, limit)
    }

    /// As [`acquire_many`](Semaphore::acquire_many), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// As [`acquire_timeout`](Semaphore::acquire_timeout).
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), for so long at most.
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Semaphore::acquire).
    pub fn acquire_many_timeout(&self, n: usize, limit: Duration) -> Result<Permit<'_>, context::Error> {
        self.take(n, Limit::time(clock::after(limit)).or_context())?;
        Ok(Permit { semaphore: self, n })
    }

    /// Takes a permit if one is free and nobody waits.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if they are free and nobody waits.
    pub fn try_acquire_many(&self, n: usize) -> Option<Permit<'_>> {
        budget::charge(budget::CHECK);
        self.permits.try_take(n).then(|| Permit { semaphore: self, n })
    }

    /// As [`acquire`](Semaphore::acquire); the permit borrows nothing, and may be sent elsewhere.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Blocking
    ///
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use marmot_runtime as marmot;
    /// use marmot::sync::Semaphore;
    ///
    /// let limit = Arc::new(Semaphore::new(1));
    /// for _ in 0..3 {
    ///     // Who makes the goroutines waits, not they.
    ///     let permit = limit.acquire_owned()?;
    ///     marmot::go(move || drop(permit));
    /// }
    /// # Ok::<(), marmot::context::Error>(())
    /// ```
    pub fn acquire_owned(self: &Arc<Self>) -> Result<OwnedPermit, context::Error> {
        self.acquire_many_owned(1)
    }

    /// As [`acquire_many`](Semaphore::acquire_many); the permits borrow nothing, and may be sent elsewhere.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Blocking
    ///
    /// As [`acquire_many`](Semaphore::acquire_many).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Semaphore::acquire).
    pub fn acquire_many_owned(self: &Arc<Self>, n: usize) -> Result<OwnedPermit, context::Error> {
        self.take(n, Limit::CONTEXT)?;
        Ok(OwnedPermit { semaphore: Arc::clone(self), n })
    }

    /// As [`try_acquire_many`](Semaphore::try_acquire_many); the permits borrow nothing, and may be sent elsewhere.
    pub fn try_acquire_many_owned(self: &Arc<Self>, n: usize) -> Option<OwnedPermit> {
        budget::charge(budget::CHECK);
        self.permits.try_take(n).then(|| OwnedPermit { semaphore: Arc::clone(self), n })
    }

    /// Adds permits, for who waits or comes later.
    ///
    /// Permits that are lent do not count here. Should there be no room for them when they come back, because so many were added
    /// meanwhile, [`MAX_PERMITS`](Semaphore::MAX_PERMITS) are free then: to drop a permit does not panic.
    ///
    /// # Panics
    ///
    /// If more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) were free then. None is added in that case.
    pub fn add_permits(&self, n: usize) {
        budget::charge(budget::CHECK);
        self.permits.add(n);
    }

    /// Takes up to `n` of the free permits out, for good; how many it has taken. Those who wait keep their turns.
    pub fn forget_permits(&self, n: usize) -> usize {
        budget::charge(budget::CHECK);
        self.permits.remove(n)
    }

    fn take(&self, n: usize, limit: Limit) -> Result<(), context::Error> {
        budget::charge(budget::CHECK);
        limit.check()?;
        match self.permits.take(n, WaitReason::Semaphore, limit) {
            Ended::Readied => Ok(()),
            ended => Err(why(ended)),
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("available_permits", &self.available_permits()).finish_non_exhaustive()
    }
}

/// Permits of a [`Semaphore`], which dropping them gives back.
#[must_use = "the permit is given back at once"]
#[clippy::has_significant_drop]
#[derive(Debug)]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    n: usize,
}

impl Permit<'_> {
    /// How many these are.
    pub fn count(&self) -> usize {
        self.n
    }

    /// Does not give them back: there are fewer from now on, unless some are [added](Semaphore::add_permits).
    pub fn forget(self) {
        self.semaphore.permits.forget(self.n);
        forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.permits.give(self.n);
    }
}

/// As [`Permit`], but it borrows nothing.
#[must_use = "the permit is given back at once"]
#[clippy::has_significant_drop]
#[derive(Debug)]
pub struct OwnedPermit {
    semaphore: Arc<Semaphore>,
    n: usize,
}

impl OwnedPermit {
    /// How many these are.
    pub fn count(&self) -> usize {
        self.n
    }

    /// What they are of.
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }

    /// Does not give them back: there are fewer from now on, unless some are [added](Semaphore::add_permits).
    pub fn forget(mut self) {
        self.semaphore.permits.forget(self.n);
        // The reference is given up all the same.
        self.n = 0;
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        self.semaphore.permits.give(self.n);
    }
}
