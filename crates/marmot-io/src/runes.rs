//! Reading and writing character by character, in UTF-8.
//!
//! Go's rune is a [`char`]. What is not UTF-8 is read as Go does: each byte that begins no character is U+FFFD with a width
//! of one byte, so that widths always add up to what was read, and `(char::REPLACEMENT_CHARACTER, 1)` tells an error from
//! a U+FFFD that stands in the text, whose width is 3.

use std::io::{self, BufRead, Cursor, Write};

use crate::bytes::nothing_to_unread;
use crate::utf8::{self, MAX_WIDTH};

/// Reads character by character: Go's `RuneReader`.
///
/// Every [`BufRead`] becomes one in an [`Unread`](crate::Unread), which keeps the beginning of a character whose end is
/// still to come. A [`Cursor`] and a slice of bytes are one as they are.
///
/// # Examples
///
/// ```
/// use marmot_io::RuneReader;
///
/// let mut reader = &b"\xc3\xa9\xff!"[..];
/// assert_eq!(reader.read_rune()?, Some(('é', 2)));
/// assert_eq!(reader.read_rune()?, Some((char::REPLACEMENT_CHARACTER, 1)));
/// assert_eq!(reader.read_rune()?, Some(('!', 1)));
/// assert_eq!(reader.read_rune()?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait RuneReader {
    /// The next character and its width in bytes, or `None` at the end. What is not UTF-8 is U+FFFD with a width of 1.
    ///
    /// # Errors
    ///
    /// The reader's; then no byte is lost. An [`Interrupted`](io::ErrorKind::Interrupted) read is made again.
    ///
    /// # Blocking
    ///
    /// As the reader.
    fn read_rune(&mut self) -> io::Result<Option<(char, usize)>>;
}

/// Reads character by character, and takes the last one back: Go's `RuneScanner`.
///
/// # Examples
///
/// ```
/// use std::io::BufReader;
/// use marmot_io::{RuneReader, RuneScanner, Unread};
///
/// let mut reader = Unread::new(BufReader::new(&b"\xc3\xa9t\xc3\xa9"[..]));
/// assert_eq!(reader.read_rune()?, Some(('é', 2)));
/// reader.unread_rune()?;
/// assert_eq!(reader.read_rune()?, Some(('é', 2)));
/// assert_eq!(reader.read_rune()?, Some(('t', 1)));
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait RuneScanner: RuneReader {
    /// Takes the last character back: the next read finds it again.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if there is none to take back. An [`Unread`](crate::Unread) has one
    /// directly after [`read_rune`](RuneReader::read_rune) has returned one; a [`Cursor`] has one at any position but the
    /// first.
    fn unread_rune(&mut self) -> io::Result<()>;
}

/// Writes character by character: Go's `WriteRune`, as its buffered writers have it.
///
/// # Examples
///
/// ```
/// use marmot_io::RuneWriter;
///
/// let mut out = Vec::new();
/// assert_eq!(out.write_rune('é')?, 2);
/// assert_eq!(out, "é".as_bytes());
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait RuneWriter {
    /// Writes one character, and says how many bytes that were.
    ///
    /// # Errors
    ///
    /// The writer's; [`WriteZero`](io::ErrorKind::WriteZero) if it does not take all of it. An
    /// [`Interrupted`](io::ErrorKind::Interrupted) write is made again.
    ///
    /// # Blocking
    ///
    /// As the writer.
    fn write_rune(&mut self, rune: char) -> io::Result<usize>;
}

impl<W: Write + ?Sized> RuneWriter for W {
    fn write_rune(&mut self, rune: char) -> io::Result<usize> {
        Ok(crate::write_string(self, rune.encode_utf8(&mut [0; MAX_WIDTH]))?)
    }
}

/// Reads from all the bytes that there will ever be.
fn read_from_all<R: BufRead>(reader: &mut R) -> io::Result<Option<(char, usize)>> {
    let Some((rune, width)) = utf8::first_of_all(reader.fill_buf()?) else { return Ok(None) };
    reader.consume(width);
    Ok(Some((rune, width)))
}

impl RuneReader for &[u8] {
    fn read_rune(&mut self) -> io::Result<Option<(char, usize)>> {
        read_from_all(self)
    }
}

impl<T: AsRef<[u8]>> RuneReader for Cursor<T> {
    fn read_rune(&mut self) -> io::Result<Option<(char, usize)>> {
        read_from_all(self)
    }
}

impl<T: AsRef<[u8]>> RuneScanner for Cursor<T> {
    fn unread_rune(&mut self) -> io::Result<()> {
        let position = self.position();
        let bytes = self.get_ref().as_ref();
        let read = usize::try_from(position).ok().and_then(|position| bytes.get(..position)).unwrap_or(bytes);
        // The longest of the last bytes that are one character, or else the last byte.
        let widths = (1..=read.len().min(MAX_WIDTH)).rev();
        let is_last =
            |&width: &usize| matches!(utf8::first_of_all(&read[read.len() - width..]), Some((_, w)) if w == width);
        let width = widths.into_iter().find(is_last).ok_or_else(nothing_to_unread)?;
        self.set_position((read.len() - width) as u64);
        Ok(())
    }
}
