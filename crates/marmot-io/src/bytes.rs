//! Reading and writing byte by byte.
//!
//! Go asks for a reader with a method `ReadByte` wherever it goes byte by byte, so as not to make a call into the system
//! for each. Here that is what [`BufRead`] says, so every `BufRead` is a [`ByteReader`]; and every [`Write`] is a
//! [`ByteWriter`]. [`ByteScanner`] is what not all of them can do.

use std::io::{self, BufRead, Cursor, ErrorKind, Write};

use crate::checked::Retries;
use crate::write_full;

/// Reads byte by byte: Go's `ByteReader`.
///
/// # Examples
///
/// ```
/// use marmot_io::ByteReader;
///
/// let mut reader = &b"ab"[..];
/// assert_eq!(reader.read_byte()?, Some(b'a'));
/// assert_eq!(reader.read_byte()?, Some(b'b'));
/// assert_eq!(reader.read_byte()?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ByteReader {
    /// The next byte, or `None` at the end.
    ///
    /// # Errors
    ///
    /// The reader's; then no byte is lost. An [`Interrupted`](ErrorKind::Interrupted) read is made again.
    ///
    /// # Blocking
    ///
    /// As the reader.
    fn read_byte(&mut self) -> io::Result<Option<u8>>;
}

impl<R: BufRead + ?Sized> ByteReader for R {
    fn read_byte(&mut self) -> io::Result<Option<u8>> {
        let mut retries = Retries::default();
        let byte = loop {
            match self.fill_buf() {
                Ok(bytes) => break bytes.first().copied(),
                Err(error) => retries.again(error)?,
            }
        };
        if byte.is_some() {
            self.consume(1);
        }
        Ok(byte)
    }
}

/// Reads byte by byte, and takes the last one back: Go's `ByteScanner`.
///
/// Every [`BufRead`] becomes one in an [`Unread`](crate::Unread). A [`Cursor`] is one as it is.
///
/// # Examples
///
/// ```
/// use std::io::Cursor;
/// use marmot_io::{ByteReader, ByteScanner};
///
/// let mut reader = Cursor::new("12+");
/// let mut number = 0;
/// while let Some(byte) = reader.read_byte()? {
///     if !byte.is_ascii_digit() {
///         reader.unread_byte()?;
///         break;
///     }
///     number = number * 10 + u32::from(byte - b'0');
/// }
/// assert_eq!((number, reader.read_byte()?), (12, Some(b'+')));
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ByteScanner: ByteReader {
    /// Takes the last byte back: the next read finds it again.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if there is none to take back. An [`Unread`](crate::Unread) has one
    /// after any read that returned something; a [`Cursor`] has one at any position but the first.
    fn unread_byte(&mut self) -> io::Result<()>;
}

/// The error of taking back what is not there.
pub(crate) fn nothing_to_unread() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "there is nothing to take back: read it first")
}

impl<T: AsRef<[u8]>> ByteScanner for Cursor<T> {
    fn unread_byte(&mut self) -> io::Result<()> {
        let before = self.position().checked_sub(1).ok_or_else(nothing_to_unread)?;
        self.set_position(before);
        Ok(())
    }
}

/// Writes byte by byte: Go's `ByteWriter`.
///
/// # Examples
///
/// ```
/// use marmot_io::ByteWriter;
///
/// let mut out = Vec::new();
/// out.write_byte(b'x')?;
/// assert_eq!(out, b"x");
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ByteWriter {
    /// Writes one byte.
    ///
    /// # Errors
    ///
    /// The writer's; [`WriteZero`](ErrorKind::WriteZero) if it does not take it. An
    /// [`Interrupted`](ErrorKind::Interrupted) write is made again.
    ///
    /// # Blocking
    ///
    /// As the writer.
    fn write_byte(&mut self, byte: u8) -> io::Result<()>;
}

impl<W: Write + ?Sized> ByteWriter for W {
    fn write_byte(&mut self, byte: u8) -> io::Result<()> {
        write_full(self, &[byte])?;
        Ok(())
    }
}
