//! The reads that Go's `bufio.Reader` has and [`Read`] and [`BufRead`] lack.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use memchr::memchr;

use super::{Last, Reader};
use crate::Partial;
use crate::bufio::buffer::checked;
use crate::bufio::utf8::{First, first};
use crate::bufio::{Error, Short};

/// A line, or as much of it as the buffer holds: what [`Reader::read_line_part`] returns.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{LinePart, Reader};
///
/// let mut reader = Reader::with_capacity(16, &b"sixteen bytes, and then some\n"[..]);
/// assert_eq!(reader.read_line_part()?, Some(LinePart { bytes: b"sixteen bytes, a", is_prefix: true }));
/// assert_eq!(reader.read_line_part()?, Some(LinePart { bytes: b"nd then some", is_prefix: false }));
/// assert_eq!(reader.read_line_part()?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinePart<'a> {
    /// The line's bytes, without its end.
    pub bytes: &'a [u8],
    /// Whether the line goes on: the next call returns more of it.
    pub is_prefix: bool,
}

/// Where a search for a delimiter ended.
enum Search {
    /// The delimiter is the last of so many bytes.
    Found(usize),
    /// The source has ended after so many bytes.
    End(usize),
    /// The buffer is full.
    Full,
}

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

    /// Reads up to and including the first `delim`, and lends the bytes from the buffer; without it only at the end, and
    /// nothing after that.
    ///
    /// # Errors
    ///
    /// The source's; [`Error::BufferFull`] if there is no `delim` within the [`capacity`](Reader::capacity). Both take
    /// nothing out: the bytes are in the [`buffer`](Reader::buffer), and after an error of the source the call can be
    /// repeated.
    ///
    /// # Blocking
    ///
    /// As the source, until a `delim` comes.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"one;two"[..]);
    /// assert_eq!(reader.read_slice(b';')?, b"one;");
    /// assert_eq!(reader.read_slice(b';')?, b"two");
    /// assert_eq!(reader.read_slice(b';')?, b"");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_slice(&mut self, delim: u8) -> io::Result<&[u8]> {
        match self.search(delim)? {
            Search::Found(count) | Search::End(count) => Ok(self.take(count)),
            Search::Full => Err(Error::BufferFull { capacity: self.capacity() }.into()),
        }
    }

    /// Reads a line without its end, `\n` or `\r\n`, and lends it from the buffer; a line that is longer than the buffer
    /// comes in parts. `None` is the end. Whether the last line had an end cannot be told.
    ///
    /// [`BufRead::read_line`] copies the line, and so has no limit; a [`Scanner`](crate::bufio::Scanner) has one that
    /// can be set.
    ///
    /// # Errors
    ///
    /// The source's. They take nothing out: the call can be repeated.
    ///
    /// # Blocking
    ///
    /// As the source, until the line ends or the buffer is full.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"one\r\ntwo"[..]);
    /// let mut lines = Vec::new();
    /// while let Some(part) = reader.read_line_part()? {
    ///     assert!(!part.is_prefix);
    ///     lines.push(part.bytes.to_vec());
    /// }
    /// assert_eq!(lines, [b"one", b"two"]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_line_part(&mut self) -> io::Result<Option<LinePart<'_>>> {
        let (count, is_prefix) = match self.search(b'\n')? {
            Search::Found(count) | Search::End(count) => (count, false),
            // A `\r` at the end may belong to the line's end: it is for the next call to find out.
            Search::Full => (self.buffered() - usize::from(self.buffer().ends_with(b"\r")), true),
        };
        let bytes = self.take(count);
        if bytes.is_empty() {
            return Ok(None);
        }
        let line = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        Ok(Some(LinePart { bytes: line.unwrap_or(bytes), is_prefix }))
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

    /// Reads up to and including the first `delim`, into a vector of its own; without it only at the end.
    ///
    /// There is no limit: from a peer that is not trusted, [take](Read::take) a limited number of bytes or use a
    /// [`Scanner`](crate::bufio::Scanner). [`BufRead::read_until`] reads into a vector that is there already.
    ///
    /// # Errors
    ///
    /// The source's, with what had been read.
    ///
    /// # Blocking
    ///
    /// As the source, until a `delim` comes.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"one;two"[..]);
    /// assert_eq!(reader.read_bytes(b';')?, b"one;");
    /// assert_eq!(reader.read_bytes(b';')?, b"two");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_bytes(&mut self, delim: u8) -> Result<Vec<u8>, Short> {
        let mut read = Vec::new();
        match self.read_until(delim, &mut read) {
            Ok(_) => Ok(read),
            Err(error) => Err(Short { read, error }),
        }
    }

    /// As [`read_bytes`](Reader::read_bytes), as text.
    ///
    /// # Errors
    ///
    /// The source's, with what had been read; [`InvalidData`](ErrorKind::InvalidData), with the bytes, if they are no
    /// UTF-8.
    ///
    /// # Blocking
    ///
    /// As the source, until a `delim` comes.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"name = value"[..]);
    /// assert_eq!(reader.read_string(b'=')?, "name =");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_string(&mut self, delim: u8) -> Result<String, Short> {
        String::from_utf8(self.read_bytes(delim)?).map_err(|error| {
            let reason = error.utf8_error();
            Short { read: error.into_bytes(), error: io::Error::new(ErrorKind::InvalidData, reason) }
        })
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
        let mut moved = 0;
        loop {
            while !self.buffer.is_empty() {
                let had = self.buffer.len();
                match writer.write(self.buffer.bytes()).and_then(|count| checked(count, had)) {
                    Ok(0) => return Err(Partial { moved, error: ErrorKind::WriteZero.into() }),
                    Ok(count) => {
                        self.buffer.consume(count);
                        moved += count as u64;
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(Partial { moved, error }),
                }
            }
            match self.fill_whole() {
                Ok(0) => return Ok(moved),
                Ok(_) => {}
                Err(error) => return Err(Partial { moved, error }),
            }
        }
    }

    /// Looks for `delim`, at each byte once.
    fn search(&mut self, delim: u8) -> io::Result<Search> {
        let mut searched = 0;
        loop {
            let bytes = self.buffer.bytes();
            if let Some(at) = memchr(delim, &bytes[searched..]) {
                return Ok(Search::Found(searched + at + 1));
            }
            searched = bytes.len();
            if self.buffer.room() == 0 {
                return Ok(Search::Full);
            }
            if self.fill_whole()? == 0 {
                return Ok(Search::End(searched));
            }
        }
    }

    /// Lends `count` bytes; the buffer is kept for them until the next call.
    fn take(&mut self, count: usize) -> &[u8] {
        let bytes = self.buffer.take(count);
        if let Some(&byte) = bytes.last() {
            self.last = Last::Byte(byte);
        }
        bytes
    }
}
