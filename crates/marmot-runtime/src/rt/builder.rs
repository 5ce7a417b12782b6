//! `Builder`: a goroutine with a name and a stack size of its own.

use std::io;
use std::num::NonZero;
use std::panic::Location;

use marmot_coro::MAX_STACK_SIZE;

use super::join::{JoinHandle, LocalJoinHandle};
use super::scope::{Scope, ScopedJoinHandle};
use super::spawn;
use crate::netpoll;
use crate::sched::Spec;

/// Configures a goroutine, as `std::thread::Builder` does a thread.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
///
/// let handle = marmot::Builder::new()
///     .name("parser")
///     .stack_size(1 << 20)
///     .spawn(|| marmot::current().name().map(str::to_owned))?;
/// assert_eq!(handle.join().unwrap().as_deref(), Some("parser"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder makes nothing until `spawn`"]
pub struct Builder {
    name: Option<Box<str>>,
    stack_size: Option<usize>,
}

impl Builder {
    /// No name, and the runtime's stack size.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the goroutine, for reports. Starting the goroutine panics if the name contains a null byte.
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// The usable bytes of its stack. Addresses are reserved for all of them; a page uses memory once it is touched.
    ///
    /// The number is rounded up to the next power of two, and to at least 64 KiB: a panic is reported on the stack of the goroutine, and
    /// the report needs 23 KiB with the backtrace that `RUST_BACKTRACE` asks for. The maximum is one gibibyte.
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.stack_size = Some(bytes);
        self
    }

    /// Starts the goroutine; see [`go`](super::go).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a stack size that is too large; and the reason
    /// if the default runtime has to be started and cannot be.
    ///
    /// # Panics
    ///
    /// If the name has a null byte in it, as with `std`'s.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let spec = self.spec(Location::caller())?;
        Ok(spawn::go_on(netpoll::sched_here()?, spec, f))
    }

    /// Starts the goroutine in a scope; see [`Scope::go`](super::Scope::go).
    ///
    /// # Errors
    ///
    /// As [`spawn`](Builder::spawn).
    ///
    /// # Panics
    ///
    /// As [`spawn`](Builder::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_runtime as marmot;
    ///
    /// let word = String::from("four");
    /// let length = marmot::scope(|s| {
    ///     let counter = marmot::Builder::new().name("counter").spawn_scoped(s, || word.len())?;
    ///     Ok::<_, std::io::Error>(counter.join().unwrap())
    /// })?;
    /// assert_eq!(length, 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let spec = self.spec(Location::caller())?;
        netpoll::sched_here()?;
        Ok(scope.start(spec, f))
    }

    /// Starts the goroutine on this M; see [`go_local`](super::go_local).
    ///
    /// # Errors
    ///
    /// As [`spawn`](Builder::spawn).
    ///
    /// # Panics
    ///
    /// As [`spawn`](Builder::spawn).
    #[track_caller]
    pub fn spawn_local<F, T>(self, f: F) -> io::Result<LocalJoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let spec = self.spec(Location::caller())?;
        netpoll::sched_here()?;
        Ok(spawn::go_local_with(spec, f))
    }

    #[track_caller]
    pub(super) fn spec(self, site: &'static Location<'static>) -> io::Result<Spec> {
        if self.name.as_ref().is_some_and(|name| name.contains('\0')) {
            panic!("thread name may not contain interior null bytes");
        }
        if let Some(size) = self.stack_size {
            check_stack_size(size)?;
        }
        Ok(Spec { name: self.name, stack_size: self.stack_size.and_then(|size| NonZero::new(size.max(1))), site })
    }
}

/// Whether stacks of that size can be had. What is less than the smallest is rounded up.
pub(super) fn check_stack_size(size: usize) -> io::Result<()> {
    if size <= MAX_STACK_SIZE {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("a stack of {size} bytes is too large: it may have {MAX_STACK_SIZE} at most"),
    ))
}
