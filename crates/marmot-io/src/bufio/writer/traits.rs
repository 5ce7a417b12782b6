//! `Write` and `Seek` for `Writer`.

use std::io::{self, IoSlice, Seek, SeekFrom, Write};

use super::Writer;
use crate::checked::checked;

/// How many slices go out in one call: what is in the buffer, and the first ones that come after it.
const SLICES: usize = 16;

impl<W: Write> Write for Writer<W> {
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.is_small(buf) {
            self.buffer.put(buf);
            return Ok(buf.len());
        }
        self.write_slices(&[IoSlice::new(buf)])
    }

    #[inline]
    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        Ok(self.write_counted(buf)?)
    }

    /// Collects the slices, or, if together they are not smaller than the buffer, sends them on: with what is in the
    /// buffer in one vectored call. Slices that are small each are gathered in the buffer, so that an inner writer that
    /// takes one slice at a time is not given small ones.
    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_slices(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_buffer()?;
        self.pass(W::flush)
    }
}

impl<W: Write> Writer<W> {
    fn write_slices(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let total = bufs.iter().fold(0, |sum: usize, buf| sum.saturating_add(buf.len()));
        if total < self.capacity() {
            if total > self.available() {
                self.flush_buffer()?;
            }
            return Ok(self.gather(bufs));
        }
        while !self.buffer.is_empty() {
            let taken = self.send(|inner, bytes| {
                let mut slices = [IoSlice::new(&[]); SLICES];
                slices[0] = IoSlice::new(bytes);
                let more = slices[1..].iter_mut().zip(bufs.iter().filter(|buf| !buf.is_empty()));
                let count = more.map(|(slice, buf)| *slice = IoSlice::new(buf)).count() + 1;
                let room = slices.iter().fold(0, |sum: usize, slice| sum.saturating_add(slice.len()));
                inner.write_vectored(&slices[..count]).and_then(|count| checked(count, room))
            })?;
            if taken > 0 {
                return Ok(taken);
            }
        }
        match bufs.iter().find(|buf| !buf.is_empty()) {
            Some(first) if first.len() < self.capacity() => Ok(self.gather(bufs)),
            _ => self.pass(|inner| inner.write_vectored(bufs)).and_then(|count| checked(count, total)),
        }
    }

    /// Puts as many of the bytes into the buffer as it takes.
    fn gather(&mut self, bufs: &[IoSlice<'_>]) -> usize {
        let had = self.buffered();
        for buf in bufs.iter().filter(|buf| !buf.is_empty()) {
            let count = buf.len().min(self.available());
            self.buffer.put(&buf[..count]);
            if count < buf.len() {
                break;
            }
        }
        self.buffered() - had
    }
}

impl<W: Write + Seek> Seek for Writer<W> {
    /// Seeks after the buffer has been written.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.flush_buffer()?;
        self.pass(|inner| inner.seek(to))
    }
}
