//! `SectionReader`: a part of something that can be read at an offset, as a reader of its own.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use crate::at::beyond;
use crate::checked::{CheckedReader, checked};
use crate::{Partial, ReaderAt, read_full};

/// Reads a part of a [`ReaderAt`], and seeks in it: Go's `SectionReader`.
///
/// It has a position of its own, so several sections of one file are read independently, also at the same time.
///
/// # Errors
///
/// The source's. Seeking fails with [`InvalidInput`](ErrorKind::InvalidInput) before the beginning of the section, and
/// the position stays; seeking beyond the end is possible, and nothing is read there.
///
/// # Blocking
///
/// As the source: a file blocks the thread.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Seek, SeekFrom};
/// use marmot_io::SectionReader;
///
/// let archive = b"..first..second..";
/// let mut second = SectionReader::new(archive, 9, 6);
/// let mut text = String::new();
/// second.read_to_string(&mut text)?;
/// assert_eq!(text, "second");
///
/// second.seek(SeekFrom::End(-3))?;
/// assert_eq!(marmot_io::read_all(&mut second)?, b"ond");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SectionReader<R> {
    source: R,
    start: u64,
    size: u64,
    /// From the section's start, and possibly beyond its end.
    position: u64,
}

impl<R> SectionReader<R> {
    /// The `size` bytes of `source` from `start` on, or as many as there are: [`u64::MAX`] is all of them.
    pub fn new(source: R, start: u64, size: u64) -> SectionReader<R> {
        SectionReader { source, start, size, position: 0 }
    }

    /// The section's size in bytes, as it was given. The source may end before.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the section was made of: the source, the start, and the size.
    pub fn outer(&self) -> (&R, u64, u64) {
        (&self.source, self.start, self.size)
    }

    /// The source.
    pub fn into_inner(self) -> R {
        self.source
    }
}

impl<R: ReaderAt> ReaderAt for SectionReader<R> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        // An offset that is too large for a number is beyond the end of any source, too.
        let (Some(rest), Some(from)) = (self.size.checked_sub(offset), self.start.checked_add(offset)) else {
            return Ok(0);
        };
        let count = usize::try_from(rest).map_or(buf.len(), |rest| rest.min(buf.len()));
        match count {
            0 => Ok(0),
            count => checked(self.source.read_at(&mut buf[..count], from)?, count),
        }
    }
}

impl<R: ReaderAt> Read for SectionReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.read_at(buf, self.position)?;
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        CheckedReader::new(self).read_to_end(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<R> Seek for SectionReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => moved(self.position, by)?,
            SeekFrom::End(by) => moved(self.size, by)?,
        };
        Ok(self.position)
    }
}

/// Where one is after a seek by so much.
pub(crate) fn moved(from: u64, by: i64) -> io::Result<u64> {
    from.checked_add_signed(by).ok_or_else(|| match by {
        ..0 => io::Error::new(ErrorKind::InvalidInput, "the position would be before the beginning"),
        _ => beyond(),
    })
}
