//! The functions that copy.

use std::io::{Read, Result, Write};

use marmot_io::{LimitReader, Partial};

use super::buffered::Giving;
use super::ends::{self, End, Sink, Source};
use super::progress::{Moved, Stop};
use super::sys;
use crate::blocking::blocking;
use crate::context;

/// Copies from `reader` to `writer` until the end, and says how many bytes that were: [`std::io::copy`], by the kernel
/// where it can.
///
/// Which readers and writers those are is in the [module's head](super). For all others this is [`marmot_io::copy`].
///
/// # Errors
///
/// The reader's or the writer's. [`copy_counted`] also says how many bytes had been copied before.
///
/// # Blocking
///
/// G, while a connection has no bytes or no room, while a file is read or written by the kernel, and while a file is
/// copied to a file in whatever way. Everything else as the reader and the writer.
///
/// # Cancellation
///
/// As a read of the reader and a write of the writer. If the reader's deadline passes, nothing is lost: another copy
/// goes on where this one stopped. If the writer's does, what has been read and not written is lost, as with every copy:
/// up to 1 MiB between two connections.
///
/// The end of the caller's [context](crate::context) ends a copy likewise, and also before a read that would not wait; a file
/// that is copied to a file is looked at from piece to piece. The error says how many bytes the writer had taken
/// ([`Error::moved`](crate::context::Error::moved)). A writer that is a connection is still given of what has been read whatever
/// it has room for, so that bytes are lost only where it holds up the copy.
///
/// # Platform notes
///
/// The kernel's calls are used on Linux. A file that is sent to a connection shall not be overwritten in place
/// meanwhile: what has not left the machine yet is the file's own memory (sendfile(2)). As with [`std::io::copy`], a
/// program that wants `SIGPIPE` gets it when a connection is gone; Rust's programs ignore it.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use marmot_runtime as marmot;
/// use marmot::net::{TcpListener, TcpStream};
///
/// // Sends back what comes.
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let addr = listener.local_addr()?;
/// let server = marmot::go(move || {
///     let (conn, _) = listener.accept()?;
///     marmot::io::copy(&mut &conn, &mut &conn)
/// });
///
/// let mut conn = TcpStream::connect(addr)?;
/// conn.write_all(b"hello")?;
/// conn.shutdown(std::net::Shutdown::Write)?;
/// let mut answer = String::new();
/// conn.read_to_string(&mut answer)?;
/// assert_eq!(answer, "hello");
/// assert_eq!(server.join().unwrap()?, 5);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy<R: Read + ?Sized, W: Write + ?Sized>(reader: &mut R, writer: &mut W) -> Result<u64> {
    Ok(copy_counted(reader, writer)?)
}

/// As [`copy`], with the count also when it fails.
///
/// # Errors
///
/// The reader's or the writer's, with the number of bytes that the writer had taken.
///
/// # Blocking
///
/// As [`copy`].
///
/// # Cancellation
///
/// As [`copy`].
pub fn copy_counted<R: Read + ?Sized, W: Write + ?Sized>(
    reader: &mut R,
    writer: &mut W,
) -> std::result::Result<u64, Partial> {
    let by_kernel = by_kernel(reader, writer, u64::MAX);
    go_on(by_kernel, |_| by_reading(reader, writer))
}

/// As [`copy_counted`], through the caller's buffer where reader and writer are not both known.
///
/// # Errors
///
/// As [`copy_counted`].
///
/// # Panics
///
/// If the buffer is empty.
///
/// # Blocking
///
/// As [`copy`].
///
/// # Cancellation
///
/// As [`copy`].
pub fn copy_buffer<R: Read + ?Sized, W: Write + ?Sized>(
    reader: &mut R,
    writer: &mut W,
    buffer: &mut [u8],
) -> std::result::Result<u64, Partial> {
    let by_kernel = match buffer {
        // That is the caller's mistake, whether the buffer is needed or not.
        [] => (Moved::default(), Stop::Unable),
        _ => by_kernel(reader, writer, u64::MAX),
    };
    go_on(by_kernel, |_| match ends::connection(writer) {
        Some(to) => marmot_io::copy_buffer(&mut Observing(reader), &mut Giving(to), buffer),
        None => marmot_io::copy_buffer(&mut Observing(reader), writer, buffer),
    })
}

/// Copies exactly `n` bytes, and leaves the rest in the reader.
///
/// # Errors
///
/// As [`copy_counted`]; [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) if the reader ends earlier, and then
/// [`is_end`](Partial::is_end) if there was nothing at all.
///
/// # Blocking
///
/// As [`copy`].
///
/// # Cancellation
///
/// As [`copy`].
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
///
/// let (mut reader, mut out) = (&b"hello world"[..], Vec::new());
/// assert_eq!(marmot::io::copy_n(&mut reader, &mut out, 5)?, 5);
/// assert_eq!((&out[..], reader), (&b"hello"[..], &b" world"[..]));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy_n<R: Read + ?Sized, W: Write + ?Sized>(
    reader: &mut R,
    writer: &mut W,
    n: u64,
) -> std::result::Result<u64, Partial> {
    let by_kernel = by_kernel(reader, writer, n);
    let moved = go_on(by_kernel, |moved| by_reading(&mut LimitReader::new(&mut *reader, n - moved), writer))?;
    if moved == n { Ok(n) } else { Err(Partial::ended(moved)) }
}

