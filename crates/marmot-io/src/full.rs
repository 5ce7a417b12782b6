//! Reading and writing until all has been moved, with the count when it fails.

use std::io::{self, ErrorKind, Read, Write};

use crate::Partial;
use crate::checked::{Retries, checked};

/// Fills the buffer: Go's `ReadFull`, and [`Read::read_exact`] with a count when it fails.
///
/// An empty buffer is full: the reader is not asked.
///
/// # Errors
///
/// The reader's, with the number of bytes that are in the buffer. If the reader ends early, the kind is
/// [`UnexpectedEof`](ErrorKind::UnexpectedEof), and [`Partial::is_end`] says whether it ended before the first byte.
/// An [`Interrupted`](ErrorKind::Interrupted) read is made again.
///
/// # Blocking
///
/// As the reader.
///
/// # Examples
///
/// ```
/// let (mut reader, mut word) = (&b"wordrest"[..], [0; 4]);
/// assert_eq!(marmot_io::read_full(&mut reader, &mut word)?, 4);
/// assert_eq!((&word, reader), (b"word", &b"rest"[..]));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_full<R: Read + ?Sized>(reader: &mut R, buffer: &mut [u8]) -> Result<usize, Partial> {
    let least = buffer.len();
    read_at_least(reader, buffer, least)
}

/// Reads until `least` bytes at least are in the buffer, and says how many are: what comes with them is taken along, as
/// far as there is room.
///
/// # Errors
///
/// As [`read_full`]. [`InvalidInput`](ErrorKind::InvalidInput), with nothing read, if the buffer is too small for
/// `least` bytes.
///
/// # Blocking
///
/// As the reader.
///
/// # Examples
///
/// A header of four bytes, with as much of the body as has come:
///
/// ```
/// let mut buffer = [0; 16];
/// let count = marmot_io::read_at_least(&mut &b"headbody"[..], &mut buffer, 4)?;
/// assert_eq!(buffer[..count], *b"headbody");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_at_least<R: Read + ?Sized>(reader: &mut R, buffer: &mut [u8], least: usize) -> Result<usize, Partial> {
    if buffer.len() < least {
        let error = io::Error::new(ErrorKind::InvalidInput, "the buffer is smaller than what is to be read at least");
        return Err(Partial { moved: 0, error });
    }
    let (mut filled, mut retries) = (0, Retries::default());
    while filled < least {
        let room = &mut buffer[filled..];
        match reader.read(room).and_then(|count| checked(count, room.len())) {
            Ok(0) => return Err(Partial::ended(filled as u64)),
            Ok(count) => {
                filled += count;
                retries.reset();
            }
            Err(error) => retries.again(error).map_err(|error| Partial { moved: filled as u64, error })?,
        }
    }
    Ok(filled)
}

/// Writes all of the bytes: what Go asks of every `Write`, and [`Write::write_all`] with a count.
///
/// Nothing to write is written: the writer is not asked.
///
/// # Errors
///
/// The writer's, with the number of bytes that it had taken; [`WriteZero`](ErrorKind::WriteZero) if it takes none. An
/// [`Interrupted`](ErrorKind::Interrupted) write is made again.
///
/// # Blocking
///
/// As the writer.
///
/// # Examples
///
/// ```
/// let mut room = [0; 4];
/// let full = marmot_io::write_full(&mut &mut room[..], b"too long").unwrap_err();
/// assert_eq!((full.moved, room), (4, *b"too "));
/// ```
pub fn write_full<W: Write + ?Sized>(writer: &mut W, bytes: &[u8]) -> Result<usize, Partial> {
    let (mut rest, mut retries) = (bytes, Retries::default());
    while !rest.is_empty() {
        let error = match writer.write(rest).and_then(|count| checked(count, rest.len())) {
            Ok(0) => ErrorKind::WriteZero.into(),
            Ok(count) => {
                rest = &rest[count..];
                retries.reset();
                continue;
            }
            Err(error) => match retries.again(error) {
                Ok(()) => continue,
                Err(error) => error,
            },
        };
        return Err(Partial { moved: (bytes.len() - rest.len()) as u64, error });
    }
    Ok(bytes.len())
}

/// Writes all of a string: Go's `WriteString`.
///
/// Go has an interface for writers that can take a string without copying it into bytes first. Here a string is bytes.
///
/// # Errors
///
/// As [`write_full`].
///
/// # Blocking
///
/// As the writer.
///
/// # Examples
///
/// ```
/// let mut out = Vec::new();
/// assert_eq!(marmot_io::write_string(&mut out, "größer")?, 8);
/// assert_eq!(out, "größer".as_bytes());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_string<W: Write + ?Sized>(writer: &mut W, string: &str) -> Result<usize, Partial> {
    write_full(writer, string.as_bytes())
}
