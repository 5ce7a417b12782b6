//! Contexts: what a goroutine and those that it makes do their work for, and when that is no longer wanted.
//!
//! A [`Context`] can be cancelled, may have a deadline, and carries values. It is not passed from function to function: a
//! goroutine works under one, its [`current`] one, and what it spawns inherits it. **Every call that can park observes it.** When it
//! ends, those calls return early, with an [`Error`] of its own where they can report one:
//!
//! | call | when the context ends |
//! |---|---|
//! | reading, writing, accepting, connecting, and all that is made of these | an [`io::Error`] with an [`Error`] in it, which loops that try again do not swallow |
//! | [`JoinHandle::join`](crate::JoinHandle::join) | `Err`, with a boxed [`Error`] as the payload |
//! | what is Marmot's own: `…_or_cancelled`, channels, and so on | an error of its own |
//! | [`sleep`](crate::sleep), [`park`](crate::park), [`park_timeout`](crate::park_timeout) | they return |
//! | what has `std`'s signature and cannot report it: locks, barriers, condition variables; [`blocking`](crate::blocking()) | they wait on |
//! | the end of a [`scope`](crate::scope()), and [`ScopedJoinHandle::join`](crate::ScopedJoinHandle::join) | they wait on, for goroutines that are cancelled, too, and come back |
//!
//! **A call that begins under a context that has ended fails at once, without a try**, be there data or not; so it is with a deadline
//! that is past. There are two exceptions: to join a goroutine that has ended gives its result, which would be lost otherwise; and
//! at a [channel](crate::sync::chan), what does not have to wait is done.
//! What is ended is a wait, never a transfer that is under way, so no byte is lost or counted twice. A buffer is not waited for as
//! long as it has what is asked of it: what is in a `BufReader`, in a [`buffered::Conn`](crate::buffered::Conn) or in a linked buffer
//! can be read, and what it has room for can be written, whatever the context.
//!
//! Clean-up that has to wait is done in [`shield`]: values are visible there, and nothing is cancelled.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use marmot_runtime as marmot;
//! use marmot::context::{self, Context};
//!
//! let (ctx, cancel) = Context::current().with_cancel();
//! let sleeper = ctx.run(|| {
//!     marmot::go(|| {
//!         marmot::sleep(Duration::from_secs(3600));
//!         context::check()
//!     })
//! });
//! cancel.cancel();
//! assert!(sleeper.join().unwrap().unwrap_err().is_cancelled());
//! ```

mod error;

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

pub use error::{Cause, Error};

use crate::sched::cancel::{NEVER, Node};
use crate::sched::within::{self, Cx, Values, Within};
use crate::sched::{Number, Why};
use crate::sched::{budget, clock};

/// What work is done under: see the [module](self). Clones are the same context.
///
/// A context that is dropped, with all its clones and all goroutines that worked under it, leaves nothing behind at those that
/// it was made from.
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Cx>>);

/// The caller's context; [`background`](Context::background) if it has none.
pub fn current() -> Context {
    Context(within::own())
}

/// Whether the caller's context goes on.
///
/// # Errors
///
/// If it has ended: why.
#[inline]
pub fn check() -> Result<(), Error> {
    budget::charge(budget::CHECK);
    ended()
}

/// As [`check`], which charges nothing.
#[inline]
pub(crate) fn ended() -> Result<(), Error> {
    if within::own_has_ended() { Err(why()) } else { Ok(()) }
}

/// Runs `f` under the caller's context without its end: the values are visible, and nothing in `f`, nor in goroutines that it
/// makes, is cancelled. For clean-up that has to wait.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::context::{self, Context};
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// cancel.cancel();
/// ctx.run(|| {
///     assert!(context::check().is_err());
///     context::shield(|| assert!(context::check().is_ok()));
/// });
/// ```
pub fn shield<T>(f: impl FnOnce() -> T) -> T {
    current().without_cancel().run(f)
}

/// As [`check`], for what may wait. A goroutine that tries again and again under a context that has ended lets others run in between:
/// it may be they that end the loop.
#[inline]
pub(crate) fn check_to_wait() -> Result<(), Error> {
    ended().inspect_err(|_| budget::charge(budget::OPERATION))
}

