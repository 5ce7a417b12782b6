//! `Scanner`: the tokens of a source, one at a time, out of a buffer that grows up to a limit.

mod scan;
mod split;
mod splits;
mod tokens;

pub use split::{Split, SplitFn, Step, split_fn};
pub use splits::{Bytes, Lines, Runes, Words};
pub use tokens::{Texts, Tokens};

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use super::buffer::Buffer;
use crate::WaitReadable;

/// How many bytes a token may have at most, with its delimiter, unless [`Scanner::max_token_size`] says otherwise.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{Error, MAX_TOKEN_SIZE, Scanner};
///
/// let mut scanner = Scanner::new(std::io::repeat(b'x'));
/// let error = scanner.scan().unwrap_err();
/// assert_eq!(Error::of(&error), Some(&Error::TokenTooLong { limit: MAX_TOKEN_SIZE }));
/// ```
pub const MAX_TOKEN_SIZE: usize = 64 * 1024;

/// The size of the first buffer.
const FIRST: usize = 4 * 1024;

/// Cuts what a source yields into tokens: Go's `bufio.Scanner`.
///
/// The tokens are lines unless [`split`](Scanner::split) says otherwise. [`scan`](Scanner::scan) lends each of them from
/// the buffer, without allocating; [`tokens`](Scanner::tokens) and [`texts`](Scanner::texts) are iterators of owned ones.
/// The buffer is borrowed from the thread when bytes come and goes back at the first call after the last token in it; a
/// scanner that is [`waiting`](Scanner::waiting) holds none while its source has nothing.
///
/// When the source ends or fails, the split function cuts what is left: the last line needs no end. Then the error, if it
/// was one, is returned once, and from there on there are no more tokens. A source that fails in the middle of a line thus
/// yields a part of it before the error: to go on after an error without cutting, use a [`Reader`](super::Reader).
///
/// # Errors
///
/// The source's, except [`Interrupted`](ErrorKind::Interrupted), which is tried again; the split function's; and
/// [`Error::TokenTooLong`](super::Error::TokenTooLong),
/// [`Error::AdvanceTooFar`](super::Error::AdvanceTooFar), [`Error::NoProgress`](super::Error::NoProgress).
///
/// # Blocking
///
/// As the source.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::Scanner;
///
/// let mut scanner = Scanner::new(&b"one\r\ntwo\nthree"[..]);
/// let mut lines = Vec::new();
/// while let Some(line) = scanner.scan()? {
///     lines.push(line.to_vec());
/// }
/// assert_eq!(lines, [&b"one"[..], b"two", b"three"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Scanner<R, S = Lines> {
    inner: R,
    split: S,
    buffer: Buffer,
    /// The size of a buffer that is taken anew.
    first: usize,
    limit: usize,
    token: Place,
    /// A token that the split function did not take from the buffer.
    own: Vec<u8>,
    state: State,
    /// How many tokens have been found at this place.
    at_one_place: usize,
    /// Waits for the source before a buffer is taken.
    wait: Option<fn(&R) -> io::Result<()>>,
}

/// Where the token is.
enum Place {
    Nowhere,
    Buffer(Range<usize>),
    Own,
}

/// How far the source is.
enum State {
    Reading,
    /// It has ended, or failed, and what it left is being cut.
    Ended(io::Result<()>),
    /// There are no more tokens. How the source ended may still have to be told.
    Over(io::Result<()>),
}

impl<R> Scanner<R> {
    /// A scanner for the lines of `inner`.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let mut scanner = Scanner::new(&b"one\ntwo\n"[..]);
    /// assert_eq!(scanner.scan()?, Some(&b"one"[..]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(inner: R) -> Scanner<R> {
        Scanner {
            inner,
            split: Lines::new(),
            buffer: Buffer::new(FIRST),
            first: FIRST,
            limit: MAX_TOKEN_SIZE,
            token: Place::Nowhere,
            own: Vec::new(),
            state: State::Reading,
            at_one_place: 0,
            wait: None,
        }
    }
}

