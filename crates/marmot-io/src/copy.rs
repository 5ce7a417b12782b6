//! Copying from a reader to a writer through a buffer.

use std::io::{self, ErrorKind, Read, Write};

use marmot_buf::Lease;

use crate::Partial;

/// How many bytes are asked for at a time.
const BUFFER: usize = 64 * 1024;

/// Copies from `reader` to `writer` until the end, and says how many bytes that were: [`std::io::copy`].
///
/// # Errors
///
/// The reader's or the writer's. [`copy_counted`] also says how many bytes had been copied before.
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
/// The reader's or the writer's, with the number of bytes that the writer had taken.
///
/// # Blocking
///
/// As the reader and the writer.
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
pub fn copy_buffer<R: Read + ?Sized, W: Write + ?Sized>(
    reader: &mut R,
    writer: &mut W,
    buffer: &mut [u8],
) -> Result<u64, Partial> {
    assert!(!buffer.is_empty(), "copying needs room for a byte at least");
    let mut moved = 0;
    loop {
        let count = match reader.read(buffer) {
            Ok(0) => return Ok(moved),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Partial { moved, error }),
        };
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            match writer.write(rest) {
                Ok(0) => return Err(Partial { moved, error: ErrorKind::WriteZero.into() }),
                Ok(count) => {
                    rest = &rest[count..];
                    moved += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Partial { moved, error }),
            }
        }
    }
}

/// Copies exactly `n` bytes.
///
/// # Errors
///
/// As [`copy_counted`]; [`UnexpectedEof`](ErrorKind::UnexpectedEof) if the reader ends earlier.
///
/// # Blocking
///
/// As the reader and the writer.
pub fn copy_n<R: Read + ?Sized, W: Write + ?Sized>(reader: &mut R, writer: &mut W, n: u64) -> Result<u64, Partial> {
    let moved = copy_counted(&mut reader.take(n), writer)?;
    if moved == n { Ok(n) } else { Err(Partial { moved, error: ErrorKind::UnexpectedEof.into() }) }
}
