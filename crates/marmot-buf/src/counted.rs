//! `Counted`: an error that is told how many bytes had been moved before it.

use std::error::Error;
use std::fmt;
use std::io;

/// What a wait is ended by, if it wants to know how far the call had come that waited.
///
/// A call that moves bytes in several steps, such as [`read_exact`](io::Read::read_exact), gets its error from the step that
/// failed, which knows nothing of those before it. So whoever makes such an error, for example in
/// [`Park::park`](crate::Park::park), puts it into a [`Counted`], and calls that know the count [tell](Counted::tell) it.
///
/// # Examples
///
/// ```
/// use std::io::{self, ErrorKind};
/// use marmot_buf::{Counted, Counts};
///
/// #[derive(Debug)]
/// struct Stopped {
///     moved: u64,
/// }
///
/// impl std::fmt::Display for Stopped {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "stopped after {} bytes", self.moved)
///     }
/// }
///
/// impl std::error::Error for Stopped {}
///
/// impl Counts for Stopped {
///     fn set_moved(&mut self, bytes: u64) {
///         self.moved = bytes;
///     }
/// }
///
/// let error = Counted::error(ErrorKind::Other, Stopped { moved: 0 });
/// let error = Counted::tell(error, 5);
/// assert_eq!(Counted::of::<Stopped>(&error).unwrap().moved, 5);
/// assert_eq!(error.to_string(), "stopped after 5 bytes");
/// ```
pub trait Counts: Error + Send + Sync {
    /// Says how many bytes the call had moved that fails with this error. Of calls inside of one another the outermost is the
    /// last to say so.
    fn set_moved(&mut self, bytes: u64);
}

/// An error inside of an [`io::Error`] that [`Counts`]. It looks like the error in it.
pub struct Counted(Box<dyn Counts>);

impl Counted {
    /// An I/O error of this kind that counts.
    pub fn error(kind: io::ErrorKind, error: impl Counts + 'static) -> io::Error {
        io::Error::new(kind, Counted(Box::new(error)))
    }

    /// The error inside of `error`, if it is an `E` that counts.
    pub fn of<E: Counts + 'static>(error: &io::Error) -> Option<&E> {
        let inner: &(dyn Error + 'static) = &*error.get_ref()?.downcast_ref::<Counted>()?.0;
        inner.downcast_ref()
    }

    /// The same error, from a call that had moved so many bytes. One that does not count stays as it is.
    pub fn tell(mut error: io::Error, moved: u64) -> io::Error {
        if let Some(counted) = error.get_mut().and_then(|inner| inner.downcast_mut::<Counted>()) {
            counted.0.set_moved(moved);
        }
        error
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Counted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
