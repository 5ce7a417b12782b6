//! Iterators of owned tokens.

use std::io::{self, Read};
use std::iter::FusedIterator;

use super::{Scanner, Split};

/// An iterator of a [`Scanner`]'s tokens: what [`Scanner::tokens`] returns. An error is the last item.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::Scanner;
///
/// for line in Scanner::new(&b"one\ntwo"[..]).tokens() {
///     assert_eq!(line?.len(), 3);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Tokens<R, S> {
    scanner: Scanner<R, S>,
}

impl<R, S> Tokens<R, S> {
    pub(super) fn new(scanner: Scanner<R, S>) -> Tokens<R, S> {
        Tokens { scanner }
    }
}

impl<R: Read, S: Split> Iterator for Tokens<R, S> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        self.scanner.scan().map(|token| token.map(<[u8]>::to_vec)).transpose()
    }
}

impl<R: Read, S: Split> FusedIterator for Tokens<R, S> {}

/// An iterator of a [`Scanner`]'s tokens as texts: what [`Scanner::texts`] returns. An error of the scan is the last
/// item.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::Scanner;
///
/// let mut lines = Scanner::new(&b"caf\xe9\ntwo"[..]).texts();
/// assert!(lines.next().unwrap().is_err());
/// assert_eq!(lines.next().unwrap()?, "two");
/// assert!(lines.next().is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Texts<R, S> {
    scanner: Scanner<R, S>,
}

impl<R, S> Texts<R, S> {
    pub(super) fn new(scanner: Scanner<R, S>) -> Texts<R, S> {
        Texts { scanner }
    }
}

impl<R: Read, S: Split> Iterator for Texts<R, S> {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<io::Result<String>> {
        match self.scanner.scan() {
            Ok(None) => None,
            Ok(Some(_)) => Some(self.scanner.text().map(str::to_owned)),
            Err(error) => Some(Err(error)),
        }
    }
}

impl<R: Read, S: Split> FusedIterator for Texts<R, S> {}
