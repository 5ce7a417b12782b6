//! `OnceLock`: `std`'s, but who has to wait is parked.
//!
//! The value is kept in an `Option`, which is written before `once` is done, and taken out after that has been undone. So the
//! cell needs no `Drop` of its own. With one, the compiler would demand that the value outlive the cell strictly, which
//! `std`'s does not.

use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::once::Once;
use crate::context;
use crate::primitive::constant;
use crate::sched::WaitReason;

/// A cell that is written once, as [`std::sync::OnceLock`]. A goroutine that calls this while another one makes the value is parked
/// until there is a value.
///
/// The initialiser may park. If it panics, or the runtime of its goroutine is shut down while it is parked, the cell stays empty, and
/// the next caller may try.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::OnceLock;
///
/// static CONFIG: OnceLock<String> = OnceLock::new();
///
/// fn config() -> &'static str {
///     CONFIG.get_or_init(|| {
///         marmot::yield_now();
///         "read once".to_owned()
///     })
/// }
///
/// let other = marmot::go(config);
/// assert_eq!(config(), "read once");
/// assert_eq!(other.join().unwrap(), "read once");
/// ```
pub struct OnceLock<T> {
    once: Once,
    /// `None`, until the closure of `once` writes it: `Some`, once that is done.
    ///
    /// A value whose destructor looks at what it borrows has to outlive it:
    ///
    /// ```compile_fail,E0597
    /// struct Shows<'a>(&'a str);
    ///
    /// impl Drop for Shows<'_> {
    ///     fn drop(&mut self) {
    ///         println!("{}", self.0);
    ///     }
    /// }
    ///
    /// let cell = marmot_runtime::sync::OnceLock::new();
    /// let word = String::from("word");
    /// let _ = cell.set(Shows(&word));
    /// ```
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written by one, read by all after that, and may be dropped by any.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}
// SAFETY: the value moves with the cell.
unsafe impl<T: Send> Send for OnceLock<T> {}
impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}

impl<T> OnceLock<T> {
    constant! {
        /// An empty one.
        pub fn new() -> OnceLock<T> {
            OnceLock { once: Once::new(), value: UnsafeCell::new(None) }
        }
    }

    /// The value, if there is one.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: it is done.
        self.once.is_completed().then(|| unsafe { self.filled() })
    }

    /// Whether there is a value. Unlike [`get`](OnceLock::get), it never lets others run.
    pub(super) fn is_set(&self) -> bool {
        self.once.is_done()
    }

    /// The value, if there is one.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// The value, when there is one.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), until somebody has written it.
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait: see [`wait_or_cancelled`](OnceLock::wait_or_cancelled).
    pub fn wait(&self) -> &T {
        self.once.wait_force();
        // SAFETY: it is done.
        unsafe { self.filled() }
    }

    /// As [`wait`](OnceLock::wait), unless the caller's context ends before.
    ///
    /// # Errors
    ///
    /// If the context has ended, and there is no value.
    ///
    /// # Blocking
    ///
    /// As [`wait`](OnceLock::wait).
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait.
    pub fn wait_or_cancelled(&self) -> Result<&T, context::Error> {
        self.wait_within(WaitReason::Once)
    }

    /// The same, for who waits for what it calls by another name.
    pub(super) fn wait_within(&self, reason: WaitReason) -> Result<&T, context::Error> {
        self.once.wait_within(true, reason)?;
        // SAFETY: it is done.
        Ok(unsafe { self.filled() })
    }

    /// Writes the value.
    ///
    /// # Errors
    ///
    /// If there is one already: what was to be written.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while another makes the value.
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait.
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.once.call_once_force(|_| {
            if let Some(value) = value.take() {
                // SAFETY: this is called once, until it is done.
                unsafe { self.write(value) };
            }
        });
        value.map_or(Ok(()), Err)
    }

    /// The value; if there is none, `f` makes it.
    ///
    /// # Panics
    ///
    /// If `f` panics; then there still is no value. If `f` itself does this with the same cell.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while another makes the value.
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait: see [`get_or_init_or_cancelled`](OnceLock::get_or_init_or_cancelled).
    #[inline]
    #[track_caller]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        // SAFETY: the closure is called once, until it is done.
        self.once.call_once_force(|_| unsafe { self.write(f()) });
        // SAFETY: it is done.
        unsafe { self.filled() }
    }

    /// As [`get_or_init`](OnceLock::get_or_init), unless the caller's context ends while another makes the value.
    ///
    /// # Errors
    ///
    /// If the context has ended, and there is no value.
    ///
    /// # Panics
    ///
    /// As [`get_or_init`](OnceLock::get_or_init).
    ///
    /// # Blocking
    ///
    /// As [`get_or_init`](OnceLock::get_or_init).
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait for another. `f`, once it has begun, observes it in its own calls.
    #[track_caller]
    pub fn get_or_init_or_cancelled(&self, f: impl FnOnce() -> T) -> Result<&T, context::Error> {
        // SAFETY: the closure is called once, until it is done.
        self.once.call_within(true, |_| unsafe { self.write(f()) })?;
        // SAFETY: it is done.
        Ok(unsafe { self.filled() })
    }

    /// As [`get_or_init`](OnceLock::get_or_init), where `f` can fail.
    ///
    /// # Errors
    ///
    /// If `f` fails; then there still is no value, and the next may try.
    ///
    /// # Panics
    ///
    /// As [`get_or_init`](OnceLock::get_or_init).
    ///
    /// # Blocking
    ///
    /// As [`get_or_init`](OnceLock::get_or_init).
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait for another. `f` may well fail because the context has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_runtime::sync::OnceLock;
    ///
    /// let cell = OnceLock::new();
    /// assert!(cell.get_or_try_init(|| "x".parse::<u32>()).is_err());
    /// assert_eq!(cell.get_or_try_init(|| "7".parse::<u32>()), Ok(&7));
    /// ```
    #[track_caller]
    pub fn get_or_try_init<F, E>(&self, f: F) -> Result<&T, E>
    where
        F: FnOnce() -> Result<T, E>,
    {
        let mut failed = None;
        self.once.call_once_force(|state| match f() {
            // SAFETY: this is called once, until it is done.
            Ok(value) => unsafe { self.write(value) },
            Err(error) => {
                failed = Some(error);
                state.fail();
            }
        });
        // SAFETY: if it has not failed, it is done.
        failed.map_or_else(|| Ok(unsafe { self.filled() }), Err)
    }

    /// The value, if there was one.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out, if there is one: then the cell is empty, as it was at first.
    pub fn take(&mut self) -> Option<T> {
        self.once.is_done().then(|| self.once = Once::new())?;
        self.value.get_mut().take()
    }

    /// # Safety
    ///
    /// Only in the closure of `once`.
    unsafe fn write(&self, value: T) {
        // SAFETY: one closure at a time runs, until one is done, and nobody reads before that.
        unsafe { self.value.get().write(Some(value)) };
    }

    /// # Safety
    ///
    /// The closure of `once` is done.
    #[inline]
    unsafe fn filled(&self) -> &T {
        // SAFETY: the caller's word; nobody writes after that.
        let value = unsafe { &*self.value.get() };
        // SAFETY: a closure of `once` that is done has written it, and taking it out undoes that.
        unsafe { value.as_ref().unwrap_unchecked() }
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> OnceLock<T> {
        let cell = OnceLock::new();
        // It is new, and so the value is its own.
        let _set = cell.set(value);
        cell
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        self.get().cloned().map_or_else(OnceLock::new, OnceLock::from)
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => out.field(value),
            None => out.field(&format_args!("<uninit>")),
        };
        out.finish()
    }
}