impl<R, S> Scanner<R, S> {
    /// Has `split` cut the tokens. Called in the middle, that begins behind the last token.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::{Scanner, Words};
    ///
    /// let mut scanner = Scanner::new(&b"# a title\na few words"[..]);
    /// assert_eq!(scanner.scan()?, Some(&b"# a title"[..]));
    /// let words: Result<Vec<String>, _> = scanner.split(Words::new()).texts().collect();
    /// assert_eq!(words?, ["a", "few", "words"]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn split<T: Split>(self, split: T) -> Scanner<R, T> {
        Scanner {
            inner: self.inner,
            split,
            buffer: self.buffer,
            first: self.first,
            limit: self.limit,
            token: self.token,
            own: self.own,
            state: self.state,
            at_one_place: 0,
            wait: self.wait,
        }
    }

    /// Sets how many bytes a token may have, with its delimiter: 16 at least. The last token, if it has no delimiter, has
    /// to be smaller.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let text = vec![b'x'; 1_000_000];
    /// let mut scanner = Scanner::new(&text[..]).max_token_size(2_000_000);
    /// assert_eq!(scanner.scan()?.map(<[u8]>::len), Some(1_000_000));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn max_token_size(mut self, bytes: usize) -> Scanner<R, S> {
        self.limit = Buffer::new(bytes).capacity();
        self.shape();
        self
    }

    /// Sets the size of the buffer to begin with, 4 KiB otherwise. It grows as tokens need it, and is of this size again
    /// when it has been given back in between.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// // One read for all of these.
    /// let text = "a line\n".repeat(1000);
    /// let mut scanner = Scanner::new(text.as_bytes()).initial_capacity(8 * 1024);
    /// assert_eq!(scanner.scan()?, Some(&b"a line"[..]));
    /// assert_eq!(scanner.buffered(), 999 * 7);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn initial_capacity(mut self, bytes: usize) -> Scanner<R, S> {
        self.first = bytes;
        self.shape();
        self
    }

    /// Makes it wait until the source is readable before it takes a buffer, so that an idle connection holds none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{self, Read};
    /// use marmot_io::WaitReadable;
    /// use marmot_io::bufio::Scanner;
    ///
    /// struct Connection;
    ///
    /// impl Read for Connection {
    ///     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
    ///         buf[..2].copy_from_slice(b"x\n");
    ///         Ok(2)
    ///     }
    /// }
    ///
    /// impl WaitReadable for Connection {
    ///     fn wait_readable(&self) -> io::Result<()> {
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let mut scanner = Scanner::new(Connection).waiting();
    /// assert_eq!(scanner.scan()?, Some(&b"x"[..]));
    /// # Ok::<(), io::Error>(())
    /// ```
    pub fn waiting(mut self) -> Scanner<R, S>
    where
        R: WaitReadable,
    {
        self.wait = Some(R::wait_readable);
        self
    }

    /// The last token that [`scan`](Scanner::scan) found; nothing before the first and after the last.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let mut scanner = Scanner::new(&b"one\n"[..]);
    /// scanner.scan()?;
    /// assert_eq!(scanner.token(), b"one");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn token(&self) -> &[u8] {
        match &self.token {
            Place::Nowhere => &[],
            Place::Buffer(place) => self.buffer.at(place.clone()),
            Place::Own => &self.own,
        }
    }

    /// The [`token`](Scanner::token) as text.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](ErrorKind::InvalidData) if it is no UTF-8. The scanner goes on after it.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let mut scanner = Scanner::new(&b"one\n"[..]);
    /// scanner.scan()?;
    /// assert_eq!(scanner.text()?, "one");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn text(&self) -> io::Result<&str> {
        str::from_utf8(self.token()).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }

    /// How many bytes have been read from the source and not been cut yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let mut scanner = Scanner::new(&b"one\ntwo\n"[..]);
    /// scanner.scan()?;
    /// assert_eq!(scanner.buffered(), 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Whether it holds a buffer at the moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let mut scanner = Scanner::new(&b"one\n"[..]);
    /// assert!(!scanner.is_leased());
    /// scanner.scan()?;
    /// assert!(scanner.is_leased());
    /// scanner.scan()?;
    /// assert!(!scanner.is_leased());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_leased(&self) -> bool {
        self.buffer.is_leased()
    }

    /// The source.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// assert_eq!(Scanner::new(&b"one\n"[..]).get_ref(), b"one\n");
    /// ```
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The source, and the bytes that had been read from it and not been cut.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let mut scanner = Scanner::new(&b"one\ntwo\n"[..]);
    /// scanner.scan()?;
    /// assert_eq!(scanner.into_parts(), (&b""[..], b"two\n".to_vec()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_parts(self) -> (R, Vec<u8>) {
        (self.inner, self.buffer.bytes().to_vec())
    }
}

impl<R: Read, S: Split> Scanner<R, S> {
    /// The next token, until the end or an error; then `None`.
    ///
    /// # Errors
    ///
    /// As the [`Scanner`] says. Each ends the scan.
    ///
    /// # Blocking
    ///
    /// As the source, while the buffer has no whole token.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let mut scanner = Scanner::new(&b"one\ntwo\n"[..]);
    /// let mut longest = 0;
    /// while let Some(line) = scanner.scan()? {
    ///     longest = longest.max(line.len());
    /// }
    /// assert_eq!(longest, 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn scan(&mut self) -> io::Result<Option<&[u8]>> {
        let found = self.advance()?;
        Ok(found.then(|| self.token()))
    }

    /// An iterator of the tokens that are left, each a vector of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let lines: Result<Vec<Vec<u8>>, _> = Scanner::new(&b"one\ntwo"[..]).tokens().collect();
    /// assert_eq!(lines?, [b"one", b"two"]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn tokens(self) -> Tokens<R, S> {
        Tokens::new(self)
    }

    /// An iterator of the tokens that are left, as texts. One that is no UTF-8 is an error, and the next comes after it.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Scanner;
    ///
    /// let lines: Result<Vec<String>, _> = Scanner::new(&b"one\ntwo"[..]).texts().collect();
    /// assert_eq!(lines?, ["one", "two"]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn texts(self) -> Texts<R, S> {
        Texts::new(self)
    }
}

impl<R: fmt::Debug, S> fmt::Debug for Scanner<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner")
            .field("inner", &self.inner)
            .field("buffered", &self.buffered())
            .field("max_token_size", &self.limit)
            .field("leased", &self.is_leased())
            .finish_non_exhaustive()
    }
}
