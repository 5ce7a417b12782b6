//! Bytes and characters, and putting them back; peeking, discarding, writing out.

use std::io::{self, ErrorKind, Read, Write};

use super::{Last, Reader};
use crate::Partial;
use crate::bufio::Error;
use crate::checked::{Retries, checked};
use crate::utf8::{First, first};
use crate::{ByteScanner, RuneReader, RuneScanner};

impl<R: Read> Reader<R> {
    /// The next `n` bytes, which stay where they are; fewer only at the end.
    ///
    /// Afterwards nothing can be unread until something has been read.
    ///
    /// # Errors
    ///
    /// The source's; what there was before it is in the [`buffer`](Reader::buffer). [`Error::PeekTooFar`] if `n` is more
    /// than the [`capacity`](Reader::capacity).
    ///
    /// # Blocking
    ///
    /// As the source, while the buffer has fewer than `n` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"\x7fELF..."[..]);
    /// assert_eq!(reader.peek(4)?, b"\x7fELF");
    /// assert_eq!(reader.peek(100)?, b"\x7fELF...");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        let capacity = self.capacity();
        if n > capacity {
            return Err(Error::PeekTooFar { asked: n, capacity }.into());
        }
        self.last = Last::Nothing;
        while self.buffered() < n && self.fill_whole()? > 0 {}
        let bytes = self.buffer.bytes();
        Ok(&bytes[..n.min(bytes.len())])
    }

    /// Skips `n` bytes, and says how many it has skipped: fewer only at the end.
    ///
    /// # Errors
    ///
    /// The source's, with the number of bytes that had been skipped.
    ///
    /// # Blocking
    ///
    /// As the source, if the buffer has fewer than `n` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"hello"[..]);
    /// assert_eq!(reader.discard(4)?, 4);
    /// assert_eq!(reader.read_byte()?, Some(b'o'));
    /// assert_eq!(reader.discard(1)?, 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn discard(&mut self, n: u64) -> Result<u64, Partial> {
        if n == 0 {
            return Ok(0);
        }
        self.last = Last::Nothing;
        let mut moved = 0;
        loop {
            let count = (n - moved).min(self.buffered() as u64);
            // It is no more than the buffer's length.
            self.buffer.consume(count as usize);
            moved += count;
            if moved == n {
                return Ok(n);
            }
            match self.fill_whole() {
                Ok(0) => return Ok(moved),
                Ok(_) => {}
                Err(error) => return Err(Partial { moved, error }),
            }
        }
    }

    /// Reads a byte. `None` is the end.
    ///
    /// # Errors
    ///
    /// The source's.
    ///
    /// # Blocking
    ///
    /// As the source, if the buffer is empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"x"[..]);
    /// assert_eq!(reader.read_byte()?, Some(b'x'));
    /// assert_eq!(reader.read_byte()?, None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_byte(&mut self) -> io::Result<Option<u8>> {
        if self.buffer.is_empty() && self.fill_whole()? == 0 {
            return Ok(None);
        }
        let byte = self.buffer.bytes().first().copied();
        self.consumed(1);
        Ok(byte)
    }

    /// Puts the byte that was read last back: the last one of any read, but only one, and only if nothing that is not a
    /// read was called since. What ends or fails without a byte does not count.
    ///
    /// # Errors
    ///
    /// [`Error::NoByteToUnread`].
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"42 apples"[..]);
    /// let mut number = 0;
    /// while let Some(byte) = reader.read_byte()? {
    ///     if !byte.is_ascii_digit() {
    ///         reader.unread_byte()?;
    ///         break;
    ///     }
    ///     number = 10 * number + u32::from(byte - b'0');
    /// }
    /// assert_eq!((number, reader.buffer()), (42, &b" apples"[..]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn unread_byte(&mut self) -> io::Result<()> {
        let byte = match self.last {
            Last::Nothing => return Err(Error::NoByteToUnread.into()),
            Last::Byte(byte) => byte,
            Last::Rune(bytes, count) => bytes[count - 1],
        };
        self.last = Last::Nothing;
        self.buffer.unread(&[byte]);
        Ok(())
    }

    /// Reads a character, and says how many bytes it had. A byte that belongs to none counts as U+FFFD of one byte.
    /// `None` is the end.
    ///
    /// # Errors
    ///
    /// The source's. They take nothing out, also not half a character.
    ///
    /// # Blocking
    ///
    /// As the source, while the buffer has no whole character.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"\xc3\xa9\xff"[..]);
    /// assert_eq!(reader.read_rune()?, Some(('é', 2)));
    /// assert_eq!(reader.read_rune()?, Some((char::REPLACEMENT_CHARACTER, 1)));
    /// assert_eq!(reader.read_rune()?, None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_rune(&mut self) -> io::Result<Option<(char, usize)>> {
        let (rune, width) = loop {
            match first(self.buffer.bytes()) {
                First::Char(c, width) => break (c, width),
                First::Invalid => break (char::REPLACEMENT_CHARACTER, 1),
                First::Part => {
                    if self.fill_whole()? > 0 {
                        continue;
                    }
                    if self.buffer.is_empty() {
                        return Ok(None);
                    }
                    break (char::REPLACEMENT_CHARACTER, 1);
                }
            }
        };
        let mut bytes = [0; 4];
        bytes[..width].copy_from_slice(&self.buffer.bytes()[..width]);
        self.last = Last::Rune(bytes, width);
        self.buffer.consume(width);
        Ok(Some((rune, width)))
    }

    /// Puts the character that was read last back, if the last call was a [`read_rune`](Reader::read_rune) that read one.
    ///
    /// # Errors
    ///
    /// [`Error::NoRuneToUnread`].
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new("é".as_bytes());
    /// assert_eq!(reader.read_rune()?, Some(('é', 2)));
    /// reader.unread_rune()?;
    /// assert_eq!(reader.buffer(), "é".as_bytes());
    /// assert!(reader.unread_rune().is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn unread_rune(&mut self) -> io::Result<()> {
        let Last::Rune(bytes, width) = self.last else { return Err(Error::NoRuneToUnread.into()) };
        self.last = Last::Nothing;
        self.buffer.unread(&bytes[..width]);
        Ok(())
    }

    /// Writes everything up to the end to `writer`, out of the one buffer, and says how many bytes that were.
    ///
    /// # Errors
    ///
    /// The source's or the writer's, with the number of bytes that the writer had taken. What it had not taken is still
    /// here. [`WriteZero`](ErrorKind::WriteZero) if the writer takes nothing.
    ///
    /// # Blocking
    ///
    /// As the source and the writer.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut out = Vec::new();
    /// assert_eq!(Reader::new(&b"hello"[..]).write_to(&mut out)?, 5);
    /// assert_eq!(out, b"hello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_to<W: Write + ?Sized>(&mut self, writer: &mut W) -> Result<u64, Partial> {
        self.last = Last::Nothing;
        let (mut moved, mut retries) = (0, Retries::default());
        loop {
            while !self.buffer.is_empty() {
                let had = self.buffer.len();
                match writer.write(self.buffer.bytes()).and_then(|count| checked(count, had)) {
                    Ok(0) => return Err(Partial { moved, error: ErrorKind::WriteZero.into() }),
                    Ok(count) => {
                        self.buffer.consume(count);
                        moved += count as u64;
                        retries.reset();
                    }
                    Err(error) => retries.again(error).map_err(|error| Partial { moved, error })?,
                }
            }
            match self.fill_whole() {
                Ok(0) => return Ok(moved),
                Ok(_) => {}
                Err(error) => return Err(Partial { moved, error }),
            }
        }
    }
}

impl<R: Read> ByteScanner for Reader<R> {
    fn unread_byte(&mut self) -> io::Result<()> {
        Reader::unread_byte(self)
    }
}

impl<R: Read> RuneReader for Reader<R> {
    fn read_rune(&mut self) -> io::Result<Option<(char, usize)>> {
        Reader::read_rune(self)
    }
}

impl<R: Read> RuneScanner for Reader<R> {
    fn unread_rune(&mut self) -> io::Result<()> {
        Reader::unread_rune(self)
    }
}
