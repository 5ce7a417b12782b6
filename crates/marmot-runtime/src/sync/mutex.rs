//! `Mutex`: `std`'s, but it parks the goroutine.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::forget;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{LockResult, TryLockError, TryLockResult};
use std::time::Duration;

use super::poison::{Entered, Poison};
use super::raw::Raw;
use super::wait::{Limit, why};
use crate::context;
use crate::primitive::constant;
use crate::sched::{Ended, budget, clock};

/// A lock as [`std::sync::Mutex`], which parks the goroutine that has to wait, and not its M.
///
/// It may be held across calls that park. Goroutines and plain threads may share it. Results and errors are `std`'s own
/// types, so a program that uses `std`'s mutex is ported by another `use` line.
///
/// Whoever runs takes a free lock before those who wait, but nobody starves: once somebody has waited for a millisecond, the lock
/// goes to those who wait in the order in which they came.
///
/// # Poisoning
///
/// A mutex is poisoned when a goroutine (or a plain thread) panics while it holds it. What counts is the holder's own
/// state: a goroutine that is parked in a destructor while it unwinds makes [`std::thread::panicking`] true for all
/// others of its M, and a `std` mutex that one of those unlocks then is poisoned for nothing; this one is not. As long as
/// such a goroutine is parked, panics of others on that M are told from ordinary unlocking by the panic hook that the runtime
/// has put before the program's: if the program has since replaced it, or the panic is passed on by
/// [`resume_unwind`](std::panic::resume_unwind), the mutex is not poisoned then.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use marmot_runtime as marmot;
/// use marmot::sync::Mutex;
///
/// let count = Arc::new(Mutex::new(0));
/// let all: Vec<_> = (0..10)
///     .map(|_| {
///         let count = Arc::clone(&count);
///         marmot::go(move || {
///             let mut count = count.lock().unwrap();
///             // Others wait meanwhile, and their threads do not.
///             marmot::yield_now();
///             *count += 1;
///         })
///     })
///     .collect();
/// for goroutine in all {
///     goroutine.join().unwrap();
/// }
/// assert_eq!(*count.lock().unwrap(), 10);
/// ```
pub struct Mutex<T: ?Sized> {
    raw: Raw,
    poison: Poison,
    value: UnsafeCell<T>,
}

// SAFETY: the value moves with the mutex.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: one at a time has the lock, and with it the value, as if that had been sent to it.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
// What a panic leaves behind is poisoned.
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

impl<T> Mutex<T> {
    constant! {
        /// An unlocked mutex.
        #[inline]
        pub fn new(value: T) -> Mutex<T> {
            Mutex { raw: Raw::new(), poison: Poison::new(), value: UnsafeCell::new(value) }
        }
    }

    /// What it guards.
    ///
    /// # Errors
    ///
    /// If it is poisoned; the error has the value.
    pub fn into_inner(self) -> LockResult<T> {
        self.poison.check(self.value.into_inner())
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Takes the lock, until the guard is dropped. Who has it already waits for ever.
    ///
    /// # Errors
    ///
    /// If it is poisoned; the error has the guard.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while another has it.
    ///
    /// # Cancellation
    ///
    /// Nothing ends the wait but the lock: see [`lock_or_cancelled`](Mutex::lock_or_cancelled).
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        budget::charge(budget::CHECK);
        self.raw.lock();
        self.guard()
    }

