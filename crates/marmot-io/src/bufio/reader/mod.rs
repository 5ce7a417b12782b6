//! `Reader`: reading through a buffer that is held only while it holds bytes.
//!
//! `last` is what the last read took, if it can be put back. The invariant behind [`Reader::unread_byte`]: while `last`
//! is something, either the buffer still has it before its first byte, or the buffer is empty. Whatever fills the buffer
//! goes through [`Reader::fill`], which keeps it.

mod lines;
mod read;
mod traits;

pub use lines::LinePart;

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::mem;

use super::DEFAULT_CAPACITY;
use super::buffer::Buffer;
use crate::WaitReadable;
use crate::checked::Retries;

/// Reads through a buffer: Go's `bufio.Reader` and `std`'s [`BufReader`](std::io::BufReader) in one.
///
/// It implements [`Read`], [`BufRead`](std::io::BufRead) and, if the source does, [`Seek`](std::io::Seek). What fails
/// takes nothing out: an error of the source is returned once, by the call that met it, with the bytes before it still
/// in the [buffer](Reader::buffer), and the next call asks the source again. A read of zero bytes is the end, and is
/// also asked for again each time; so a source without progress ends what reads it instead of keeping it busy.
///
/// The buffer is borrowed from the thread when bytes come, and goes back when they have been read. After
/// [`read_slice`](Reader::read_slice) and [`read_line_part`](Reader::read_line_part), which lend from it, that is at the
/// next call. [`waiting`](Reader::waiting) makes a reader that waits for its source without one, too.
///
/// # Errors
///
/// The source's, as they are. [`Interrupted`](ErrorKind::Interrupted) is returned by the methods of [`Read`] and
/// [`fill_buf`](std::io::BufRead::fill_buf), as `std`'s are; all others try again.
///
/// # Blocking
///
/// As the source: at most one of its reads that finds something is done for a `read` or `fill_buf`.
///
/// # Cancellation
///
/// No byte is lost by an error of the source.
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use marmot_io::bufio::Reader;
///
/// let mut reader = Reader::new(&b"GET / HTTP/1.1\r\nhost: x\r\n\r\nbody"[..]);
/// while let Some(line) = reader.read_line_part()? {
///     if line.bytes.is_empty() {
///         break;
///     }
/// }
/// let mut body = String::new();
/// reader.read_to_string(&mut body)?;
/// assert_eq!(body, "body");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Reader<R> {
    buffer: Buffer,
    last: Last,
    /// Waits for the source before a buffer is taken.
    wait: Option<fn(&R) -> io::Result<()>>,
    /// Also across calls: `std`'s loops, such as that of `read_until`, know no end.
    retries: Retries,
    inner: R,
}

/// What the last call took, if it can be put back.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    /// The last byte of what was read.
    Byte(u8),
    /// The bytes of a character, and how many they are.
    Rune([u8; 4], usize),
}

