//! The two ends of a pipe.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use marmot_buf::{Park, Threads};

use super::shared::{End, Shared};
use crate::{Partial, WaitReadable, read_full, write_full};

/// How many bytes of a write are in between at most.
const CHUNK: usize = 64 * 1024;

/// Makes a pipe in memory whose callers block their threads: Go's `Pipe`.
///
/// Each write waits until readers have taken all of it. See the [module's head](super) for how the ends behave.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut reader, mut writer) = marmot_io::pipe();
/// let writing = std::thread::spawn(move || writer.write_all(b"from one to the other"));
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "from one to the other");
/// # writing.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn pipe() -> (PipeReader, PipeWriter) {
    pipe_on()
}

/// Makes a pipe in memory whose callers wait by `P`.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use marmot_io::{Threads, pipe_on};
///
/// let (reader, mut writer) = pipe_on::<Threads>();
/// drop(reader);
/// assert_eq!(writer.write(b"nobody reads").unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
/// ```
pub fn pipe_on<P: Park>() -> (PipeReader<P>, PipeWriter<P>) {
    let shared = Arc::new(Shared::new(CHUNK));
    (PipeReader { shared: Arc::clone(&shared) }, PipeWriter { shared })
}

/// The end of a [`pipe()`] where bytes come out. Dropping it closes it.
///
/// `&PipeReader` reads, too. Several that read at the same time are served in turn, each with what is there then.
///
/// # Errors
///
/// That which the writer was closed with; [`TimedOut`](io::ErrorKind::TimedOut) after the deadline;
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe) after this end was closed.
///
/// # Blocking
///
/// Reading waits for a writer, or for the writer's close: a thread blocks, a goroutine parks.
///
/// # Cancellation
///
/// A deadline, or closing either end, ends a wait; so does whatever else [`Park::park`] reports. A read that fails has
/// taken nothing.
///
/// # Examples
///
/// ```
/// use std::io::{self, ErrorKind, Read};
///
/// let (mut reader, writer) = marmot_io::pipe();
/// writer.close_with_error(io::Error::new(ErrorKind::InvalidData, "the picture is torn"));
/// let error = reader.read(&mut [0; 8]).unwrap_err();
/// assert_eq!((error.kind(), error.to_string()), (ErrorKind::InvalidData, "the picture is torn".to_owned()));
/// ```
pub struct PipeReader<P: Park = Threads> {
    shared: Arc<Shared<P>>,
}

impl<P: Park> PipeReader<P> {
    /// Closes this end: writes fail from now on, also one that waits. Bytes of that which have not been read are lost, as
    /// its count says.
    pub fn close(&self) {
        self.shared.close(End::Read, None);
    }

    /// As [`close`](PipeReader::close), and writes fail with `error`. If this end has been closed before, nothing happens.
    ///
    /// The pipe keeps the error until both ends are dropped. An error that owns an end of this very pipe keeps it for ever.
    pub fn close_with_error(&self, error: io::Error) {
        self.shared.close(End::Read, Some(error));
    }

    /// Sets the point in time after which every read fails with [`TimedOut`](io::ErrorKind::TimedOut), also one that waits
    /// already; `None` takes it away.
    pub fn set_read_deadline(&self, deadline: Option<Instant>) {
        self.shared.set_deadline(End::Read, deadline);
    }

    /// Waits until there is something to read: bytes, the end, or an error that the writer was closed with.
    ///
    /// # Errors
    ///
    /// As a read.
    ///
    /// # Blocking
    ///
    /// As a read.
    pub fn wait_readable(&self) -> io::Result<()> {
        self.shared.wait_readable()
    }
}

impl<P: Park> WaitReadable for PipeReader<P> {
    fn wait_readable(&self) -> io::Result<()> {
        PipeReader::wait_readable(self)
    }
}

impl<P: Park> Read for &PipeReader<P> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.shared.read(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<P: Park> Read for PipeReader<P> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.shared.read(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<P: Park> Drop for PipeReader<P> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<P: Park> fmt::Debug for PipeReader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeReader").finish_non_exhaustive()
    }
}

/// The end of a [`pipe()`] where bytes go in. Dropping it closes it.
///
/// `&PipeWriter` writes, too. Several that write at the same time take turns, and the bytes of a write stay together.
///
/// # Errors
///
/// That which the reader was closed with, or else [`BrokenPipe`](io::ErrorKind::BrokenPipe), also after this end was
/// closed; [`TimedOut`](io::ErrorKind::TimedOut) after the deadline. A write of which a part was read by then returns the
/// length of that part.
///
/// # Blocking
///
/// Writing waits until all has been read: a thread blocks, a goroutine parks. Flushing returns at once.
///
/// # Cancellation
///
/// A deadline, or closing either end, ends a wait; so does whatever else [`Park::park`] reports. What a write returns has
/// been read, and no other byte of it will be.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut reader, writer) = marmot_io::pipe();
/// std::thread::scope(|s| {
///     for word in ["one ", "two ", "six "] {
///         let mut writer = &writer;
///         s.spawn(move || writer.write_all(word.as_bytes()));
///     }
///     let mut words = [0; 12];
///     reader.read_exact(&mut words).unwrap();
///     assert!(words.chunks(4).all(|word| [b"one ", b"two ", b"six "].iter().any(|one| *one == word)));
/// });
/// ```
pub struct PipeWriter<P: Park = Threads> {
    shared: Arc<Shared<P>>,
}

impl<P: Park> PipeWriter<P> {
    /// Closes this end: reads find the end from now on, also one that waits. A write that waits, in other hands, ends, and
    /// what has not been read of it is lost, as its count says.
    pub fn close(&self) {
        self.shared.close(End::Write, None);
    }

    /// As [`close`](PipeWriter::close), and reads fail with `error` instead of finding the end. If this end has been closed
    /// before, nothing happens.
    ///
    /// The pipe keeps the error until both ends are dropped. An error that owns an end of this very pipe keeps it for ever.
    pub fn close_with_error(&self, error: io::Error) {
        self.shared.close(End::Write, Some(error));
    }

    /// Sets the point in time after which every write fails with [`TimedOut`](io::ErrorKind::TimedOut), also one that waits
    /// already; `None` takes it away.
    pub fn set_write_deadline(&self, deadline: Option<Instant>) {
        self.shared.set_deadline(End::Write, deadline);
    }
}

impl<P: Park> Write for &PipeWriter<P> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.shared.write(buf)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        Ok(write_full(self, buf).map(drop)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<P: Park> Write for PipeWriter<P> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.shared.write(buf)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        Ok(write_full(self, buf).map(drop)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<P: Park> Drop for PipeWriter<P> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<P: Park> fmt::Debug for PipeWriter<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeWriter").finish_non_exhaustive()
    }
}
