//! What a split function is: `Split`, and the steps that it takes.

use std::io;

/// Cuts tokens off the front of bytes: what Go calls a `SplitFunc`.
///
/// [`Lines`](super::Lines), [`Words`](super::Words), [`Runes`](super::Runes) and [`Bytes`](super::Bytes) are there;
/// [`split_fn`] makes one of a closure.
///
/// # Examples
///
/// ```
/// use std::io;
/// use marmot_io::bufio::{Scanner, Split, Step};
///
/// /// Blocks of four bytes, and what is left at the end.
/// struct Blocks;
///
/// impl Split for Blocks {
///     fn split<'a>(&mut self, data: &'a [u8], at_end: bool) -> io::Result<Step<'a>> {
///         Ok(match data.len() {
///             4.. => Step::Token { advance: 4, token: &data[..4] },
///             0 => Step::More,
///             rest if at_end => Step::Token { advance: rest, token: data },
///             _ => Step::More,
///         })
///     }
/// }
///
/// let blocks: Result<Vec<String>, _> = Scanner::new(&b"abcdefghij"[..]).split(Blocks).texts().collect();
/// assert_eq!(blocks?, ["abcd", "efgh", "ij"]);
/// # Ok::<(), io::Error>(())
/// ```
pub trait Split {
    /// Looks for the next token in `data`, the bytes that have not been advanced over, and says what to do.
    ///
    /// `data` is empty only with `at_end`, which says that nothing will come after it. After [`Step::More`] the next call
    /// gets the same bytes and more of them, or the same and `at_end`: what has been looked at need not be looked at
    /// again.
    ///
    /// # Errors
    ///
    /// Whatever is to end the scan. If the source has failed before, its error comes first.
    fn split<'a>(&mut self, data: &'a [u8], at_end: bool) -> io::Result<Step<'a>>;
}

/// What a [`Split`] found.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{Scanner, Step, split_fn};
///
/// // Fields between commas, also empty ones: the last needs no comma after it.
/// let commas = split_fn(|data: &[u8], at_end| {
///     Ok(match data.iter().position(|&byte| byte == b',') {
///         Some(at) => Step::Token { advance: at + 1, token: &data[..at] },
///         None if at_end => Step::Last(data),
///         None => Step::More,
///     })
/// });
/// let fields: Result<Vec<String>, _> = Scanner::new(&b"1,,3,"[..]).split(commas).texts().collect();
/// assert_eq!(fields?, ["1", "", "3", ""]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// No whole token yet: come again with more. At the end, what is left is dropped.
    More,
    /// Skip so many bytes, and come again with more.
    Skip(usize),
    /// A token, which may be empty.
    Token {
        /// By how many bytes to advance: the token, and what belongs to none.
        advance: usize,
        /// A part of the data, or anything else.
        token: &'a [u8],
    },
    /// The last token: nothing is looked at after it.
    Last(&'a [u8]),
    /// There are no more tokens: nothing is looked at any more.
    Stop,
}

/// A closure as a [`Split`]: what [`split_fn`] returns.
#[derive(Clone, Copy, Debug)]
pub struct SplitFn<F> {
    split: F,
}

/// Makes a [`Split`] of a closure or function.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{Scanner, Step, split_fn};
///
/// let two = split_fn(|data: &[u8], _| {
///     Ok(if data.len() < 2 { Step::More } else { Step::Token { advance: 2, token: &data[..2] } })
/// });
/// let pairs: Result<Vec<String>, _> = Scanner::new(&b"abcde"[..]).split(two).texts().collect();
/// assert_eq!(pairs?, ["ab", "cd"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn split_fn<F>(split: F) -> SplitFn<F>
where
    F: for<'a> FnMut(&'a [u8], bool) -> io::Result<Step<'a>>,
{
    SplitFn { split }
}

impl<F> Split for SplitFn<F>
where
    F: for<'a> FnMut(&'a [u8], bool) -> io::Result<Step<'a>>,
{
    fn split<'a>(&mut self, data: &'a [u8], at_end: bool) -> io::Result<Step<'a>> {
        (self.split)(data, at_end)
    }
}
