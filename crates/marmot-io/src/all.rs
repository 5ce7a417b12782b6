//! Reading everything, without losing what was read when that fails.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Read};

use marmot_buf::Counted;

use crate::checked::CheckedReader;

/// Reads to the end: Go's `ReadAll`.
///
/// # Errors
///
/// The reader's, together with what had been read: see [`Unfinished`]. With `?` it is a plain [`io::Error`]. An
/// [`Interrupted`](ErrorKind::Interrupted) read is made again.
///
/// # Blocking
///
/// As the reader.
///
/// # Examples
///
/// ```
/// assert_eq!(marmot_io::read_all(&mut &b"all of it"[..])?, b"all of it");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_all<R: Read + ?Sized>(reader: &mut R) -> Result<Vec<u8>, Unfinished> {
    let mut bytes = Vec::new();
    match CheckedReader::new(reader).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Unfinished { bytes, error }),
    }
}

/// The error that ended [`read_all`], and the bytes that had been read before. It turns into the plain [`io::Error`]
/// where `?` asks for one.
///
/// # Examples
///
/// ```
/// use std::io::{self, ErrorKind, Read};
///
/// struct Broken;
///
/// impl Read for Broken {
///     fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
///         Err(ErrorKind::ConnectionReset.into())
///     }
/// }
///
/// let unfinished = marmot_io::read_all(&mut b"so far".chain(Broken)).unwrap_err();
/// assert_eq!(unfinished.bytes, b"so far");
/// assert_eq!(unfinished.kind(), ErrorKind::ConnectionReset);
/// ```
#[derive(Debug)]
pub struct Unfinished {
    /// What had been read.
    pub bytes: Vec<u8>,
    /// What ended it.
    pub error: io::Error,
}

impl Unfinished {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (after {} bytes)", self.error, self.bytes.len())
    }
}

impl Error for Unfinished {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Unfinished> for io::Error {
    fn from(unfinished: Unfinished) -> io::Error {
        Counted::tell(unfinished.error, unfinished.bytes.len() as u64)
    }
}