    /// As [`lock`](Mutex::lock), unless the caller's context ends before.
    ///
    /// # Errors
    ///
    /// If the context has ended, also if the lock is free. Within that, if the mutex is poisoned; that error has the guard.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while another has it.
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait. A lock that was handed to the caller before that is kept; a lock
    /// given up later goes to another waiter.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_runtime as marmot;
    /// use marmot::{context, sync::Mutex};
    ///
    /// fn add(total: &Mutex<u32>) -> Result<(), context::Error> {
    ///     *total.lock_or_cancelled()?.unwrap() += 1;
    ///     Ok(())
    /// }
    /// # add(&Mutex::new(0)).unwrap();
    /// ```
    pub fn lock_or_cancelled(&self) -> Result<LockResult<MutexGuard<'_, T>>, context::Error> {
        budget::charge(budget::CHECK);
        Limit::CONTEXT.check()?;
        match self.raw.lock_within(Limit::CONTEXT) {
            Ended::Readied => Ok(self.guard()),
            ended => Err(why(ended)),
        }
    }

    /// Takes the lock if it can be had within `limit`.
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Mutex::try_lock): [`WouldBlock`](TryLockError::WouldBlock) if the time is over.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while another has it, for `limit` at most.
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::TryLockError, time::Duration};
    /// use marmot_runtime::sync::Mutex;
    ///
    /// let lock = Mutex::new(1);
    /// let held = lock.lock().unwrap();
    /// let late = lock.try_lock_for(Duration::from_millis(1));
    /// assert!(matches!(late, Err(TryLockError::WouldBlock)));
    /// drop((late, held));
    /// assert_eq!(*lock.try_lock_for(Duration::ZERO).unwrap(), 1);
    /// ```
    pub fn try_lock_for(&self, limit: Duration) -> TryLockResult<MutexGuard<'_, T>> {
        budget::charge(budget::CHECK);
        match self.raw.lock_within(Limit::time(clock::after(limit))) {
            Ended::Readied => Ok(self.guard()?),
            _ => Err(TryLockError::WouldBlock),
        }
    }

    /// Takes the lock if nobody has it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if somebody has it. [`Poisoned`](TryLockError::Poisoned) if it is poisoned; that
    /// has the guard.
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        budget::charge(budget::CHECK);
        if self.raw.try_lock() { Ok(self.guard()?) } else { Err(TryLockError::WouldBlock) }
    }

    /// Whether somebody has panicked while he had the lock. Without the lock, that may change at any time.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        budget::charge(budget::CHECK);
        self.poison.is_set()
    }

    /// Takes the poison off: for who has put the value in order.
    #[inline]
    pub fn clear_poison(&self) {
        self.poison.clear();
    }

    /// What it guards; nobody can have locked it.
    ///
    /// # Errors
    ///
    /// If it is poisoned; the error has the reference.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.poison.check(self.value.get_mut())
    }

    /// The guard of who has just taken the lock.
    #[inline]
    fn guard(&self) -> LockResult<MutexGuard<'_, T>> {
        self.poison.check(MutexGuard { mutex: self, entered: self.poison.enter(), stays: PhantomData })
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => out.field("data", &&*guard),
            Err(TryLockError::Poisoned(e)) => out.field("data", &&**e.get_ref()),
            Err(TryLockError::WouldBlock) => out.field("data", &format_args!("<locked>")),
        };
        out.field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

/// The right to what a [`Mutex`] guards; dropping it gives the lock up.
///
/// It stays with the goroutine, or the thread, that has taken the lock.
#[must_use = "the lock is given up at once"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    entered: Entered,
    stays: PhantomData<*const ()>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// Gives the lock up; the rest of the guard, from which it can be made again.
    pub(super) fn unlock(self) -> Unlocked<'a, T> {
        let unlocked = Unlocked { mutex: self.mutex, entered: self.entered };
        forget(self);
        unlocked.mutex.raw.unlock();
        unlocked
    }
}

/// A guard without the lock, as it is while its owner waits for a condition.
pub(super) struct Unlocked<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    entered: Entered,
}

impl<'a, T: ?Sized> Unlocked<'a, T> {
    /// Takes the lock again.
    pub(super) fn lock(self) -> LockResult<MutexGuard<'a, T>> {
        self.mutex.raw.lock();
        self.guard()
    }

    /// The same, unless `limit` comes first.
    ///
    /// # Errors
    ///
    /// If it has: what it was.
    pub(super) fn lock_within(self, limit: Limit) -> Result<LockResult<MutexGuard<'a, T>>, Ended> {
        match self.mutex.raw.lock_within(limit) {
            Ended::Readied => Ok(self.guard()),
            ended => Err(ended),
        }
    }

    fn guard(self) -> LockResult<MutexGuard<'a, T>> {
        let Unlocked { mutex, entered } = self;
        mutex.poison.check(MutexGuard { mutex, entered, stays: PhantomData })
    }
}

// SAFETY: a shared guard gives a shared reference to the value, and nothing else.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: we have the lock.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: we have the lock, and the guard is borrowed exclusively.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.poison.leave(self.entered);
        self.mutex.raw.unlock();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
