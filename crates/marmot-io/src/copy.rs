//! Copying from a reader to a writer through a buffer.

use std::io::{self, Read, Write};

use marmot_buf::Lease;

use crate::checked::{Retries, checked};
use crate::{LimitReader, Partial, write_full};

/// How many bytes are asked for at a time.
const BUFFER: usize = 64 * 1024;

/// Copies from `reader` to `writer` until the end, and says how many bytes that were: [`std::io::copy`].
///
/// # Errors
///
/// The reader's or the writer's; [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes nothing. An
/// [`Interrupted`](io::ErrorKind::Interrupted) call is made again. [`copy_counted`] also says how many bytes had been copied
/// before.
///
/// # Blocking
///
/// As the reader and the writer.
///
/// # Examples
///
/// ```
/// let mut out = Vec::new();
/// assert_eq!(marmot_io::copy(&mut &b"hello"[..], &mut out)?, 5);
/// assert_eq!(out, b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy<R: Read + ?Sized, W: Write + ?Sized>(reader: &mut R, writer: &mut W) -> io::Result<u64> {
    Ok(copy_counted(reader, writer)?)
}

/// As [`copy`], with the count also when it fails.
///
/// # Errors
///
/// Those of [`copy`], with the number of bytes that the writer had taken.
///
/// # Blocking
///
/// As the reader and the writer.
///
/// # Examples
///
/// ```
/// use std::io::Read;
///
/// let mut cut = b"abc".chain(std::io::Cursor::new(b"def")).take(5);
/// let mut room = [0; 4];
/// let full = marmot_io::copy_counted(&mut cut, &mut &mut room[..]).unwrap_err();
/// assert_eq!((full.moved, full.kind()), (4, std::io::ErrorKind::WriteZero));
/// assert_eq!(room, *b"abcd");
/// ```
pub fn copy_counted<R: Read + ?Sized, W: Write + ?Sized>(reader: &mut R, writer: &mut W) -> Result<u64, Partial> {
    copy_buffer(reader, writer, &mut Lease::new(BUFFER))
}

/// As [`copy_counted`], through the caller's buffer.
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
/// As the reader and the writer.
///
/// # Examples
///
/// ```
/// let mut out = Vec::new();
/// let mut buffer = [0; 4];
/// assert_eq!(marmot_io::copy_buffer(&mut &b"by fours"[..], &mut out, &mut buffer)?, 8);
/// assert_eq!(out, b"by fours");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy_buffer<R: Read + ?Sized, W: Write + ?Sized>(
    reader: &mut R,
    writer: &mut W,
    buffer: &mut [u8],
) -> Result<u64, Partial> {
    assert!(!buffer.is_empty(), "copying needs room for a byte at least");
    let (mut moved, mut retries) = (0, Retries::default());
    loop {
        let count = match reader.read(buffer).and_then(|count| checked(count, buffer.len())) {
            Ok(0) => return Ok(moved),
            Ok(count) => count,
            Err(error) => {
                retries.again(error).map_err(|error| Partial { moved, error })?;
                continue;
            }
        };
        retries.reset();
        match write_full(writer, &buffer[..count]) {
            Ok(count) => moved += count as u64,
            Err(partial) => return Err(Partial { moved: moved + partial.moved, error: partial.error }),
        }
    }
}

/// Copies exactly `n` bytes, and takes no more than these from the reader.
///
/// # Errors
///
/// As [`copy_counted`]; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the reader ends earlier, and then
/// [`is_end`](Partial::is_end) if there was nothing at all.
///
/// # Blocking
///
/// As the reader and the writer.
///
/// # Examples
///
/// ```
/// let (mut reader, mut out) = (&b"headbody"[..], Vec::new());
/// marmot_io::copy_n(&mut reader, &mut out, 4)?;
/// assert_eq!((&out[..], reader), (&b"head"[..], &b"body"[..]));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy_n<R: Read + ?Sized, W: Write + ?Sized>(reader: &mut R, writer: &mut W, n: u64) -> Result<u64, Partial> {
    let moved = copy_counted(&mut LimitReader::new(reader, n), writer)?;
    if moved == n { Ok(n) } else { Err(Partial::ended(moved)) }
}
