//! `Runtime`: one that is configured, embedded and shut down, instead of the default one.

use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{Location, resume_unwind};
use std::time::{Duration, Instant};

use marmot_coro::DEFAULT_STACK_SIZE;

use super::builder::check_stack_size;
use super::join::JoinHandle;
use super::spawn;
use crate::netpoll;
use crate::sched::{self, Config, MAX_BLOCKING_THREADS, MAX_PROCS, Sched, budget};

/// A runtime: Ps, Ms and their pollers. Most programs need none of their own: the default runtime
/// starts on first use.
///
/// Dropping a runtime shuts it down without waiting, as [`shutdown`](Runtime::shutdown) with a
/// limit of zero.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use marmot_runtime as marmot;
///
/// let runtime = marmot::Runtime::builder().procs(2).build()?;
/// assert_eq!(runtime.run(|| marmot::go(|| 42).join().unwrap()), 42);
/// runtime.shutdown(Duration::from_secs(1)).unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Runtime {
    sched: &'static Sched,
}

impl Runtime {
    /// A runtime that is configured first.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// A runtime like the default one.
    ///
    /// # Errors
    ///
    /// As [`RuntimeBuilder::build`].
    pub fn new() -> io::Result<Runtime> {
        Runtime::builder().build()
    }

    /// Starts a goroutine on this runtime; see [`go`](super::go).
    #[track_caller]
    pub fn go<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawn::go_on(self.sched, spawn::spec(Location::caller()), f)
    }

    /// Runs `f` as a goroutine of this runtime and waits for it.
    ///
    /// # Panics
    ///
    /// With `f`'s payload if it panics.
    ///
    /// # Blocking
    ///
    /// The plain thread; in a goroutine, G.
    ///
    /// # Cancellation
    ///
    /// `f` inherits the caller's [context](crate::context); this waits for it in any case.
    #[track_caller]
    pub fn run<F, T>(&self, f: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.go(f).join_always().unwrap_or_else(|payload| resume_unwind(payload))
    }

    /// How many Ps it has: so many goroutines run at the same time.
    pub fn procs(&self) -> usize {
        self.sched.ms().len()
    }

    /// How many goroutines it has that have not ended.
    pub fn goroutines(&self) -> u64 {
        budget::charge(budget::CHECK);
        self.sched.live()
    }

    /// Shuts the runtime down: waits for descriptors fail from now on, also those that have begun,
    /// and when all goroutines have ended, or after `limit`, the Ms stop.
    ///
    /// Nothing is unwound by force. A goroutine that has not ended by then goes on until it next
    /// parks and never runs again after that: what is on its stack is leaked, with the stack and
    /// the thread that it settled on, and who joins it waits for ever. What had not started is
    /// dropped, and its joiner gets [`Stopped`](crate::Stopped).
    ///
    /// # Errors
    ///
    /// When `limit` is over and goroutines are left: how many.
    ///
    /// # Panics
    ///
    /// When it is called by a goroutine of this runtime, which would wait for itself.
    ///
    /// # Blocking
    ///
    /// The thread, for `limit` at most.
    pub fn shutdown(self, limit: Duration) -> Result<(), ShutdownError> {
        let left = self.shut_down(limit);
        if left == 0 { Ok(()) } else { Err(ShutdownError { left }) }
    }

    /// Makes this the runtime of plain threads, unless there is one already.
    pub(super) fn offer_as_default(&self) {
        netpoll::offer_default(self.sched);
    }

    fn shut_down(&self, limit: Duration) -> u64 {
        let own = sched::current::mp().is_some_and(|mp| std::ptr::eq(mp.sched, self.sched));
        assert!(!own, "a goroutine cannot shut its own runtime down");
        self.sched.close();
        netpoll::reconsider_all();
        let until = Instant::now() + limit.min(Duration::from_secs(u32::MAX.into()));
        let left = self.sched.wait_quiet(until);
        self.sched.stop();
        left
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // After `shutdown`, all of this has been done and does no harm.
        self.sched.close();
        netpoll::reconsider_all();
        self.sched.stop();
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timers: usize = self.sched.ms().iter().map(|mp| mp.home_p().timers.len()).sum();
        f.debug_struct("Runtime")
            .field("procs", &self.procs())
            .field("goroutines", &self.goroutines())
            .field("timers", &timers)
            .finish_non_exhaustive()
    }
}

/// Configures a [`Runtime`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder makes nothing until `build`"]
pub struct RuntimeBuilder {
    procs: Option<usize>,
    stack_size: Option<usize>,
    max_blocking_threads: Option<usize>,
}

impl RuntimeBuilder {
    /// How many Ps, and so how many goroutines run at the same time: 1 to 1024. The default is
    /// `MARMOT_MAXPROCS`, or the cores that the process may use, its CPU quota included.
    pub fn procs(mut self, procs: usize) -> Self {
        self.procs = Some(procs);
        self
    }

    /// The usable bytes of a goroutine's stack, unless
    /// [`Builder::stack_size`](super::Builder::stack_size) says otherwise. The number is rounded up as described there, to at least
    /// 64 KiB. The default is 256 KiB.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// How many threads, at most, run the closures that its goroutines pass to [`blocking`](super::blocking), and the blocking calls
    /// that the library itself makes, as when it copies a file: 1 to 1,048,576. The default is `MARMOT_MAX_BLOCKING_THREADS`, or 512.
    ///
    /// Threads are started as needed, and end when they have had nothing to do for ten seconds. When all of them are busy, further
    /// closures wait in a queue. If none finishes for a second while others are queued, a report on standard error lists the calls
    /// whose closures are running.
    ///
    /// The default runtime, which plain threads use, is configured by the environment, or by
    /// `#[marmot::main(max_blocking_threads = N)]`. A plain thread runs such closures itself. Host names are resolved on
    /// separate threads.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_runtime as marmot;
    ///
    /// let runtime = marmot::Runtime::builder().max_blocking_threads(4).build()?;
    /// assert_eq!(runtime.run(|| marmot::blocking(|| 6 * 7)), 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn max_blocking_threads(mut self, threads: usize) -> Self {
        self.max_blocking_threads = Some(threads);
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if a number is out of range; and the reason if
    /// descriptors or threads cannot be had.
    pub fn build(self) -> io::Result<Runtime> {
        let config = Config {
            procs: self.procs.unwrap_or_else(sched::default_procs),
            stack_size: self.stack_size.unwrap_or(DEFAULT_STACK_SIZE),
            max_blocking_threads: self.max_blocking_threads.unwrap_or_else(sched::default_max_blocking_threads),
        };
        check_number("Ps", config.procs, MAX_PROCS)?;
        check_number("threads for `blocking`", config.max_blocking_threads, MAX_BLOCKING_THREADS)?;
        check_stack_size(config.stack_size)?;
        Ok(Runtime { sched: netpoll::start(config)? })
    }
}

/// Whether a runtime may have so many of something.
fn check_number(what: &str, number: usize, most: usize) -> io::Result<()> {
    if (1..=most).contains(&number) {
        return Ok(());
    }
    let text = format!("a runtime cannot have {number} {what}: it may have 1 to {most}");
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

/// Goroutines were left when a [shutdown](Runtime::shutdown) was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownError {
    left: u64,
}

impl ShutdownError {
    /// How many.
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} goroutines had not ended when the time for the shutdown was over", self.left)
    }
}

impl Error for ShutdownError {}
