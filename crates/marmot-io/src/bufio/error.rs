//! What this module itself refuses, and errors that hand over what had been read.

use std::fmt;
use std::io::{self, ErrorKind};

use marmot_buf::Counted;

/// What the types of this module refuse on their own account. It travels inside of an [`io::Error`].
///
/// [`BadCount`](Error::BadCount) and [`TooManyInterrupts`](Error::TooManyInterrupts) come from everything in this crate that calls
/// a reader or writer of somebody else's.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{Error, Reader};
///
/// let mut reader = Reader::with_capacity(16, &b"a line of more than sixteen bytes\n"[..]);
/// let error = reader.read_slice(b'\n').unwrap_err();
/// assert_eq!(Error::of(&error), Some(&Error::BufferFull { capacity: 16 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The buffer is full, and what was looked for is not in it.
    BufferFull {
        /// The buffer's size.
        capacity: usize,
    },
    /// More bytes were to be looked at than the buffer can hold.
    PeekTooFar {
        /// How many were asked for.
        asked: usize,
        /// The buffer's size.
        capacity: usize,
    },
    /// No byte was read last.
    NoByteToUnread,
    /// No character was read last.
    NoRuneToUnread,
    /// A token does not end within the limit.
    TokenTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A split function advanced over more than it was shown.
    AdvanceTooFar {
        /// By how much it advanced.
        advance: usize,
        /// How much it was shown.
        shown: usize,
    },
    /// A split function goes on finding tokens without advancing.
    NoProgress,
    /// A reader or writer claims to have moved more bytes than it was given.
    BadCount {
        /// What it claims.
        count: usize,
        /// What it was given.
        room: usize,
    },
    /// A reader or writer returned [`Interrupted`](ErrorKind::Interrupted) too many times in a row.
    TooManyInterrupts {
        /// How many calls in a row were interrupted.
        calls: usize,
    },
}

impl Error {
    /// The error inside of `error`, if it is one of these.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::{Error, Reader};
    ///
    /// let mut reader = Reader::new(&b"hello"[..]);
    /// assert_eq!(Error::of(&reader.unread_byte().unwrap_err()), Some(&Error::NoByteToUnread));
    /// ```
    pub fn of(error: &io::Error) -> Option<&Error> {
        error.get_ref()?.downcast_ref()
    }

    /// The kind under which it travels.
    fn kind(&self) -> ErrorKind {
        match self {
            Error::BufferFull { .. } | Error::TokenTooLong { .. } => ErrorKind::InvalidData,
            Error::PeekTooFar { .. }
            | Error::NoByteToUnread
            | Error::NoRuneToUnread
            | Error::AdvanceTooFar { .. }
            | Error::NoProgress => ErrorKind::InvalidInput,
            Error::BadCount { .. } | Error::TooManyInterrupts { .. } => ErrorKind::Other,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::BufferFull { capacity } => write!(
                f,
                "no delimiter within the {capacity} bytes of the buffer: make it larger, or take the line in parts"
            ),
            Error::PeekTooFar { asked, capacity } => {
                write!(f, "a peek of {asked} bytes into a buffer of {capacity}: make the buffer larger")
            }
            Error::NoByteToUnread => {
                f.write_str("no byte to unread: the last call read none, or it has been unread already")
            }
            Error::NoRuneToUnread => f.write_str("no character to unread: the last call was not one that read one"),
            Error::TokenTooLong { limit } => write!(
                f,
                "a token does not end within the limit of {limit} bytes: raise `max_token_size`, or use a `Reader`"
            ),
            Error::AdvanceTooFar { advance, shown } => {
                write!(f, "the split function advanced by {advance} bytes of {shown}: advance by no more than it got")
            }
            Error::NoProgress => {
                f.write_str("the split function goes on finding tokens at one place: advance, or end with `Step::Last`")
            }
            Error::BadCount { count, room } => {
                write!(
                    f,
                    "a reader or writer reported {count} bytes for a buffer of {room}: its implementation is wrong"
                )
            }
            Error::TooManyInterrupts { calls } => {
                write!(f, "a reader or writer was interrupted {calls} times in a row: its implementation is wrong")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}

/// An error, and what had been read before it. It turns into the plain [`io::Error`] where `?` asks for one.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::Reader;
///
/// let mut reader = Reader::new(&b"caf\xe9\n"[..]);
/// let short = reader.read_string(b'\n').unwrap_err();
/// assert_eq!(short.read, b"caf\xe9\n");
/// assert_eq!(short.error.kind(), std::io::ErrorKind::InvalidData);
/// ```
#[derive(Debug)]
pub struct Short {
    /// The bytes that were taken from the reader.
    pub read: Vec<u8>,
    /// What ended it.
    pub error: io::Error,
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (after {} bytes)", self.error, self.read.len())
    }
}

impl std::error::Error for Short {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Short> for io::Error {
    fn from(short: Short) -> io::Error {
        Counted::tell(short.error, short.read.len() as u64)
    }
}
