//! `LimitReader`: no more than so many bytes.

use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom, Take};

use crate::checked::{CheckedReader, checked};
use crate::{Partial, read_full};

/// Reads up to a number of bytes, and then ends: Go's `LimitReader` and `LimitedReader`.
///
/// It is what [`Read::take`] makes, under Go's name and with Go's field `N`; each turns into the other. A reader that claims more
/// bytes than it was given room for fails here, where a [`Take`] panics.
///
/// # Errors
///
/// The reader's. At the limit the reader is not asked any more.
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
pub struct LimitReader<R> {
    reader: R,
    /// How many bytes there were to be read when the limit was set.
    length: u64,
    remaining: u64,
}

impl<R: Read> LimitReader<R> {
    /// Reads up to `limit` bytes of `reader`.
    pub fn new(reader: R, limit: u64) -> LimitReader<R> {
        LimitReader { reader, length: limit, remaining: limit }
    }
}

impl<R> LimitReader<R> {
    /// How many bytes may still be read. The reader may end before.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Sets how many bytes may be read from now on, however many have been.
    pub fn set_limit(&mut self, limit: u64) {
        (self.length, self.remaining) = (limit, limit);
    }

    /// Counts `count` bytes as read, which were taken from the reader [itself](LimitReader::get_mut): so many fewer may be read, and
    /// the position is behind them.
    ///
    /// # Panics
    ///
    /// If that is more than [may be read](LimitReader::remaining).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, Seek};
    /// use marmot_io::LimitReader;
    ///
    /// let mut body = LimitReader::new(std::io::Cursor::new(b"head, body and more"), 10);
    /// body.get_mut().read_exact(&mut [0; 6])?;
    /// body.advance(6);
    /// assert_eq!((body.stream_position()?, body.remaining()), (6, 4));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn advance(&mut self, count: u64) {
        assert!(count <= self.remaining, "no more can have been read than the limit");
        self.remaining -= count;
    }

    /// The reader.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// The reader. What is read from it directly does not count, but by [`advance`](LimitReader::advance).
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader, with what has not been read.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// How much of `room` may be filled.
    fn within(&self, room: usize) -> usize {
        usize::try_from(self.remaining).map_or(room, |remaining| remaining.min(room))
    }

    /// From where the limit began.
    fn position(&self) -> u64 {
        self.length - self.remaining
    }
}

impl<R: Read> Read for LimitReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // The reader is not asked at the limit, where it might wait; for nothing it is, and may fail.
        if self.remaining == 0 {
            return Ok(0);
        }
        let room = self.within(buf.len());
        let count = checked(self.reader.read(&mut buf[..room])?, room)?;
        self.remaining -= count as u64;
        Ok(count)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        if self.remaining == 0 {
            return Ok(0);
        }
        let before = buf.len();
        let result = CheckedReader::new(&mut self.reader).take(self.remaining).read_to_end(buf);
        // Also after an error: what came before it is in the vector.
        self.remaining -= (buf.len() - before) as u64;
        result
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<R: BufRead> BufRead for LimitReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let remaining = self.remaining;
        if remaining == 0 {
            return Ok(&[]);
        }
        let bytes = self.reader.fill_buf()?;
        Ok(&bytes[..usize::try_from(remaining).map_or(bytes.len(), |remaining| remaining.min(bytes.len()))])
    }

    fn consume(&mut self, count: usize) {
        let count = self.within(count);
        self.remaining -= count as u64;
        self.reader.consume(count);
    }
}

/// Positions count from where the limit began, and the end is where it is reached.
impl<R: Seek> Seek for LimitReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position().checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        let Some(target) = target.filter(|target| *target <= self.length) else {
            return Err(io::Error::new(ErrorKind::InvalidInput, "the position would be outside of the limit"));
        };
        while target != self.position() {
            // A seek does not reach farther than so much at a time.
            let by = match target.checked_signed_diff(self.position()) {
                Some(by) => by,
                None if target > self.position() => i64::MAX,
                None => i64::MIN,
            };
            self.reader.seek_relative(by)?;
            self.remaining = self.remaining.wrapping_sub(by as u64);
        }
        Ok(target)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.position())
    }

    fn seek_relative(&mut self, by: i64) -> io::Result<()> {
        self.seek(SeekFrom::Current(by)).map(drop)
    }
}

impl<R> From<Take<R>> for LimitReader<R> {
    fn from(take: Take<R>) -> LimitReader<R> {
        let limit = take.limit();
        LimitReader { reader: take.into_inner(), length: limit, remaining: limit }
    }
}

impl<R: Read> From<LimitReader<R>> for Take<R> {
    fn from(limit: LimitReader<R>) -> Take<R> {
        limit.reader.take(limit.remaining)
    }
}
