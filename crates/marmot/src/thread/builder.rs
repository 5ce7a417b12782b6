//! `Builder` with the very signatures of `std`'s.

use std::io;

use super::{JoinHandle, Scope, ScopedJoinHandle};

/// Configures a goroutine: [`marmot::Builder`](crate::Builder) with the signatures that `std::thread::Builder` has.
///
/// # Examples
///
/// ```
/// use marmot::thread;
///
/// let parser = thread::Builder::new()
///     .name("parser".into())
///     .stack_size(64 * 1024)
///     .spawn(|| thread::current().name().map(str::to_owned))?;
/// assert_eq!(parser.join().unwrap().as_deref(), Some("parser"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder makes nothing until `spawn`"]
pub struct Builder(crate::Builder);

impl Builder {
    /// No name, and the runtime's stack size.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the goroutine, for reports. Starting the goroutine panics if the name contains a null byte.
    pub fn name(self, name: String) -> Builder {
        Builder(self.0.name(name))
    }

    /// The usable bytes of its stack; see [`marmot::Builder::stack_size`](crate::Builder::stack_size).
    pub fn stack_size(self, size: usize) -> Builder {
        Builder(self.0.stack_size(size))
    }

    /// Starts the goroutine; see [`go`](crate::go).
    ///
    /// # Errors
    ///
    /// As [`marmot::Builder::spawn`](crate::Builder::spawn).
    ///
    /// # Panics
    ///
    /// If the name has a null byte in it.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.spawn(f)
    }

    /// Starts the goroutine in a [`scope`](crate::scope()).
    ///
    /// # Errors
    ///
    /// As [`spawn`](Builder::spawn).
    ///
    /// # Panics
    ///
    /// As [`spawn`](Builder::spawn).
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
        self.0.spawn_scoped(scope, f)
    }
}

impl From<crate::Builder> for Builder {
    fn from(builder: crate::Builder) -> Builder {
        Builder(builder)
    }
}
