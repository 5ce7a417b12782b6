//! Why a wait was ended before it had what it waited for.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use marmot_io::{Counted, Counts};

/// What a context was ended by, if whoever did has said.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// The caller's context has ended: it was cancelled, or its deadline has passed.
///
/// As an [`io::Error`] it is of the kind [`TimedOut`](io::ErrorKind::TimedOut) after a deadline, and else of
/// [`Other`](io::ErrorKind::Other): never of [`Interrupted`](io::ErrorKind::Interrupted), so that loops which try again end. It is
/// found again by [`Error::of`].
#[derive(Clone)]
pub struct Error {
    is_deadline: bool,
    moved: u64,
    cause: Option<Cause>,
}

impl Error {
    pub(crate) fn cancelled(cause: Option<Cause>) -> Error {
        Error { is_deadline: false, moved: 0, cause }
    }

    pub(crate) fn deadline(cause: Option<Cause>) -> Error {
        Error { is_deadline: true, moved: 0, cause }
    }

    /// Whether it was a deadline, or a timeout.
    pub fn is_deadline_exceeded(&self) -> bool {
        self.is_deadline
    }

    /// Whether somebody has cancelled the context.
    pub fn is_cancelled(&self) -> bool {
        !self.is_deadline
    }

    /// What whoever cancelled it gave as the reason.
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// How many bytes the call that failed had moved before: they have been delivered, and are not delivered again.
    ///
    /// All calls of Marmot that move bytes in several steps say so: `read_exact` and `write_all` of its types, and what
    /// [`io`](crate::io) has. A loop of somebody else's knows nothing of this, and hands on what the step that failed has said:
    /// of a read or a write alone that is zero.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// The context's end in an I/O error, if it is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::time::Duration;
    /// use marmot_runtime as marmot;
    /// use marmot::context::{Context, Error};
    /// use marmot::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut near = TcpStream::connect(listener.local_addr()?)?;
    /// let (mut far, _) = listener.accept()?;
    /// far.write_all(b"half")?;
    /// near.wait_readable()?;
    ///
    /// let (ctx, _cancel) = Context::current().with_timeout(Duration::from_millis(100));
    /// let error = ctx.run(|| near.read_exact(&mut [0; 8])).unwrap_err();
    /// assert_eq!(Error::of(&error).unwrap().moved(), 4);
    /// assert!(Error::of(&std::io::Error::other("something else")).is_none());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn of(error: &io::Error) -> Option<&Error> {
        Counted::of(error)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.is_deadline { "DeadlineExceeded" } else { "Cancelled" };
        f.debug_struct(name).field("moved", &self.moved).field("cause", &self.cause).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_deadline { "context deadline exceeded" } else { "context cancelled" })?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref().map(|cause| &**cause as &(dyn StdError + 'static))
    }
}

impl Counts for Error {
    fn set_moved(&mut self, bytes: u64) {
        self.moved = bytes;
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = if error.is_deadline { io::ErrorKind::TimedOut } else { io::ErrorKind::Other };
        Counted::error(kind, error)
    }
}
