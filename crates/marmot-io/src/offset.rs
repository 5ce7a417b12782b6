//! `OffsetWriter`: a writer into something that can be written at an offset.

use std::io::{self, ErrorKind, Seek, SeekFrom, Write};

use crate::at::beyond;
use crate::checked::checked;
use crate::section::moved;
use crate::{WriterAt, write_full};

/// Writes to a [`WriterAt`] from an offset on, one write after the other: Go's `OffsetWriter`.
///
/// It has a position of its own, which counts from the offset, so several goroutines can write their parts of one file
/// at the same time.
///
/// # Errors
///
/// The sink's. [`InvalidInput`](ErrorKind::InvalidInput) for a place whose offset is too large for a number, and for
/// seeking before the beginning; [`Unsupported`](ErrorKind::Unsupported) for seeking from the end, for it has none. The
/// position stays when a seek fails.
///
/// # Blocking
///
/// As the sink: a file blocks the thread.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use std::io::Write;
/// use marmot_io::OffsetWriter;
///
/// let page = RefCell::new(b"name: ........".to_vec());
/// let mut field = OffsetWriter::new(&page, 6);
/// write!(field, "{}", "Gopher")?;
/// assert_eq!(page.into_inner(), b"name: Gopher..");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OffsetWriter<W> {
    sink: W,
    base: u64,
    /// From the base.
    position: u64,
}

impl<W> OffsetWriter<W> {
    /// Writes to `sink`, where `base` is position zero.
    pub fn new(sink: W, base: u64) -> OffsetWriter<W> {
        OffsetWriter { sink, base, position: 0 }
    }

    /// The sink.
    pub fn get_ref(&self) -> &W {
        &self.sink
    }

    /// The sink.
    pub fn into_inner(self) -> W {
        self.sink
    }
}

impl<W: WriterAt> WriterAt for OffsetWriter<W> {
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let at = self.base.checked_add(offset).ok_or_else(beyond)?;
        checked(self.sink.write_at(buf, at)?, buf.len())
    }
}

impl<W: WriterAt> Write for OffsetWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = self.write_at(buf, self.position)?;
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        Ok(write_full(self, buf).map(drop)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W> Seek for OffsetWriter<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => moved(self.position, by)?,
            SeekFrom::End(_) => {
                return Err(io::Error::new(
                    ErrorKind::Unsupported,
                    "what is written at offsets has no end to seek from",
                ));
            }
        };
        Ok(self.position)
    }
}
