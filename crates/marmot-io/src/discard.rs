//! `Discard`: the writer that takes everything and keeps nothing.

use std::io::{self, IoSlice, Write};

use crate::WriterAt;

/// Takes everything that is written to it: Go's `Discard`.
///
/// [`std::io::sink`] is the same, and is a writer only; this is a [`WriterAt`], too.
///
/// # Errors
///
/// None.
///
/// # Blocking
///
/// Nothing.
///
/// # Examples
///
/// ```
/// use marmot_io::Discard;
///
/// // What is left of an answer is read, so that the connection can be used again.
/// let mut answer = &b"the rest of it"[..];
/// assert_eq!(marmot_io::copy(&mut answer, &mut Discard)?, 14);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Write for &Discard {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Discard {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriterAt for Discard {
    fn write_at(&self, buf: &[u8], _offset: u64) -> io::Result<usize> {
        Ok(buf.len())
    }
}
