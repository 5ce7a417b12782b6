//! `LimitReader`: no more than so many bytes.

use std::io::{self, BufRead, Read, Seek, SeekFrom, Take};

use crate::{Partial, read_full};

/// Reads up to a number of bytes, and then ends: Go's `LimitReader` and `LimitedReader`.
///
/// It is [`Take`], which [`Read::take`] makes, under Go's name and with Go's field `N`; each turns into the other.
///
/// # Errors
///
/// The reader's. At the limit the reader is not asked any more.
///
/// # Panics
///
/// If the reader claims to have read more than it was given room for.
///
/// # Blocking
///
/// As the reader.
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use marmot_io::LimitReader;
///
/// let mut body = LimitReader::new(&b"body and more"[..], 4);
/// let mut text = String::new();
/// body.read_to_string(&mut text)?;
/// assert_eq!((&text[..], body.remaining()), ("body", 0));
/// assert_eq!(body.into_inner(), b" and more");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct LimitReader<R>(Take<R>);

impl<R: Read> LimitReader<R> {
    /// Reads up to `limit` bytes of `reader`.
    pub fn new(reader: R, limit: u64) -> LimitReader<R> {
        LimitReader(reader.take(limit))
    }
}

impl<R> LimitReader<R> {
    /// How many bytes may still be read. The reader may end before.
    pub fn remaining(&self) -> u64 {
        self.0.limit()
    }

    /// Sets how many bytes may be read from now on, however many have been.
    pub fn set_limit(&mut self, limit: u64) {
        self.0.set_limit(limit);
    }

    /// The reader.
    pub fn get_ref(&self) -> &R {
        self.0.get_ref()
    }

    /// The reader. What is read from it directly does not count.
    pub fn get_mut(&mut self) -> &mut R {
        self.0.get_mut()
    }

    /// The reader, with what has not been read.
    pub fn into_inner(self) -> R {
        self.0.into_inner()
    }
}

impl<R: Read> Read for LimitReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        self.0.read_to_end(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<R: BufRead> BufRead for LimitReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.0.consume(count);
    }
}

/// Positions count from where the limit began, and the end is where it is reached.
impl<R: Seek> Seek for LimitReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl<R> From<Take<R>> for LimitReader<R> {
    fn from(take: Take<R>) -> LimitReader<R> {
        LimitReader(take)
    }
}

impl<R> From<LimitReader<R>> for Take<R> {
    fn from(limit: LimitReader<R>) -> Take<R> {
        limit.0
    }
}