/// Copies by reads and writes.
fn by_reading<R: Read + ?Sized, W: Write + ?Sized>(
    reader: &mut R,
    writer: &mut W,
) -> std::result::Result<u64, Partial> {
    match ends::connection(writer) {
        Some(to) => marmot_io::copy_counted(&mut Observing(reader), &mut Giving(to)),
        None => marmot_io::copy_counted(&mut Observing(reader), writer),
    }
}

/// A reader that gives nothing after the end of the caller's context, also where it would not have to wait: what it gave could
/// not be written.
struct Observing<R>(R);

impl<R: Read> Read for Observing<R> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        context::check_io()?;
        self.0.read(buf)
    }
}

/// What the kernel has moved, and what `plain` moves if it is left to that; `plain` is told how far the kernel came.
fn go_on(
    (moved, stop): (Moved, Stop),
    plain: impl FnOnce(u64) -> std::result::Result<u64, Partial>,
) -> std::result::Result<u64, Partial> {
    match stop {
        Stop::Done => Ok(moved.given),
        Stop::Failed(error) => Err(Partial { moved: moved.given, error }),
        Stop::Unable => match plain(moved.given) {
            Ok(count) => Ok(moved.given + count),
            Err(Partial { moved: count, error }) => Err(Partial { moved: moved.given + count, error }),
        },
    }
}

/// Lets the kernel copy up to `limit` bytes, if it knows how.
fn by_kernel<R: Read + ?Sized, W: Write + ?Sized>(reader: &mut R, writer: &mut W, limit: u64) -> (Moved, Stop) {
    // Before anything is taken out of the reader: it could not be written.
    if let Err(error) = context::check_io() {
        return (Moved::default(), Stop::Failed(error));
    }
    match (ends::source(reader), ends::sink(writer)) {
        (Some(source), Some(sink)) => between(source, sink, limit),
        _ => (Moved::default(), Stop::Unable),
    }
}

fn between(source: &mut dyn Source, sink: &mut dyn Sink, limit: u64) -> (Moved, Stop) {
    let mut moved = Moved::default();
    // What has been read already comes first.
    let ready = limit.min(source.buffered() as u64);
    if ready > 0 {
        let to_file = matches!(sink.target(), Some(End::File(_)));
        let mut copy = || {
            let mut reader = Observing(LimitReader::new(&mut *source, ready));
            match sink.connection() {
                Some(to) => marmot_io::copy_counted(&mut reader, &mut Giving(to)),
                None => marmot_io::copy_counted(&mut reader, &mut *sink),
            }
        };
        // It may have to wait for a disk, and the source's side of it is in memory.
        match if to_file { blocking(copy) } else { copy() } {
            Ok(count) => moved.add(count),
            Err(partial) => {
                moved.given += partial.moved;
                return (moved, Stop::Failed(partial.error));
            }
        }
    }
    let left = source.limit().min(limit - moved.taken);
    if left == 0 {
        return (moved, Stop::Done);
    }
    let Some(target) = sink.target() else { return (moved, Stop::Unable) };
    let is_read_from_disk = matches!((source.origin(), target), (End::File(_), End::Tcp(_)));
    let (more, stop) = sys::transfer(source.origin(), target, left);
    if more.taken > 0 {
        source.took(more.taken);
    }
    let moved = Moved { taken: moved.taken + more.taken, given: moved.given + more.given };
    match stop {
        Stop::Unable if is_read_from_disk => by_hand(source, sink, limit, moved),
        stop => (moved, stop),
    }
}

/// Goes on with a file that the kernel does not send: a read of it may have to wait, for a disk or a pipe's other end.
fn by_hand(source: &mut dyn Source, sink: &mut dyn Sink, limit: u64, mut moved: Moved) -> (Moved, Stop) {
    let mut reader = Observing(LimitReader::new(Elsewhere(source), limit - moved.taken));
    let copied = match sink.connection() {
        Some(to) => marmot_io::copy_counted(&mut reader, &mut Giving(to)),
        None => marmot_io::copy_counted(&mut reader, sink),
    };
    match copied {
        Ok(count) => {
            moved.add(count);
            (moved, Stop::Done)
        }
        Err(partial) => {
            moved.given += partial.moved;
            (moved, Stop::Failed(partial.error))
        }
    }
}

/// Reads on a spare thread.
struct Elsewhere<'a>(&'a mut dyn Source);

impl Read for Elsewhere<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        blocking(|| self.0.read(buf))
    }
}