impl<R> Reader<R> {
    /// A reader with a buffer of [`DEFAULT_CAPACITY`].
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"hello"[..]);
    /// assert_eq!(reader.read_byte()?, Some(b'h'));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(inner: R) -> Reader<R> {
        Reader::with_capacity(DEFAULT_CAPACITY, inner)
    }

    /// A reader with a buffer of `capacity` bytes, 16 at least.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// assert_eq!(Reader::with_capacity(1234, &b"hello"[..]).capacity(), 1234);
    /// assert_eq!(Reader::with_capacity(0, &b"hello"[..]).capacity(), 16);
    /// ```
    pub fn with_capacity(capacity: usize, inner: R) -> Reader<R> {
        Reader { buffer: Buffer::new(capacity), last: Last::Nothing, wait: None, retries: Retries::default(), inner }
    }

    /// Makes it wait until the source is readable before it takes a buffer, so that an idle connection holds none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{self, Read};
    /// use marmot_io::WaitReadable;
    /// use marmot_io::bufio::Reader;
    ///
    /// struct Connection;
    ///
    /// impl Read for Connection {
    ///     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
    ///         buf[0] = b'x';
    ///         Ok(1)
    ///     }
    /// }
    ///
    /// impl WaitReadable for Connection {
    ///     fn wait_readable(&self) -> io::Result<()> {
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let mut reader = Reader::new(Connection).waiting();
    /// assert_eq!(reader.read_byte()?, Some(b'x'));
    /// assert!(!reader.is_leased());
    /// # Ok::<(), io::Error>(())
    /// ```
    pub fn waiting(mut self) -> Reader<R>
    where
        R: WaitReadable,
    {
        self.wait = Some(R::wait_readable);
        self
    }

    /// The bytes that have been read from the source and not yet from here.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"hello"[..]);
    /// assert_eq!(reader.buffer(), b"");
    /// reader.read_byte()?;
    /// assert_eq!(reader.buffer(), b"ello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn buffer(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// How many bytes can be read without asking the source.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"hello"[..]);
    /// reader.read_byte()?;
    /// assert_eq!(reader.buffered(), 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The size of the buffer, also while there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::{DEFAULT_CAPACITY, Reader};
    ///
    /// assert_eq!(Reader::new(std::io::empty()).capacity(), DEFAULT_CAPACITY);
    /// ```
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Whether it holds a buffer at the moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"ab"[..]);
    /// assert!(!reader.is_leased());
    /// reader.read_byte()?;
    /// assert!(reader.is_leased());
    /// reader.read_byte()?;
    /// assert!(!reader.is_leased());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_leased(&self) -> bool {
        self.buffer.is_leased()
    }

    /// The source.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// assert_eq!(Reader::new(&b"hello"[..]).get_ref(), b"hello");
    /// ```
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The source. What is read from it directly is missing here, and what was read last can not be put back any more: who
    /// has the source may have moved it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Cursor;
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(Cursor::new(b"hello"));
    /// reader.get_mut().set_position(4);
    /// assert_eq!(reader.read_byte()?, Some(b'o'));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn get_mut(&mut self) -> &mut R {
        self.last = Last::Nothing;
        &mut self.inner
    }

    /// The source alone. The bytes in the buffer are lost; [`into_parts`](Reader::into_parts) keeps them.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// assert_eq!(Reader::new(&b"hello"[..]).into_inner(), b"hello");
    /// ```
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// The source, and the bytes that had been read from it ahead.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Cursor, Read};
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"hello"[..]);
    /// reader.read_byte()?;
    /// let (source, ahead) = reader.into_parts();
    /// let mut rest = String::new();
    /// Cursor::new(ahead).chain(source).read_to_string(&mut rest)?;
    /// assert_eq!(rest, "ello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_parts(self) -> (R, Vec<u8>) {
        (self.inner, self.buffer.bytes().to_vec())
    }

    /// Forgets what is in the buffer and reads from `inner` from now on; returns the former source.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Reader;
    ///
    /// let mut reader = Reader::new(&b"hello"[..]);
    /// reader.read_byte()?;
    /// reader.reset(&b"world"[..]);
    /// assert_eq!(reader.read_byte()?, Some(b'w'));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reset(&mut self, inner: R) -> R {
        self.forget();
        mem::replace(&mut self.inner, inner)
    }

    /// Forgets the bytes, and what could be put back.
    fn forget(&mut self) {
        self.buffer.clear();
        self.last = Last::Nothing;
    }

    /// Has only the last byte of a character be put back.
    fn forget_rune(&mut self) {
        if let Last::Rune(bytes, width) = self.last {
            self.last = Last::Byte(bytes[width - 1]);
        }
    }

    /// Takes `count` bytes out, the last of which can be put back.
    fn consumed(&mut self, count: usize) {
        if let Some(&byte) = self.buffer.bytes().get(..count).and_then(<[u8]>::last) {
            self.last = Last::Byte(byte);
            self.buffer.consume(count);
        }
    }
}

impl<R: Read> Reader<R> {
    /// Adds to the buffer, which is not full, what one read of the source finds.
    fn fill(&mut self) -> io::Result<usize> {
        if self.buffer.is_empty()
            && let Some(wait) = self.wait
        {
            self.buffer.clear();
            if let Err(error) = wait(&self.inner) {
                return self.retries.pass(Err(error));
            }
        }
        let result = self.buffer.fill(|spare| self.inner.read(spare));
        if self.buffer.is_empty() {
            self.forget_rune();
        } else {
            // What was before the first byte has been overwritten.
            self.last = Last::Nothing;
        }
        self.retries.pass(result)
    }

    /// As [`fill`](Reader::fill), until it is not interrupted.
    fn fill_whole(&mut self) -> io::Result<usize> {
        loop {
            match self.fill() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl<R: WaitReadable> WaitReadable for Reader<R> {
    /// Returns at once if there are bytes in the buffer.
    fn wait_readable(&self) -> io::Result<()> {
        if self.buffer.is_empty() { self.inner.wait_readable() } else { Ok(()) }
    }
}

impl<R: fmt::Debug> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("inner", &self.inner)
            .field("buffered", &self.buffered())
            .field("capacity", &self.capacity())
            .field("leased", &self.is_leased())
            .finish()
    }
}
