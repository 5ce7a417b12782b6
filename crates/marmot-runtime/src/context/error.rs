//! Why a wait was ended before it had what it waited for.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

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

    /// The same, from a call that had moved so many bytes before.
    #[allow(dead_code, reason = "for calls that move bytes in several steps")]
    pub(crate) fn after(self, moved: u64) -> Error {
        Error { moved, ..self }
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
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// The context's end in an I/O error, if it is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use marmot_runtime::context::{self, Context, Error};
    ///
    /// let (ctx, cancel) = Context::background().with_cancel();
    /// cancel.cancel();
    /// let error = io::Error::from(ctx.err().unwrap());
    /// assert!(Error::of(&error).unwrap().is_cancelled());
    /// assert!(Error::of(&io::Error::other("something else")).is_none());
    /// ```
    pub fn of(error: &io::Error) -> Option<&Error> {
        error.get_ref()?.downcast_ref()
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

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = if error.is_deadline { io::ErrorKind::TimedOut } else { io::ErrorKind::Other };
        io::Error::new(kind, error)
    }
}