/// As [`check`], for what reports it in an I/O error.
#[inline]
pub(crate) fn check_io() -> io::Result<()> {
    if within::own_has_ended() { Err(why().into()) } else { Ok(()) }
}

/// Why the caller's context has ended, for who was told that it has.
#[cold]
pub(crate) fn why() -> Error {
    current().error().unwrap_or_else(|| Error::cancelled(None))
}

/// Why `node` has ended, if it has. Its deadline counts from the moment that it has passed: see [`Node::outcome_by_now`].
pub(crate) fn error_of(node: &Arc<Node>) -> Option<Error> {
    node.outcome_by_now().map(|(why, cause)| match why {
        Why::Cancelled => Error::cancelled(cause),
        Why::Deadline => Error::deadline(cause),
    })
}

impl Context {
    /// The context that never ends, has no deadline and no values. Goroutines that are made on a plain thread work under it.
    pub fn background() -> Context {
        Context(None)
    }

    /// The caller's, as [`current`].
    pub fn current() -> Context {
        current()
    }

    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.0.as_ref()?.node.as_ref()
    }

    fn values(&self) -> Option<&Arc<Values>> {
        self.0.as_ref()?.values.as_ref()
    }

    /// The same, with another end.
    pub(crate) fn with_node(&self, node: Arc<Node>) -> (Context, Cancel) {
        let cancel = Cancel(Arc::clone(&node));
        (Context(Some(Arc::new(Cx { node: Some(node), values: self.values().cloned() }))), cancel)
    }

    /// A context that ends when this one does, or is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_runtime::context::Context;
    ///
    /// let (outer, cancel_outer) = Context::background().with_cancel();
    /// let (inner, _) = outer.with_cancel();
    /// cancel_outer.cancel();
    /// assert!(inner.err().unwrap().is_cancelled());
    /// ```
    #[must_use = "work is done under the new context, and the other one ends it"]
    pub fn with_cancel(&self) -> (Context, Cancel) {
        self.with_node(Node::new(self.node()))
    }

    /// A context that ends with this one, or when it is cancelled, or when so much time has passed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{ErrorKind, Read};
    /// use std::time::Duration;
    /// use marmot_runtime as marmot;
    /// use marmot::context::{Context, Error};
    /// use marmot::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut conn = TcpStream::connect(listener.local_addr()?)?;
    /// let (ctx, _cancel) = Context::current().with_timeout(Duration::from_millis(10));
    /// let error = ctx.run(|| conn.read(&mut [0; 16])).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::TimedOut);
    /// assert!(Error::of(&error).unwrap().is_deadline_exceeded());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use = "work is done under the new context"]
    pub fn with_timeout(&self, timeout: Duration) -> (Context, Cancel) {
        self.with_deadline_at(clock::after(timeout))
    }

    /// A context that ends with this one, or when it is cancelled, or at `deadline`.
    #[must_use = "work is done under the new context"]
    pub fn with_deadline(&self, deadline: Instant) -> (Context, Cancel) {
        self.with_deadline_at(clock::at(deadline))
    }

    fn with_deadline_at(&self, when: u64) -> (Context, Cancel) {
        self.with_node(Node::with_deadline(self.node(), when))
    }

    /// A context that ends with this one, and has a value besides. There is one of each type, and a later one hides an earlier.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_runtime::context::{self, Context};
    ///
    /// struct RequestId(u64);
    ///
    /// Context::current().with_value(RequestId(7)).run(|| {
    ///     let id = context::current().value::<RequestId>().unwrap();
    ///     assert_eq!(id.0, 7);
    /// });
    /// ```
    #[must_use = "this one stays as it is"]
    pub fn with_value<T: Any + Send + Sync>(&self, value: T) -> Context {
        let values = Values { value: Arc::new(value), outer: self.values().cloned() };
        Context(Some(Arc::new(Cx { node: self.node().cloned(), values: Some(Arc::new(values)) })))
    }

    /// The value of that type.
    pub fn value<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let mut next = self.values();
        while let Some(values) = next {
            if (*values.value).is::<T>() {
                return Arc::clone(&values.value).downcast().ok();
            }
            next = values.outer.as_ref();
        }
        None
    }

    /// A context with the same values that never ends, and has no deadline.
    #[must_use = "this one stays as it is"]
    pub fn without_cancel(&self) -> Context {
        Context(self.values().map(|values| Arc::new(Cx { node: None, values: Some(Arc::clone(values)) })))
    }

    /// Runs `f` under this context: it is the [`current`] one meanwhile, and what `f` makes inherits it. The one from before comes
    /// back afterwards, also when `f` panics.
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        let _within = self.enter();
        f()
    }

    /// Makes it the caller's, until what is returned is dropped.
    pub(crate) fn enter(&self) -> Within {
        Within::enter(self.0.clone())
    }

    /// Why it has ended, if it has. A deadline that has passed has ended it.
    pub fn err(&self) -> Option<Error> {
        budget::charge(budget::CHECK);
        self.error()
    }

    fn error(&self) -> Option<Error> {
        self.node().and_then(error_of)
    }

    /// What whoever cancelled it, or one that it was made from, gave as the reason.
    pub fn cause(&self) -> Option<Cause> {
        self.err().and_then(|error| error.cause().cloned())
    }

    /// When it ends at the latest: its own deadline, or an earlier one of those that it was made from.
    pub fn deadline(&self) -> Option<Instant> {
        self.node().map(|node| node.deadline()).filter(|&when| when != NEVER).map(clock::instant)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.node().map_or(0, |node| node.entries());
        f.debug_struct("Context")
            .field("err", &self.error())
            .field("deadline", &self.deadline())
            .field("told", &told)
            .finish_non_exhaustive()
    }
}

