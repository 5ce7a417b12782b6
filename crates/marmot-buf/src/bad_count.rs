//! `BadCount`: a reader or writer that claims to have moved more bytes than it was given.

use std::error::Error;
use std::fmt;
use std::io;

/// A reader or writer claims to have moved more bytes than it was given. It travels inside of an [`io::Error`].
///
/// [`Read`](io::Read) and [`Write`](io::Write) are safe to implement, so no count that they return is relied upon before it has
/// been compared with what they were given.
///
/// # Examples
///
/// ```
/// use std::io::{self, Read};
/// use marmot_buf::BadCount;
///
/// struct Liar;
///
/// impl Read for Liar {
///     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
///         Ok(buf.len() + 1)
///     }
/// }
///
/// let (mut producer, consumer) = marmot_buf::linked::buffer();
/// let error = producer.read_from(&mut Liar).unwrap_err();
/// assert!(BadCount::of(&error).is_some());
/// assert_eq!(consumer.len(), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCount {
    /// What it claims.
    pub count: usize,
    /// What it was given.
    pub room: usize,
}

impl BadCount {
    /// The error inside of `error`, if it is such a one.
    pub fn of(error: &io::Error) -> Option<&BadCount> {
        error.get_ref()?.downcast_ref()
    }

    /// The count that a call returned, if it can be true.
    #[inline]
    pub(crate) fn check(count: usize, room: usize) -> io::Result<usize> {
        if count <= room { Ok(count) } else { Err(io::Error::other(BadCount { count, room })) }
    }
}

impl fmt::Display for BadCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a reader or writer reported {} bytes for a buffer of {}: its implementation is wrong",
            self.count, self.room
        )
    }
}

impl Error for BadCount {}
