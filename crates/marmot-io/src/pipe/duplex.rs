//! `Duplex`: two pipes that make a connection in memory.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Instant;

use marmot_buf::{Park, Threads};

use super::ends::{PipeReader, PipeWriter, pipe_on};
use crate::{CloseWrite, Partial, WaitReadable, read_full, write_full};

/// Makes a connection in memory whose callers block their threads: Go's `net.Pipe`.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut client, mut server) = marmot_io::duplex();
/// let serving = std::thread::spawn(move || {
///     let mut question = [0; 4];
///     server.read_exact(&mut question)?;
///     server.write_all(b"pong")
/// });
/// client.write_all(b"ping")?;
/// assert_eq!(marmot_io::read_all(&mut client)?, b"pong");
/// # serving.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn duplex() -> (Duplex, Duplex) {
    duplex_on()
}

/// Makes a connection in memory whose callers wait by `P`.
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use marmot_io::{Threads, duplex_on};
///
/// let (mut here, there) = duplex_on::<Threads>();
/// drop(there);
/// assert_eq!(here.read(&mut [0; 8])?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn duplex_on<P: Park>() -> (Duplex<P>, Duplex<P>) {
    let (here, there) = (pipe_on(), pipe_on());
    (Duplex { reader: here.0, writer: there.1 }, Duplex { reader: there.0, writer: here.1 })
}

/// One side of a connection in memory, made by [`duplex`]. Dropping it closes it.
///
/// Each direction is a [`pipe`](crate::pipe()), with its errors, its waits and its deadlines. `&Duplex` reads and writes,
/// too.
///
/// # Examples
///
/// One goroutine or thread reads while another writes:
///
/// ```
/// use std::io::{Read, Write};
///
/// let (connection, peer) = marmot_io::duplex();
/// std::thread::scope(|s| {
///     s.spawn(|| (&connection).write_all(b"ping"));
///     s.spawn(|| (&peer).write_all(b"pong"));
///     let mut words = ([0; 4], [0; 4]);
///     (&peer).read_exact(&mut words.0).unwrap();
///     (&connection).read_exact(&mut words.1).unwrap();
///     assert_eq!(words, (*b"ping", *b"pong"));
/// });
/// ```
pub struct Duplex<P: Park = Threads> {
    reader: PipeReader<P>,
    writer: PipeWriter<P>,
}

impl<P: Park> Duplex<P> {
    /// The half that reads.
    pub fn reader(&self) -> &PipeReader<P> {
        &self.reader
    }

    /// The half that writes.
    pub fn writer(&self) -> &PipeWriter<P> {
        &self.writer
    }

    /// Both halves, each with an owner of its own.
    pub fn into_split(self) -> (PipeReader<P>, PipeWriter<P>) {
        (self.reader, self.writer)
    }

    /// Sets the deadlines of both halves.
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        self.reader.set_read_deadline(deadline);
        self.writer.set_write_deadline(deadline);
    }
}

impl<P: Park> CloseWrite for Duplex<P> {
    fn close_write(&self) -> io::Result<()> {
        self.writer.close();
        Ok(())
    }

    fn close_both(&self) -> io::Result<()> {
        self.reader.close();
        self.close_write()
    }
}

impl<P: Park> WaitReadable for Duplex<P> {
    fn wait_readable(&self) -> io::Result<()> {
        self.reader.wait_readable()
    }
}

impl<P: Park> Read for &Duplex<P> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&self.reader).read(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<P: Park> Write for &Duplex<P> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&self.writer).write(buf)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        Ok(write_full(self, buf).map(drop)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<P: Park> Read for Duplex<P> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<P: Park> Write for Duplex<P> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writer.write(buf)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        Ok(write_full(self, buf).map(drop)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<P: Park> fmt::Debug for Duplex<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex").finish_non_exhaustive()
    }
}
