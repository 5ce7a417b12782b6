//! The split functions that are there: lines, words, characters, bytes.

use std::io;

use memchr::memchr;

use super::{Split, Step};
use crate::utf8::{First, first};

/// Lines without their ends, `\n` or `\r\n`: Go's `ScanLines`, and what a [`Scanner`](super::Scanner) does unless told
/// otherwise. The last line needs no end.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{Lines, Scanner};
///
/// let scanner = Scanner::new(&b"one\r\n\ntwo"[..]).split(Lines::new());
/// assert_eq!(scanner.texts().collect::<Result<Vec<_>, _>>()?, ["one", "", "two"]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// How many bytes have been searched without finding an end.
    searched: usize,
}

impl Lines {
    /// At the beginning of a line.
    pub fn new() -> Lines {
        Lines::default()
    }
}

impl Split for Lines {
    fn split<'a>(&mut self, data: &'a [u8], at_end: bool) -> io::Result<Step<'a>> {
        let searched = self.searched.min(data.len());
        let (line, advance) = match memchr(b'\n', &data[searched..]) {
            Some(at) => (&data[..searched + at], searched + at + 1),
            None if at_end && !data.is_empty() => (data, data.len()),
            None => {
                self.searched = data.len();
                return Ok(Step::More);
            }
        };
        self.searched = 0;
        Ok(Step::Token { advance, token: line.strip_suffix(b"\r").unwrap_or(line) })
    }
}

/// Words, which are what stands between [white space](char::is_whitespace): Go's `ScanWords`. None is empty.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{Scanner, Words};
///
/// let scanner = Scanner::new("  one\ttwo\u{2003}three\n".as_bytes()).split(Words::new());
/// assert_eq!(scanner.texts().collect::<Result<Vec<_>, _>>()?, ["one", "two", "three"]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// How many bytes are known to belong to a word.
    searched: usize,
}

impl Words {
    /// Between two words.
    pub fn new() -> Words {
        Words::default()
    }
}

impl Split for Words {
    fn split<'a>(&mut self, data: &'a [u8], at_end: bool) -> io::Result<Step<'a>> {
        let mut at = self.searched.min(data.len());
        let mut start = 0;
        while at < data.len() {
            let (is_space, width) = match first(&data[at..]) {
                First::Char(c, width) => (c.is_whitespace(), width),
                First::Part if !at_end => break,
                First::Part | First::Invalid => (false, 1),
            };
            if is_space && at > start {
                self.searched = 0;
                return Ok(Step::Token { advance: at + width, token: &data[start..at] });
            }
            at += width;
            if is_space {
                start = at;
            }
        }
        if at_end && at > start {
            self.searched = 0;
            return Ok(Step::Token { advance: at, token: &data[start..at] });
        }
        self.searched = at - start;
        Ok(Step::Skip(start))
    }
}

/// Characters, with U+FFFD for each byte that belongs to none: Go's `ScanRunes`.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{Runes, Scanner};
///
/// let scanner = Scanner::new(&b"a\xc3\xa9\xff"[..]).split(Runes);
/// assert_eq!(scanner.texts().collect::<Result<Vec<_>, _>>()?, ["a", "é", "\u{fffd}"]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Runes;

impl Split for Runes {
    fn split<'a>(&mut self, data: &'a [u8], at_end: bool) -> io::Result<Step<'a>> {
        Ok(match first(data) {
            First::Char(_, advance) => Step::Token { advance, token: &data[..advance] },
            First::Part if data.is_empty() || !at_end => Step::More,
            First::Part | First::Invalid => Step::Token { advance: 1, token: "\u{fffd}".as_bytes() },
        })
    }
}

/// Bytes, one by one: Go's `ScanBytes`.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{Bytes, Scanner};
///
/// let scanner = Scanner::new(&b"ab"[..]).split(Bytes);
/// assert_eq!(scanner.texts().collect::<Result<Vec<_>, _>>()?, ["a", "b"]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Bytes;

impl Split for Bytes {
    fn split<'a>(&mut self, data: &'a [u8], _: bool) -> io::Result<Step<'a>> {
        Ok(match data {
            [] => Step::More,
            data => Step::Token { advance: 1, token: &data[..1] },
        })
    }
}
