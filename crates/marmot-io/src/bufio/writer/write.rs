//! Bytes, characters, texts and whole readers; and how the buffer is written out.

use std::io::{self, ErrorKind, Read, Write};

use super::{OWNED, Writer};
use crate::Partial;
use crate::checked::{Retries, checked};

impl<W: Write> Writer<W> {
    /// Writes a byte.
    ///
    /// # Errors
    ///
    /// The inner writer's; then the byte was not accepted.
    ///
    /// # Blocking
    ///
    /// As the inner writer, if the buffer is full.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_byte(b'x')?;
    /// assert_eq!(writer.into_inner()?, b"x");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_byte(&mut self, byte: u8) -> io::Result<()> {
        self.collect(&[byte])
    }

    /// Writes a character, whole or not at all, and says how many bytes it has.
    ///
    /// # Errors
    ///
    /// The inner writer's; then no part of it was accepted.
    ///
    /// # Blocking
    ///
    /// As the inner writer, if the buffer has no room for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// assert_eq!(writer.write_rune('é')?, 2);
    /// assert_eq!(writer.into_inner()?, "é".as_bytes());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_rune(&mut self, rune: char) -> io::Result<usize> {
        let mut bytes = [0; 4];
        let bytes = rune.encode_utf8(&mut bytes).as_bytes();
        self.collect(bytes)?;
        Ok(bytes.len())
    }

    /// Writes a text.
    ///
    /// # Errors
    ///
    /// The inner writer's, with the number of bytes that had been accepted.
    ///
    /// # Blocking
    ///
    /// As the inner writer, if the buffer has no room for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_string("hello")?;
    /// assert_eq!(writer.into_inner()?, b"hello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_string(&mut self, text: &str) -> Result<(), Partial> {
        self.write_counted(text.as_bytes())
    }

    /// Reads everything up to the end of `reader` into the buffer, writes it out as often as that is full, and says how
    /// many bytes there were. The last of them are still in the buffer afterwards, as after any write.
    ///
    /// # Errors
    ///
    /// The reader's or the inner writer's, with the number of bytes that had been read: all of them were accepted.
    ///
    /// # Blocking
    ///
    /// As the reader and the inner writer.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_string("hello")?;
    /// assert_eq!(writer.read_from(&mut &b" world"[..])?, 6);
    /// assert_eq!(writer.into_inner()?, b"hello world");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_from<R: Read + ?Sized>(&mut self, reader: &mut R) -> Result<u64, Partial> {
        let (mut moved, mut retries) = (0, Retries::default());
        loop {
            if self.available() == 0
                && let Err(error) = self.flush_buffer()
            {
                return Err(Partial { moved, error });
            }
            match self.buffer.fill(|spare| reader.read(spare)) {
                Ok(0) => return Ok(moved),
                Ok(count) => {
                    moved += count as u64;
                    retries.reset();
                }
                Err(error) => retries.again(error).map_err(|error| Partial { moved, error })?,
            }
        }
    }

    /// Writes all of `bytes`, or says how many of them were accepted.
    #[inline]
    pub(super) fn write_counted(&mut self, bytes: &[u8]) -> Result<(), Partial> {
        if self.is_small(bytes) {
            self.buffer.put(bytes);
            return Ok(());
        }
        self.write_large(bytes)
    }

    /// Whether `bytes` go into the buffer as it is.
    #[inline]
    pub(super) fn is_small(&self, bytes: &[u8]) -> bool {
        !bytes.is_empty() && bytes.len() <= self.buffer.room() && bytes.len() < self.buffer.capacity()
    }

    fn write_large(&mut self, bytes: &[u8]) -> Result<(), Partial> {
        let (mut rest, mut retries) = (bytes, Retries::default());
        let moved = |rest: &[u8]| (bytes.len() - rest.len()) as u64;
        while !rest.is_empty() {
            match self.write(rest).and_then(|count| checked(count, rest.len())) {
                Ok(0) => return Err(Partial { moved: moved(rest), error: ErrorKind::WriteZero.into() }),
                Ok(count) => {
                    rest = &rest[count..];
                    retries.reset();
                }
                Err(error) => retries.again(error).map_err(|error| Partial { moved: moved(rest), error })?,
            }
        }
        Ok(())
    }

    /// Puts a few bytes into the buffer, all or none.
    fn collect(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.available() {
            self.flush_buffer()?;
        }
        self.buffer.put(bytes);
        Ok(())
    }

    /// Writes everything that is in the buffer.
    pub(super) fn flush_buffer(&mut self) -> io::Result<()> {
        while !self.buffer.is_empty() {
            self.send(|inner, bytes| inner.write(bytes).and_then(|count| checked(count, bytes.len())))?;
        }
        Ok(())
    }

    /// Has the inner writer take of the buffer's bytes, of which there are some. If `write` says that more were taken
    /// than there are, returns how many those are: they come from elsewhere.
    pub(super) fn send(&mut self, write: impl FnOnce(&mut W, &[u8]) -> io::Result<usize>) -> io::Result<usize> {
        let inner = self.inner.as_mut().expect(OWNED);
        self.panicked = true;
        let result = write(inner, self.buffer.bytes());
        self.panicked = false;
        match result {
            Ok(0) => Err(io::Error::new(ErrorKind::WriteZero, "the writer took none of the buffered bytes")),
            Ok(count) => {
                let had = self.buffered();
                self.buffer.consume(count.min(had));
                self.retries.reset();
                Ok(count.saturating_sub(had))
            }
            Err(error) => self.retries.again(error).map(|()| 0),
        }
    }

    /// Calls the inner writer while the buffer is empty.
    pub(super) fn pass<T>(&mut self, call: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        let inner = self.inner.as_mut().expect(OWNED);
        self.panicked = true;
        let result = call(inner);
        self.panicked = false;
        result
    }
}
