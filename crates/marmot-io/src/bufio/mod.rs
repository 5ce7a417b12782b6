//! Buffered reading, writing and scanning: Go's package `bufio`, over the traits of [`std::io`].
//!
//! [`Reader`], [`Writer`] and [`Scanner`] borrow their buffer from the thread with the first byte and give it back with
//! the last, so that what is idle holds none. A reader or scanner whose source can be [waited for](crate::WaitReadable)
//! does not even hold one while it waits.
//!
//! An error never loses a byte or moves it twice: what a call that failed had not moved is where it was before.
//!
//! # What stands where
#![doc = include_str!("../../docs/bufio.md")]

mod buffer;
mod error;
mod read_writer;
mod reader;
mod scanner;
mod writer;

pub use error::{Error, Short};
pub use read_writer::ReadWriter;
pub use reader::{LinePart, Reader};
pub use scanner::{Bytes, Lines, MAX_TOKEN_SIZE, Runes, Scanner, Split, SplitFn, Step, Texts, Tokens, Words, split_fn};
pub use writer::{IntoInnerError, Writer, WriterPanicked};

/// The size of a buffer unless another is asked for, as `std`'s.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::{DEFAULT_CAPACITY, Reader};
///
/// assert_eq!(Reader::new(std::io::empty()).capacity(), DEFAULT_CAPACITY);
/// ```
pub const DEFAULT_CAPACITY: usize = 8 * 1024;
