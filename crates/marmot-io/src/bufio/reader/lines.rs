//! Reading up to a delimiter: lent from the buffer, or copied.

use std::io::{self, BufRead, ErrorKind, Read};

use memchr::memchr;

use super::{Last, Reader};
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
