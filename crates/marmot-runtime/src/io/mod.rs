//! Readers and Writers: everything of [`marmot_io`], with copying that the kernel does where it can, and pipes that park
//! goroutines.
//!
//! [`copy`] and its kin have the signatures of `marmot_io`'s and take any reader and any writer. Where both are known
//! to be a TCP connection or a file, the kernel moves the bytes, and they do not pass through this process:
//!
//! | from | to | call |
//! |---|---|---|
//! | [`TcpStream`](crate::net::TcpStream) | `TcpStream` | splice(2), through a pipe |
//! | `TcpStream` | [`File`](std::fs::File) | splice(2), through a pipe |
//! | `File` | `TcpStream` | sendfile(2), or else reads on a spare thread |
//! | `File` | `File` | copy_file_range(2), or else read and write on a spare thread |
//! | anything else | anything else | read and write |
//!
//! A connection or a file is known by its type, also behind `&` and `&mut`, a file behind [`Arc`](std::sync::Arc), a
//! reader behind [`Take`], [`LimitReader`], [`BufReader`] and [`bufio::Reader`], and a
//! writer behind a [`BufWriter`] or a [`bufio::Writer`] that is empty. For the kernel a file counts only
//! if it is a regular one. What little a connection has at a time is read and written all the same, for that costs less than
//! a pipe. An urgent byte (`MSG_OOB`) is left out, as by every read.
//!
//! **Falling back.** A kernel may know a call and still refuse it for these two: across file systems, for a file that is
//! open for appending, under a filter of system calls. What it has moved by then stays moved, what is under way is written
//! by hand, and reading and writing go on from there. The caller sees the same either way.
//!
//! **Waiting.** Connections wait as in every read and write, with their turns, deadlines and closing, and one on which
//! nothing comes holds neither buffer nor pipe. A call that may wait for a disk runs on a spare thread, for a piece at a
//! time, and so does not hold up other goroutines; so does what a buffered reader has read ahead for a file. A file that is
//! in memory needs no such call: it is sent at once.
//!
//! **Looking back.** What the kernel moves does not pass through a reader's buffer, so that there is nothing before its
//! next byte: a [`bufio::Reader`] then has nothing to put back, and a `BufReader` does not know better than to seek back in
//! its buffer ([`seek_relative`](std::io::Seek::seek_relative)) to bytes from before the copy; use `seek` after one. A `Take` whose
//! limit was not reached by a copy counts positions from where the copy ended; a [`LimitReader`] counts on.
//!
//! **Counting.** The count is of bytes that the writer took. What the reader gave is counted apart, for the limit of a
//! `Take`: if the writer fails, the bytes in between are lost, as they are with a buffer.
//!
//! **`std`'s names.** All of `std::io` is here under its names, so that a program is ported by its `use` lines, and is `std`'s
//! own except for [`copy`], and [`pipe()`] with its [`PipeReader`] and [`PipeWriter`], which is in memory, where `std`'s is the kernel's. **`std`'s streams of the process ([`stdin`], [`stdout`], [`stderr`] and their locks) block the M**, and with it all goroutines
//! that have settled there: read from a terminal or a pipe in [`blocking`](crate::blocking), and hold no lock of theirs across a
//! call that parks. [`go_and_std`] goes through them one by one.

mod both;
mod buffered;
mod copy;
mod ends;
mod files;
mod pipes;
mod progress;
mod sys;

/// What is `std`'s own.
pub use std::io::{
    BufRead, BufReader, BufWriter, Bytes, Chain, Cursor, Empty, Error, ErrorKind, IntoInnerError, IoSlice, IoSliceMut,
    IsTerminal, LineWriter, Lines, Read, Repeat, Result, Seek, SeekFrom, Sink, Split, Stderr, StderrLock, Stdin,
    StdinLock, Stdout, StdoutLock, Take, Write, WriterPanicked, empty, prelude, read_to_string, repeat, sink, stderr,
    stdin, stdout,
};

pub use both::copy_bidirectional;
pub use copy::{copy, copy_buffer, copy_counted, copy_n};
pub use marmot_io::*;
pub use pipes::{Duplex, PipeReader, PipeWriter, duplex, pipe};

impl WaitReadable for crate::net::TcpStream {
    fn wait_readable(&self) -> std::io::Result<()> {
        crate::net::TcpStream::wait_readable(self)
    }
}
