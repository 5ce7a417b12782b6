//! A writer for a signal handler.

use std::fmt;

use super::sys;

/// The bytes that a report holds before it writes: a few lines, and little of an alternate signal
/// stack.
pub(super) const LEN: usize = 512;

/// Formats into a small buffer and writes it to standard error, without allocating and without a
/// lock.
///
/// Use it through [`core::fmt::Write`]. Text longer than the buffer goes out in pieces; what
/// standard error does not take is lost. It never fails.
pub struct Report<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// Writes out what is in the buffer.
    pub fn flush(&mut self) {
        sys::write_stderr(&self.buffer[..self.len]);
        self.len = 0;
    }
}

impl fmt::Write for Report<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            if self.len == self.buffer.len() {
                self.flush();
            }
            let free = &mut self.buffer[self.len..];
            let count = rest.len().min(free.len());
            let (now, later) = rest.split_at(count);
            free[..count].copy_from_slice(now);
            self.len += count;
            rest = later;
        }
        Ok(())
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("len", &self.len).finish_non_exhaustive()
    }
}