/// Ends a context. Clones end the same one; to drop it ends nothing.
#[derive(Clone)]
pub struct Cancel(Arc<Node>);

impl Cancel {
    /// Cancels the context and all that were made from it. Those who wait under them are on their way when this returns, and what
    /// begins after it fails. A context ends once: later calls do nothing, nor do they wait for an end that is under way on another
    /// thread.
    ///
    /// It does not panic for what others have hung on the context. Where the runtime of an [`after_func`](Context::after_func) has
    /// stopped, its function is dropped here, with what it has captured: a destructor that panics then is reported on standard
    /// error, and all others are told nevertheless.
    pub fn cancel(&self) {
        self.0.end(Why::Cancelled, None);
    }

    /// As [`cancel`](Cancel::cancel), for a reason, which is in the errors of those who hear of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_runtime::context::Context;
    ///
    /// let (ctx, cancel) = Context::background().with_cancel();
    /// cancel.cancel_with_cause("the peer has left");
    /// assert_eq!(ctx.cause().unwrap().to_string(), "the peer has left");
    /// ```
    pub fn cancel_with_cause(&self, cause: impl Into<Box<dyn StdError + Send + Sync>>) {
        self.0.end(Why::Cancelled, Some(Arc::from(cause.into())));
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("ended", &self.0.state().is_some()).finish_non_exhaustive()
    }
}

/// What was to run after a context's end: see [`Context::after_func`].
pub struct AfterFunc {
    /// Where it is; nothing if nobody has to stop it.
    entry: Option<(Arc<Node>, Number)>,
    /// Its place may be another's by now.
    was_stopped: AtomicBool,
}

impl AfterFunc {
    pub(crate) fn new(node: Arc<Node>, number: Number) -> AfterFunc {
        AfterFunc { entry: Some((node, number)), was_stopped: AtomicBool::new(false) }
    }

    /// Of one that nobody has to stop.
    pub(crate) fn of_none() -> AfterFunc {
        AfterFunc { entry: None, was_stopped: AtomicBool::new(false) }
    }

    /// Keeps it from running; false if it has been started, or stopped before. It does not wait for one that was started.
    pub fn stop(&self) -> bool {
        let Some((node, number)) = &self.entry else { return false };
        // Relaxed: it decides only who takes the place back.
        !self.was_stopped.swap(true, Relaxed) && node.forget_call(*number)
    }
}

impl fmt::Debug for AfterFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterFunc").finish_non_exhaustive()
    }
}
