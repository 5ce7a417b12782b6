//! `RwLock`: `std`'s, but it parks the goroutine.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::forget;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::sync::{LockResult, TryLockError, TryLockResult};

use super::poison::{Entered, Poison};
use super::raw_rw::RawRw;
use super::wait::{Limit, why};
use crate::context;
use crate::primitive::constant;
use crate::sched::{Ended, budget};

/// A read-write lock as [`std::sync::RwLock`], which parks the goroutine that has to wait, and not its M.
///
/// It may be held across calls that park. Goroutines and plain threads may share it. Results and errors are `std`'s own
/// types.
///
/// Nobody starves. A writer waits for those who read when its turn comes, and for none who come later; readers wait for one
/// writer. So **who reads and reads again, without giving up the first guard, waits for itself** if a writer has come between,
/// as it may with `std`'s.
///
/// It is poisoned by panics of who writes, as a [`Mutex`](super::Mutex) is; those of readers do no harm.
///
/// # Examples
///
/// ```
/// use marmot_runtime::sync::RwLock;
///
/// let lock = RwLock::new(vec![1, 2]);
/// {
///     let (one, other) = (lock.read().unwrap(), lock.read().unwrap());
///     assert_eq!(one.len() + other.len(), 4);
/// }
/// lock.write().unwrap().push(3);
/// assert_eq!(*lock.read().unwrap(), [1, 2, 3]);
/// ```
pub struct RwLock<T: ?Sized> {
    raw: RawRw,
    poison: Poison,
    value: UnsafeCell<T>,
}

// SAFETY: the value moves with the lock.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: a writer has the value as if it had been sent to it, and readers share it.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
// What a panic leaves behind is poisoned.
impl<T: ?Sized> UnwindSafe for RwLock<T> {}
impl<T: ?Sized> RefUnwindSafe for RwLock<T> {}

impl<T> RwLock<T> {
    constant! {
        /// An unlocked one.
        #[inline]
        pub fn new(value: T) -> RwLock<T> {
            RwLock { raw: RawRw::new(), poison: Poison::new(), value: UnsafeCell::new(value) }
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

impl<T: ?Sized> RwLock<T> {
    /// Takes the lock to read, together with others who read.
    ///
    /// # Errors
    ///
    /// If it is poisoned; the error has the guard.
    ///
    /// # Panics
    ///
    /// If more read than can be counted.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while another writes or waits to write.
    ///
    /// # Cancellation
    ///
    /// Nothing ends the wait but the lock: see [`read_or_cancelled`](RwLock::read_or_cancelled).
    #[inline]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        // Nothing else ends it.
        let _has_it = self.raw.read(Limit::NONE);
        self.reader()
    }

    /// Takes the lock to read, if nobody writes or waits to write.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if somebody does. [`Poisoned`](TryLockError::Poisoned) if it is poisoned; that has
    /// the guard.
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        budget::charge(budget::CHECK);
        if self.raw.try_read() { Ok(self.reader()?) } else { Err(TryLockError::WouldBlock) }
    }

    /// As [`read`](RwLock::read), unless the caller's context ends before.
    ///
    /// # Errors
    ///
    /// If the context has ended, also if the lock is free. Within that, if the lock is poisoned; that error has the guard.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while another writes or waits to write.
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait.
    pub fn read_or_cancelled(&self) -> Result<LockResult<RwLockReadGuard<'_, T>>, context::Error> {
        budget::charge(budget::CHECK);
        Limit::CONTEXT.check()?;
        match self.raw.read(Limit::CONTEXT) {
            Ended::Readied => Ok(self.reader()),
            ended => Err(why(ended)),
        }
    }

    /// Takes the lock to write, alone.
    ///
    /// # Errors
    ///
    /// If it is poisoned; the error has the guard.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while others have it.
    ///
    /// # Cancellation
    ///
    /// Nothing ends the wait but the lock: see [`write_or_cancelled`](RwLock::write_or_cancelled).
    #[inline]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        budget::charge(budget::CHECK);
        // Nothing else ends it.
        let _has_it = self.raw.write(Limit::NONE);
        self.writer()
    }

    /// Takes the lock to write, if nobody has it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if somebody has it. [`Poisoned`](TryLockError::Poisoned) if it is poisoned; that
    /// has the guard.
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        budget::charge(budget::CHECK);
        if self.raw.try_write() { Ok(self.writer()?) } else { Err(TryLockError::WouldBlock) }
    }

    /// As [`write`](RwLock::write), unless the caller's context ends before.
    ///
    /// # Errors
    ///
    /// If the context has ended, also if the lock is free. Within that, if the lock is poisoned; that error has the guard.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while others have it.
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait, and then readers who came after the caller need not wait for it any more.
    pub fn write_or_cancelled(&self) -> Result<LockResult<RwLockWriteGuard<'_, T>>, context::Error> {
        budget::charge(budget::CHECK);
        Limit::CONTEXT.check()?;
        match self.raw.write(Limit::CONTEXT) {
            Ended::Readied => Ok(self.writer()),
            ended => Err(why(ended)),
        }
    }

    /// Whether somebody has panicked while he wrote. Without the lock, that may change at any time.
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

    /// The guard of who has just begun to read.
    #[inline]
    fn reader(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        // SAFETY: a cell is somewhere.
        let value = unsafe { NonNull::new_unchecked(self.value.get()) };
        self.poison.check(RwLockReadGuard { raw: &self.raw, value, shares: PhantomData })
    }

    /// The guard of who has just begun to write.
    #[inline]
    fn writer(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.poison.check(RwLockWriteGuard { lock: self, entered: self.poison.enter(), stays: PhantomData })
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => out.field("data", &&*guard),
            Err(TryLockError::Poisoned(e)) => out.field("data", &&**e.get_ref()),
            Err(TryLockError::WouldBlock) => out.field("data", &format_args!("<locked>")),
        };
        out.field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

/// The right to read what a [`RwLock`] guards; dropping it gives it up.
///
/// It stays with the goroutine, or the thread, that has taken the lock.
#[must_use = "the lock is given up at once"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    raw: &'a RawRw,
    value: NonNull<T>,
    /// It does not change threads, for the pointer does not.
    shares: PhantomData<&'a T>,
}

// SAFETY: a shared guard gives a shared reference to the value, and nothing else.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: nobody writes while we have it to read.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.raw.unlock_read();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The right to write what a [`RwLock`] guards; dropping it gives it up.
///
/// It stays with the goroutine, or the thread, that has taken the lock.
#[must_use = "the lock is given up at once"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    entered: Entered,
    stays: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives a shared reference to the value, and nothing else.
unsafe impl<T: ?Sized + Sync> Sync for RwLockWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// From now on only reads. Nobody writes between, and readers who wait come in.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_runtime::sync::{RwLock, RwLockWriteGuard};
    ///
    /// let lock = RwLock::new(1);
    /// let mut value = lock.write().unwrap();
    /// *value += 1;
    /// let value = RwLockWriteGuard::downgrade(value);
    /// assert_eq!((*value, *lock.read().unwrap()), (2, 2));
    /// ```
    pub fn downgrade(this: Self) -> RwLockReadGuard<'a, T> {
        let lock = this.lock;
        lock.poison.leave(this.entered);
        forget(this);
        lock.raw.downgrade();
        // SAFETY: a cell is somewhere.
        let value = unsafe { NonNull::new_unchecked(lock.value.get()) };
        RwLockReadGuard { raw: &lock.raw, value, shares: PhantomData }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: we have the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: we have the lock, and the guard is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.poison.leave(self.entered);
        self.lock.raw.unlock_write();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
