//! `Writer`: writing through a buffer that is held only while it holds bytes.
//!
//! The buffer's bytes go out from the front, and what the inner writer has taken leaves the buffer at once: an error
//! finds exactly those bytes there that have not been written. `panicked` is the one state in which that is not known.

mod into_inner;
mod traits;
mod write;

pub use into_inner::{IntoInnerError, WriterPanicked};

use std::fmt;
use std::io::Write;
use std::mem;

use super::DEFAULT_CAPACITY;
use super::buffer::Buffer;
use crate::checked::Retries;

/// Writes through a buffer: Go's `bufio.Writer` and `std`'s [`BufWriter`](std::io::BufWriter) in one.
///
/// It implements [`Write`] and, if the inner writer does, [`Seek`](std::io::Seek). Small writes are collected; one that is not
/// smaller than the buffer goes past it, in one vectored call together with what had been collected. The buffer is
/// borrowed from the thread with the first byte and goes back with the last.
///
/// Dropping it writes what is in the buffer and ignores errors: call [`flush`](Write::flush) before, or
/// [`into_inner`](Writer::into_inner). After a panic of the inner writer nothing is written on dropping, because what it
/// had taken is not known.
///
/// # Errors
///
/// The inner writer's, as they are, and [`WriteZero`](std::io::ErrorKind::WriteZero) if it takes nothing. As with `std`'s
/// `BufWriter`, and other than Go's, an error does not stick: bytes that were accepted stay in the buffer until the inner
/// writer has taken them, each exactly once, and the next write or flush tries again. So a flush that missed its deadline
/// can be repeated. Bytes of a write that fails were not accepted.
///
/// # Blocking
///
/// As the inner writer, when the buffer is full, on a flush, and on dropping.
///
/// # Cancellation
///
/// No byte is lost or written twice by an error of the inner writer.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use marmot_io::bufio::Writer;
///
/// let mut writer = Writer::new(Vec::new());
/// write!(writer, "{} + {}", 1, 2)?;
/// assert_eq!(writer.get_ref(), b"");
/// writer.flush()?;
/// assert_eq!(writer.get_ref(), b"1 + 2");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Writer<W: Write> {
    buffer: Buffer,
    /// Whether the inner writer is being called. It is true outside of a call if that has panicked.
    panicked: bool,
    /// `None` only when it has been taken out to be dropped without this.
    inner: Option<W>,
    /// Of writes of the buffer, also across calls.
    retries: Retries,
}

impl<W: Write> Writer<W> {
    /// A writer with a buffer of [`DEFAULT_CAPACITY`].
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_string("hello")?;
    /// assert_eq!(writer.into_inner()?, b"hello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(inner: W) -> Writer<W> {
        Writer::with_capacity(DEFAULT_CAPACITY, inner)
    }

    /// A writer with a buffer of `capacity` bytes, 16 at least.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// assert_eq!(Writer::with_capacity(1234, std::io::sink()).capacity(), 1234);
    /// assert_eq!(Writer::with_capacity(0, std::io::sink()).capacity(), 16);
    /// ```
    pub fn with_capacity(capacity: usize, inner: W) -> Writer<W> {
        Writer { buffer: Buffer::new(capacity), panicked: false, inner: Some(inner), retries: Retries::default() }
    }

    /// The bytes that have been accepted and not yet been written.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_string("hello")?;
    /// assert_eq!(writer.buffer(), b"hello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn buffer(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// How many bytes have been accepted and not yet been written.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_string("hello")?;
    /// assert_eq!(writer.buffered(), 5);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// How many bytes are accepted before anything has to be written.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::with_capacity(16, Vec::new());
    /// writer.write_string("hello")?;
    /// assert_eq!(writer.available(), 11);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn available(&self) -> usize {
        self.buffer.room()
    }

    /// The size of the buffer, also while there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::{DEFAULT_CAPACITY, Writer};
    ///
    /// assert_eq!(Writer::new(std::io::sink()).capacity(), DEFAULT_CAPACITY);
    /// ```
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Whether it holds a buffer at the moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// assert!(!writer.is_leased());
    /// writer.write_byte(b'x')?;
    /// assert!(writer.is_leased());
    /// writer.flush()?;
    /// assert!(!writer.is_leased());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_leased(&self) -> bool {
        self.buffer.is_leased()
    }

    /// The inner writer.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// assert_eq!(Writer::new(Vec::new()).get_ref(), b"");
    /// ```
    pub fn get_ref(&self) -> &W {
        self.inner.as_ref().expect(OWNED)
    }

    /// The inner writer. What is written to it directly overtakes what is in the buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_string("world")?;
    /// writer.get_mut().extend(b"hello ");
    /// assert_eq!(writer.into_inner()?, b"hello world");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn get_mut(&mut self) -> &mut W {
        self.inner.as_mut().expect(OWNED)
    }

    /// Writes what is in the buffer, and returns the inner writer. That is not flushed.
    ///
    /// # Errors
    ///
    /// The inner writer's, with this writer, which still has what could not be written.
    ///
    /// # Blocking
    ///
    /// As the inner writer.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_string("hello")?;
    /// assert_eq!(writer.into_inner()?, b"hello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_inner(mut self) -> Result<W, IntoInnerError<W>> {
        match self.flush_buffer() {
            Ok(()) => Ok(self.inner.take().expect(OWNED)),
            Err(error) => Err(IntoInnerError::new(self, error)),
        }
    }

    /// The inner writer, and the bytes that it has not been given yet. Nothing is written.
    ///
    /// The bytes come as an error if the inner writer has panicked: then it may have written some of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_string("hello")?;
    /// let (inner, unwritten) = writer.into_parts();
    /// assert_eq!((inner, unwritten.unwrap()), (Vec::new(), b"hello".to_vec()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_parts(mut self) -> (W, Result<Vec<u8>, WriterPanicked>) {
        let bytes = self.buffer.bytes().to_vec();
        let bytes = if self.panicked { Err(WriterPanicked::new(bytes)) } else { Ok(bytes) };
        (self.inner.take().expect(OWNED), bytes)
    }

    /// Forgets what is in the buffer and writes to `inner` from now on; returns the former inner writer. Flush before,
    /// if what was written is to arrive.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.write_string("hello")?;
    /// assert_eq!(writer.reset(Vec::new()), b"");
    /// writer.write_string("world")?;
    /// assert_eq!(writer.into_inner()?, b"world");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reset(&mut self, inner: W) -> W {
        self.buffer.clear();
        self.panicked = false;
        mem::replace(self.get_mut(), inner)
    }
}

/// Why there is an inner writer.
const OWNED: &str = "the inner writer is only taken by what consumes the Writer";

impl<W: Write> Drop for Writer<W> {
    fn drop(&mut self) {
        if self.inner.is_some() && !self.panicked {
            // Nobody is there to be told.
            let _ = self.flush_buffer();
        }
    }
}

impl<W: Write + fmt::Debug> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("inner", self.get_ref())
            .field("buffered", &self.buffered())
            .field("capacity", &self.capacity())
            .field("leased", &self.is_leased())
            .finish()
    }
}
