//! What comes of a `Writer` whose bytes could not be written.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use super::Writer;

/// Why [`Writer::into_inner`] could not write everything, and the writer.
///
/// # Examples
///
/// ```
/// use marmot_io::bufio::Writer;
///
/// let mut small = [0; 3];
/// let mut writer = Writer::new(&mut small[..]);
/// writer.write_string("hello")?;
/// let error = writer.into_inner().unwrap_err();
/// assert_eq!(error.error().kind(), std::io::ErrorKind::WriteZero);
/// assert_eq!(error.into_inner().buffer(), b"lo");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct IntoInnerError<W: Write> {
    writer: Writer<W>,
    error: io::Error,
}

impl<W: Write> IntoInnerError<W> {
    pub(super) fn new(writer: Writer<W>, error: io::Error) -> IntoInnerError<W> {
        IntoInnerError { writer, error }
    }

    /// What went wrong.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(&mut [0; 0][..]);
    /// writer.write_byte(b'x')?;
    /// let error = writer.into_inner().unwrap_err();
    /// assert_eq!(error.error().kind(), std::io::ErrorKind::WriteZero);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn error(&self) -> &io::Error {
        &self.error
    }

    /// The writer, with what it could not write.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(&mut [0; 0][..]);
    /// writer.write_byte(b'x')?;
    /// assert_eq!(writer.into_inner().unwrap_err().into_inner().buffered(), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_inner(self) -> Writer<W> {
        self.writer
    }

    /// What went wrong, without the writer, which is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(&mut [0; 0][..]);
    /// writer.write_byte(b'x')?;
    /// assert_eq!(writer.into_inner().unwrap_err().into_error().kind(), std::io::ErrorKind::WriteZero);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_error(self) -> io::Error {
        self.error
    }

    /// What went wrong, and the writer.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::Writer;
    ///
    /// let mut writer = Writer::new(&mut [0; 0][..]);
    /// writer.write_byte(b'x')?;
    /// let (error, writer) = writer.into_inner().unwrap_err().into_parts();
    /// assert_eq!(error.kind(), std::io::ErrorKind::WriteZero);
    /// assert_eq!(writer.buffer(), b"x");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_parts(self) -> (io::Error, Writer<W>) {
        (self.error, self.writer)
    }
}

impl<W: Write> fmt::Debug for IntoInnerError<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoInnerError")
            .field("error", &self.error)
            .field("unwritten", &self.writer.buffered())
            .finish_non_exhaustive()
    }
}

impl<W: Write> fmt::Display for IntoInnerError<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes were not written)", self.error, self.writer.buffered())
    }
}

impl<W: Write> Error for IntoInnerError<W> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl<W: Write> From<IntoInnerError<W>> for io::Error {
    fn from(error: IntoInnerError<W>) -> io::Error {
        error.into_error()
    }
}

/// The bytes of a [`Writer`] whose inner writer panicked: it may have written some of them.
///
/// # Examples
///
/// ```
/// use std::io::{self, Write};
/// use std::panic::{AssertUnwindSafe, catch_unwind};
/// use marmot_io::bufio::Writer;
///
/// struct Bomb;
///
/// impl Write for Bomb {
///     fn write(&mut self, _: &[u8]) -> io::Result<usize> {
///         panic!("boom")
///     }
///     fn flush(&mut self) -> io::Result<()> {
///         Ok(())
///     }
/// }
///
/// let mut writer = Writer::new(Bomb);
/// writer.write_string("hello")?;
/// assert!(catch_unwind(AssertUnwindSafe(|| writer.flush())).is_err());
/// let (_, bytes) = writer.into_parts();
/// assert_eq!(bytes.unwrap_err().into_inner(), b"hello");
/// # Ok::<(), io::Error>(())
/// ```
#[derive(Debug)]
pub struct WriterPanicked {
    bytes: Vec<u8>,
}

impl WriterPanicked {
    pub(super) fn new(bytes: Vec<u8>) -> WriterPanicked {
        WriterPanicked { bytes }
    }

    /// The bytes, from the first that may not have been written.
    pub fn into_inner(self) -> Vec<u8> {
        self.bytes
    }
}

impl fmt::Display for WriterPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the writer panicked: how many of {} bytes it had written is not known", self.bytes.len())
    }
}

impl Error for WriterPanicked {}
