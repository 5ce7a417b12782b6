//! `ReaderAt` and `WriterAt`: sources and sinks that are read and written at an offset, by several at the same time.
//!
//! The methods are those of `std::os::unix::fs::FileExt`, as traits that other things than files can have. Files
//! implement them in `sys`.

use std::cell::RefCell;
use std::io::{self, Cursor, ErrorKind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Partial;

/// What can be read at any offset: Go's `ReaderAt`.
///
/// A position that the source may have besides plays no part and stays as it is. Reads at the same time do not disturb
/// each other, so `&self` is enough.
///
/// # Platform notes
///
/// On Windows, reading a file at an offset moves the position of the file.
///
/// # Examples
///
/// ```
/// use marmot_io::ReaderAt;
///
/// let bytes = b"0123456789";
/// let mut word = [0; 4];
/// assert_eq!(bytes[..].read_at(&mut word, 8)?, 2);
/// assert_eq!(word[..2], *b"89");
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ReaderAt {
    /// Reads from `offset` on into the buffer, and says how many bytes that were: less than the buffer's length also when
    /// there are more, none at the end and after it.
    ///
    /// # Errors
    ///
    /// The source's.
    ///
    /// # Blocking
    ///
    /// As the source: a file blocks the thread.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Fills the buffer from `offset` on: the contract of Go's `ReadAt`.
    ///
    /// # Errors
    ///
    /// The source's, with the number of bytes that are in the buffer; if the source ends, as
    /// [`read_full`](crate::read_full). An [`Interrupted`](ErrorKind::Interrupted) read is made again.
    ///
    /// # Blocking
    ///
    /// As [`read_at`](ReaderAt::read_at).
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::ReaderAt;
    ///
    /// let (bytes, mut word) = (b"0123456789".to_vec(), [0; 4]);
    /// assert_eq!(bytes.read_full_at(&mut word, 2)?, 4);
    /// assert_eq!(word, *b"2345");
    /// assert_eq!(bytes.read_full_at(&mut word, 8).unwrap_err().moved, 2);
    /// assert!(bytes.read_full_at(&mut word, 10).unwrap_err().is_end());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn read_full_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, Partial> {
        crate::read_full(&mut crate::SectionReader::new(self, offset, u64::MAX), buf)
    }
}

/// What can be written at any offset: Go's `WriterAt`.
///
/// A position that the sink may have besides plays no part and stays as it is. Writes to places that do not overlap may
/// be made at the same time, so `&self` is enough.
///
/// In memory, a `Mutex<Vec<u8>>` or a `RefCell<Vec<u8>>` is one. As a file does, it grows, and what is left out reads as
/// zeros.
///
/// # Platform notes
///
/// On Windows, writing a file at an offset moves the position of the file. On Linux, a file that was opened for appending
/// is appended to at any offset.
///
/// # Examples
///
/// ```
/// use std::sync::Mutex;
/// use marmot_io::WriterAt;
///
/// let parts = Mutex::new(Vec::new());
/// std::thread::scope(|s| {
///     s.spawn(|| parts.write_full_at(b"world", 6));
///     s.spawn(|| parts.write_full_at(b"hello ", 0));
/// });
/// assert_eq!(*parts.lock().unwrap(), b"hello world");
/// ```
pub trait WriterAt {
    /// Writes at `offset`, and says how many of the bytes.
    ///
    /// # Errors
    ///
    /// The sink's.
    ///
    /// # Blocking
    ///
    /// As the sink: a file blocks the thread.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;

    /// Writes all of the bytes from `offset` on: the contract of Go's `WriteAt`.
    ///
    /// # Errors
    ///
    /// The sink's, with the number of bytes that it had taken; [`WriteZero`](ErrorKind::WriteZero) if it takes none. An
    /// [`Interrupted`](ErrorKind::Interrupted) write is made again.
    ///
    /// # Blocking
    ///
    /// As [`write_at`](WriterAt::write_at).
    fn write_full_at(&self, buf: &[u8], offset: u64) -> Result<usize, Partial> {
        crate::write_full(&mut crate::OffsetWriter::new(self, offset), buf)
    }
}

/// An offset that no source or sink has.
pub(crate) fn beyond() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "the offset is too large")
}

impl ReaderAt for [u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = buf.len().min(rest.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl<const N: usize> ReaderAt for [u8; N] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self[..].read_at(buf, offset)
    }
}

impl ReaderAt for str {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_bytes().read_at(buf, offset)
    }
}

impl ReaderAt for Vec<u8> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self[..].read_at(buf, offset)
    }
}

impl<T: AsRef<[u8]>> ReaderAt for Cursor<T> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.get_ref().as_ref().read_at(buf, offset)
    }
}

impl ReaderAt for Mutex<Vec<u8>> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.lock().unwrap_or_else(PoisonError::into_inner).read_at(buf, offset)
    }
}

impl ReaderAt for RefCell<Vec<u8>> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.borrow().read_at(buf, offset)
    }
}

impl WriterAt for Mutex<Vec<u8>> {
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        put(&mut self.lock().unwrap_or_else(PoisonError::into_inner), buf, offset)
    }
}

impl WriterAt for RefCell<Vec<u8>> {
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        put(&mut self.borrow_mut(), buf, offset)
    }
}

/// Writes into a vector, which grows if need be.
fn put(bytes: &mut Vec<u8>, buf: &[u8], offset: u64) -> io::Result<usize> {
    if buf.is_empty() {
        return Ok(0);
    }
    let start = usize::try_from(offset).map_err(|_| beyond())?;
    let end = start.checked_add(buf.len()).ok_or_else(beyond)?;
    if end > bytes.len() {
        bytes.try_reserve(end - bytes.len())?;
        bytes.resize(end, 0);
    }
    bytes[start..end].copy_from_slice(buf);
    Ok(buf.len())
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<T: ReaderAt + ?Sized> ReaderAt for $pointer {
            fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
                (**self).read_at(buf, offset)
            }
        }

        impl<T: WriterAt + ?Sized> WriterAt for $pointer {
            fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
                (**self).write_at(buf, offset)
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);
