//! `LazyLock`: `std`'s, but who has to wait is parked.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::once_lock::OnceLock;
use crate::context;
use crate::primitive::constant;

/// A value that is made when it is first wanted, as [`std::sync::LazyLock`]. Who comes while another makes it is parked until
/// that has been done.
///
/// What makes the value may park: with `std`'s that can deadlock, because another goroutine of the same M may block the M on it. If it
/// panics, or the runtime of its goroutine is shut down meanwhile, the value is poisoned, and all who want it panic, too.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::LazyLock;
///
/// static TABLE: LazyLock<Vec<u32>> = LazyLock::new(|| {
///     marmot::yield_now();
///     (0..4).map(|n| n * n).collect()
/// });
///
/// let other = marmot::go(|| TABLE[3]);
/// assert_eq!((TABLE[2], other.join().unwrap()), (4, 9));
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    cell: OnceLock<T>,
    /// What makes the value; none from when that has begun. Only the one whose turn it is at `cell` looks at it.
    make: Cell<Option<F>>,
}

// SAFETY: one takes `F` out and calls it, as if it had been sent to it. The cell is shared as its bounds demand.
unsafe impl<T: Send + Sync, F: Send> Sync for LazyLock<T, F> {}
impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    constant! {
        /// One whose value `f` will make.
        pub fn new(f: F) -> LazyLock<T, F> {
            LazyLock { cell: OnceLock::new(), make: Cell::new(Some(f)) }
        }
    }

    /// The value, which is made if it has not been yet. Dereferencing does the same.
    ///
    /// # Panics
    ///
    /// If what makes the value panics, or has panicked. If it wants the value itself.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while another makes the value.
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait: see [`force_or_cancelled`](LazyLock::force_or_cancelled).
    #[inline]
    #[track_caller]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        this.cell.get_or_init(|| this.make())
    }

    /// As [`force`](LazyLock::force), unless the caller's context ends while another makes the value.
    ///
    /// # Errors
    ///
    /// If the context has ended, and there is no value.
    ///
    /// # Panics
    ///
    /// As [`force`](LazyLock::force).
    ///
    /// # Blocking
    ///
    /// As [`force`](LazyLock::force).
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait for another.
    #[track_caller]
    pub fn force_or_cancelled(this: &LazyLock<T, F>) -> Result<&T, context::Error> {
        this.cell.get_or_init_or_cancelled(|| this.make())
    }

    /// As [`force`](LazyLock::force), for who has it exclusively.
    ///
    /// # Panics
    ///
    /// As [`force`](LazyLock::force).
    #[track_caller]
    pub fn force_mut(this: &mut LazyLock<T, F>) -> &mut T {
        LazyLock::force(this);
        this.cell.get_mut().expect("it has just been made")
    }

    /// Called by the one whose turn it is at the cell, of whom there is one at a time.
    #[track_caller]
    fn make(&self) -> T {
        match self.make.take() {
            Some(make) => make(),
            None => poisoned(),
        }
    }
}

impl<T, F> LazyLock<T, F> {
    /// The value, if it has been made.
    pub fn get(this: &LazyLock<T, F>) -> Option<&T> {
        this.cell.get()
    }

    /// The value, if it has been made.
    pub fn get_mut(this: &mut LazyLock<T, F>) -> Option<&mut T> {
        this.cell.get_mut()
    }
}

#[cold]
#[track_caller]
fn poisoned() -> ! {
    panic!("LazyLock instance has previously been poisoned");
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        LazyLock::force_mut(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_tuple("LazyLock");
        match LazyLock::get(self) {
            Some(value) => out.field(value),
            None => out.field(&format_args!("<uninit>")),
        };
        out.finish()
    }
}
