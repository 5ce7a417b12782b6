//! A connection that is buffered on both sides.

use std::fmt;
use std::io::{self, BufRead, Read, Write};

use marmot_buf::Chunk;
use marmot_io::{Partial, read_full, write_full};

use super::{Reader, Sink, Source, Writer};
use crate::context;
use crate::net::TcpStream;
use crate::sched;

/// What a [`Conn`] can be put over.
pub trait Connection: Source + Sink {
    /// Another handle to the same connection: one goroutine reads through it while another writes.
    ///
    /// # Errors
    ///
    /// When there can be none.
    fn share(&self) -> io::Result<Self>;
}

impl Connection for TcpStream {
    fn share(&self) -> io::Result<TcpStream> {
        self.try_clone()
    }
}

/// A connection that is read ahead and written late. See [the module](super).
///
/// Dropping it sends what has been written and gives the connection back; who has to know whether that worked calls
/// `flush` before.
///
/// # Errors
///
/// As [`Reader`] and [`Writer`].
///
/// # Blocking
///
/// As [`Reader`] and [`Writer`].
///
/// # Cancellation
///
/// As [`Reader`] and [`Writer`]. The connection's deadlines hold: `conn.get_ref().set_read_deadline(…)`.
///
/// # Examples
///
/// See [the module](super).
pub struct Conn<C: Connection = TcpStream> {
    // In this order: what is gathered is sent before the reading half is stopped.
    writer: Writer<C>,
    reader: Reader,
    stream: C,
}

impl<C: Connection> Conn<C> {
    /// Starts reading ahead from `stream`. Whoever reads from it otherwise, through another handle, takes bytes away.
    ///
    /// # Errors
    ///
    /// When the connection has no further handles.
    pub fn new(stream: C) -> io::Result<Conn<C>> {
        let (reader, writer) = (Reader::new(stream.share()?)?, Writer::new(stream.share()?));
        Ok(Conn { writer, reader, stream })
    }

    /// The connection itself, to ask it for addresses and to set options and deadlines.
    pub fn get_ref(&self) -> &C {
        &self.stream
    }

    /// The two sides, for two goroutines. Each of them keeps the connection.
    pub fn split(self) -> (Reader, Writer<C>) {
        (self.reader, self.writer)
    }

    /// How many bytes are there to be read.
    pub fn readable(&self) -> usize {
        self.reader.len()
    }

    /// As [`Reader::wait`].
    ///
    /// # Errors
    ///
    /// As [`Reader::wait`].
    ///
    /// # Blocking
    ///
    /// G.
    pub fn wait(&mut self, bytes: usize) -> io::Result<usize> {
        self.send_before(bytes)?;
        self.reader.wait(bytes)
    }

    /// As [`Reader::peek`].
    pub fn peek(&mut self, bytes: usize) -> Option<&[u8]> {
        self.reader.peek(bytes)
    }

    /// As [`Reader::skip`].
    pub fn skip(&mut self, bytes: usize) -> usize {
        self.reader.skip(bytes)
    }

    /// As [`Reader::take_chunk`].
    pub fn take_chunk(&mut self, bytes: usize) -> Option<Chunk> {
        self.reader.take_chunk(bytes)
    }

    /// As [`Reader::find`].
    ///
    /// # Errors
    ///
    /// As [`Reader::wait`].
    ///
    /// # Blocking
    ///
    /// G.
    pub fn find(&mut self, delimiter: u8, limit: usize) -> io::Result<Option<usize>> {
        // It may be there; but who asks mostly has nothing more to write until it is.
        match self.send_before(limit) {
            // What is there needs no wait.
            Err(error) if context::Error::of(&error).is_some() => {
                self.reader.find_here(delimiter, limit).map(Some).ok_or(error)
            }
            sent => sent.and_then(|()| self.reader.find(delimiter, limit)),
        }
    }

    /// Adds bytes to what is to be sent, without copying them.
    ///
    /// # Errors
    ///
    /// As `write`.
    ///
    /// # Blocking
    ///
    /// As `write`.
    pub fn append(&mut self, chunk: impl Into<Chunk>) -> io::Result<()> {
        self.writer.append(chunk)
    }

    pub(super) fn sides(&mut self) -> (&mut Reader, &mut Writer<C>) {
        (&mut self.reader, &mut self.writer)
    }

    /// Before a wait for `bytes` bytes. A goroutine's M sends what has gathered, and here is told that it could not; on a
    /// plain thread it is sent here.
    fn send_before(&mut self, bytes: usize) -> io::Result<()> {
        if self.reader.len() >= bytes {
            Ok(())
        } else if sched::here().is_some() {
            self.writer.check()
        } else {
            self.writer.flush()
        }
    }
}

impl<C: Connection> Read for Conn<C> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.send_before(1)?;
        self.reader.read(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<C: Connection> BufRead for Conn<C> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.send_before(1)?;
        self.reader.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
    }
}

impl<C: Connection> Write for Conn<C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        Ok(write_full(self, buf).map(drop)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<C: Connection> fmt::Debug for Conn<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").field("readable", &self.readable()).finish_non_exhaustive()
    }
}
