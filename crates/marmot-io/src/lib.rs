//! Reader and Writer utilities that compose over everything that implements the traits of [`std::io`], usable with and
//! without Marmot's runtime.
//!
//! The traits are `std`'s: [`Read`](std::io::Read), [`Write`](std::io::Write), [`BufRead`](std::io::BufRead) and
//! [`Seek`](std::io::Seek). Whatever waits here waits as the reader or the writer does; a [`pipe()`] waits by [`Park`], which
//! blocks threads, or parks goroutines where the runtime says how.
//!
//! | to | there is |
//! |---|---|
//! | copy | [`copy()`], [`copy_counted`], [`copy_buffer`], [`copy_n`], [`copy_bidirectional`] |
//! | read or write so much | [`read_full`], [`read_at_least`], [`read_all`], [`write_full`], [`write_string`] |
//! | combine and limit | [`TeeReader`], [`MultiReader`], [`MultiWriter`], [`LimitReader`], [`Discard`] |
//! | work at offsets | [`ReaderAt`], [`WriterAt`], [`SectionReader`], [`OffsetWriter`] |
//! | go by bytes and characters | [`ByteReader`], [`ByteScanner`], [`ByteWriter`], [`RuneReader`], [`RuneScanner`], [`RuneWriter`], [`Unread`] |
//! | buffer | [`bufio`], [`WaitReadable`] |
//! | connect | [`pipe()`], [`duplex`], [`CloseWrite`] |
//!
//! A reader or writer that claims more bytes than it was given is found out: whatever is here fails then with
//! [`bufio::Error::BadCount`], and uses no byte that is not there. One that returns [`Interrupted`](std::io::ErrorKind::Interrupted)
//! again and again is called again a thousand times at most, and that ends in [`bufio::Error::TooManyInterrupts`].
//!
//! [`go_and_std`] has all of Go's package `io` and of `std::io` beside what is here.

#![forbid(unsafe_code)]

mod all;
mod at;
mod both;
pub mod bufio;
mod bytes;
mod checked;
mod close;
mod copy;
mod discard;
mod full;
mod limit;
mod multi;
mod offset;
mod partial;
pub mod pipe;
mod primitive;
mod runes;
mod section;
mod sys;
mod tee;
mod unread;
mod utf8;
mod wait;

#[doc = include_str!("../docs/io.md")]
pub mod go_and_std {}

pub use all::{Unfinished, read_all};
pub use at::{ReaderAt, WriterAt};
pub use both::{BothWays, Half, Transfer, copy_bidirectional, copy_bidirectional_by};
pub use bytes::{ByteReader, ByteScanner, ByteWriter};
pub use close::CloseWrite;
pub use copy::{copy, copy_buffer, copy_counted, copy_n};
pub use discard::Discard;
pub use full::{read_at_least, read_full, write_full, write_string};
pub use limit::LimitReader;
pub use marmot_buf::{Counted, Counts, Park, Threads};
pub use multi::{MultiReader, MultiWriter};
pub use offset::OffsetWriter;
pub use partial::Partial;
pub use pipe::{Duplex, PipeReader, PipeWriter, duplex, duplex_on, pipe, pipe_on};
pub use runes::{RuneReader, RuneScanner, RuneWriter};
pub use section::SectionReader;
pub use tee::TeeReader;
pub use unread::Unread;
pub use wait::WaitReadable;
