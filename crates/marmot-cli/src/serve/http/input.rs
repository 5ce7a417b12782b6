//! Input that has been read and not yet been dealt with.

use super::super::BUFFER;
use marmot::buf::Lease;
use marmot::net::TcpStream;
use std::io::{self, Read};
use std::ops::Range;

/// A buffer and the range of it that holds input.
#[derive(Debug)]
pub struct Input {
    buffer: Lease,
    filled: Range<usize>,
}

impl Input {
    /// No input.
    pub fn new() -> Input {
        Input { buffer: Lease::new(BUFFER), filled: 0..0 }
    }

    /// What there is.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.filled.clone()]
    }

    /// Takes `count` bytes off the beginning.
    pub fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.filled.len());
        self.filled.start += count;
    }

    /// Takes empty lines off the beginning.
    pub fn skip_empty_lines(&mut self) {
        while self.bytes().starts_with(b"\r\n") {
            self.consume(2);
        }
    }

    /// Reads once, behind what there is; that must be less than the buffer holds.
    ///
    /// # Errors
    ///
    /// As a read.
    pub fn read(&mut self, mut stream: &TcpStream) -> io::Result<usize> {
        if self.filled.start > 0 {
            self.buffer.copy_within(self.filled.clone(), 0);
            self.filled = 0..self.filled.len();
        }
        let count = stream.read(&mut self.buffer[self.filled.end..])?;
        self.filled.end += count;
        Ok(count)
    }
}
