//! `TeeReader`: a reader whose bytes go to a writer, too.

use std::io::{self, Read, Write};

use crate::checked::{CheckedReader, checked};
use crate::{Partial, read_full, write_full};

/// Writes all that is read through it to a writer: Go's `TeeReader`.
///
/// There is no buffer between the two. A read that returns `n` bytes has written exactly these.
///
/// The writer's error is an error of the read. Bytes that had been taken from the reader, and that the writer did not
/// take, are kept: they are written and returned by the next read. So nothing is lost or doubled if the writer recovers,
/// for example from a timeout; and if it does not, [`into_parts`](TeeReader::into_parts) gives them back.
///
/// # Errors
///
/// The reader's and the writer's; [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes nothing. The writer's
/// [`Interrupted`](io::ErrorKind::Interrupted) write is made again.
///
/// # Blocking
///
/// As the reader and the writer.
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use marmot_io::TeeReader;
///
/// let (mut text, mut copy) = (String::new(), Vec::new());
/// TeeReader::new(&b"heard twice"[..], &mut copy).read_to_string(&mut text)?;
/// assert_eq!(text.as_bytes(), copy);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TeeReader<R, W> {
    reader: R,
    writer: W,
    /// What the reader has given and the writer has not taken; empty, but for when a write has failed.
    kept: Vec<u8>,
    /// What is to be reported once the bytes before it have been returned.
    error: Option<io::Error>,
}

impl<R, W> TeeReader<R, W> {
    /// Reads from `reader`, and writes to `writer`.
    pub fn new(reader: R, writer: W) -> TeeReader<R, W> {
        TeeReader { reader, writer, kept: Vec::new(), error: None }
    }

    /// The reader.
    pub fn reader(&self) -> &R {
        &self.reader
    }

    /// The writer.
    pub fn writer(&self) -> &W {
        &self.writer
    }

    /// The reader, the writer, and the bytes in between: what came out of the reader before a write failed, and has been
    /// neither written nor returned.
    pub fn into_parts(self) -> (R, W, Vec<u8>) {
        (self.reader, self.writer, self.kept)
    }
}

impl<R, W: Write> TeeReader<R, W> {
    /// Writes the `count` bytes that `buf` begins with, and returns them. What cannot be written is put before what is
    /// kept.
    fn pass(&mut self, buf: &[u8]) -> io::Result<usize> {
        let Err(partial) = write_full(&mut self.writer, buf) else { return Ok(buf.len()) };
        // No more than `buf.len()`, so it is a usize.
        let written = partial.moved as usize;
        self.kept.splice(..0, buf[written..].iter().copied());
        if written == 0 {
            return Err(partial.error);
        }
        self.error = Some(partial.error);
        Ok(written)
    }
}

impl<R: Read, W: Write> Read for TeeReader<R, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let count = if self.kept.is_empty() {
            checked(self.reader.read(buf)?, buf.len())?
        } else {
            let count = buf.len().min(self.kept.len());
            buf[..count].copy_from_slice(&self.kept[..count]);
            self.kept.drain(..count);
            count
        };
        self.pass(&buf[..count])
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        CheckedReader::new(self).read_to_end(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}
