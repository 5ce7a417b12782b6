//! `Unread`: a reader that takes back the last byte or character that was read.

use std::io::{self, BufRead, Read};

use crate::bytes::nothing_to_unread;
use crate::checked::{CheckedReader, checked};
use crate::utf8::{self, First, MAX_WIDTH};
use crate::{ByteReader, ByteScanner, Partial, RuneReader, RuneScanner, read_full};

/// Makes a [`ByteScanner`] and a [`RuneScanner`] of any [`BufRead`].
///
/// A byte can be taken back after any read, a character directly after it was read. For that it keeps up to four bytes:
/// those of the last character, or the beginning of one whose other bytes have not come yet.
///
/// # Errors
///
/// The reader's. No byte is lost by one, also in the middle of a character.
///
/// # Blocking
///
/// As the reader.
///
/// # Examples
///
/// ```
/// use marmot_io::{RuneReader, RuneScanner, Unread};
///
/// /// Takes the letters that come next.
/// fn word(reader: &mut (impl RuneScanner + ?Sized)) -> std::io::Result<String> {
///     let mut word = String::new();
///     while let Some((rune, _)) = reader.read_rune()? {
///         if !rune.is_alphabetic() {
///             reader.unread_rune()?;
///             break;
///         }
///         word.push(rune);
///     }
///     Ok(word)
/// }
///
/// let mut reader = Unread::new("größe=3".as_bytes());
/// assert_eq!(word(&mut reader)?, "größe");
/// assert_eq!(reader.read_rune()?, Some(('=', 1)));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Unread<R> {
    reader: R,
    /// Bytes that have been taken from the reader: the first `passed` have been read by the caller, the others, up to
    /// `held`, are to be read before what the reader has.
    bytes: [u8; MAX_WIDTH],
    passed: usize,
    held: usize,
    /// Whether the bytes that have been passed are a character, the last that was read.
    is_rune: bool,
    /// How many bytes of the reader's buffer the caller has been shown and has not consumed.
    shown: usize,
}

impl<R: BufRead> Unread<R> {
    /// Reads from `reader`.
    pub fn new(reader: R) -> Unread<R> {
        Unread { reader, bytes: [0; MAX_WIDTH], passed: 0, held: 0, is_rune: false, shown: 0 }
    }
}

impl<R> Unread<R> {
    /// The reader. Bytes that were taken back, or that begin a character, have been taken from it.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// The bytes that come first, for they were taken back or begin a character, and the reader with those after them.
    pub fn into_parts(self) -> (Vec<u8>, R) {
        (self.ahead().to_vec(), self.reader)
    }

    /// The bytes that come before the reader's.
    fn ahead(&self) -> &[u8] {
        &self.bytes[self.passed..self.held]
    }

    /// Forgets the bytes that have been passed.
    fn forget(&mut self) {
        self.bytes.copy_within(self.passed..self.held, 0);
        self.held -= self.passed;
        self.passed = 0;
        self.is_rune = false;
    }

    /// Passes the first `count` of the bytes ahead.
    fn pass(&mut self, count: usize) {
        assert!(count <= self.held - self.passed, "{CONSUMES}");
        self.passed += count;
        self.is_rune = false;
    }

    /// Remembers the last byte of what was read from the reader itself.
    fn remember(&mut self, last: u8) {
        self.bytes[0] = last;
        (self.passed, self.held, self.is_rune) = (1, 1, false);
    }
}

/// What a caller of `consume` promises.
const CONSUMES: &str = "no more is consumed than is in the buffer";

impl<R: BufRead> Read for Unread<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut ahead = self.ahead();
        if !ahead.is_empty() {
            let count = ahead.read(buf)?;
            self.pass(count);
            return Ok(count);
        }
        let count = checked(self.reader.read(buf)?, buf.len())?;
        if let Some(&last) = buf[..count].last() {
            self.remember(last);
        }
        Ok(count)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        CheckedReader::new(self).read_to_end(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<R: BufRead> BufRead for Unread<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.passed < self.held {
            return Ok(&self.bytes[self.passed..self.held]);
        }
        let buffer = self.reader.fill_buf()?;
        self.shown = buffer.len();
        Ok(buffer)
    }

    fn consume(&mut self, count: usize) {
        if self.passed < self.held || count == 0 {
            return self.pass(count);
        }
        self.shown = self.shown.checked_sub(count).expect(CONSUMES);
        // The buffer is not empty, for there is something to consume; so this reads nothing. A reader that shows less than
        // it did has no last byte to take back.
        match self.reader.fill_buf().ok().and_then(|buffer| buffer.get(count - 1).copied()) {
            Some(last) => self.remember(last),
            None => self.forget(),
        }
        self.reader.consume(count);
    }
}

impl<R: BufRead> ByteScanner for Unread<R> {
    fn unread_byte(&mut self) -> io::Result<()> {
        self.passed = self.passed.checked_sub(1).ok_or_else(nothing_to_unread)?;
        self.is_rune = false;
        Ok(())
    }
}

impl<R: BufRead> RuneReader for Unread<R> {
    fn read_rune(&mut self) -> io::Result<Option<(char, usize)>> {
        self.forget();
        while utf8::first(self.ahead()) == First::Part {
            let Some(byte) = self.reader.read_byte()? else { break };
            // Four bytes are always a character or broken, so there is room.
            self.bytes[self.held] = byte;
            self.held += 1;
        }
        let Some((rune, width)) = utf8::first_of_all(self.ahead()) else { return Ok(None) };
        self.pass(width);
        self.is_rune = true;
        Ok(Some((rune, width)))
    }
}

impl<R: BufRead> RuneScanner for Unread<R> {
    fn unread_rune(&mut self) -> io::Result<()> {
        if !self.is_rune {
            return Err(nothing_to_unread());
        }
        (self.passed, self.is_rune) = (0, false);
        Ok(())
    }
}
