//! `ReadWriter`: a reader and a writer as one.

use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Write};

use super::{Reader, Writer};

/// A [`Reader`] and a [`Writer`], for what wants both in one value: Go's `bufio.ReadWriter`.
///
/// The two know nothing of each other: reading does not flush what was written before.
///
/// # Blocking
///
/// As its parts.
///
/// # Examples
///
/// ```
/// use std::io::{BufRead, Write};
/// use marmot_io::bufio::{ReadWriter, Reader, Writer};
///
/// fn greet<C: BufRead + Write>(conn: &mut C) -> std::io::Result<()> {
///     let mut name = String::new();
///     conn.read_line(&mut name)?;
///     write!(conn, "hello {}!", name.trim_end())?;
///     conn.flush()
/// }
///
/// let mut conn = ReadWriter::new(Reader::new(&b"gopher\n"[..]), Writer::new(Vec::new()));
/// greet(&mut conn)?;
/// assert_eq!(conn.writer.get_ref(), b"hello gopher!");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ReadWriter<R, W: Write> {
    /// What is read from.
    pub reader: Reader<R>,
    /// What is written to.
    pub writer: Writer<W>,
}

impl<R, W: Write> ReadWriter<R, W> {
    /// Joins the two.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_io::bufio::{ReadWriter, Reader, Writer};
    ///
    /// let mut both = ReadWriter::new(Reader::new(&b"x"[..]), Writer::new(Vec::new()));
    /// assert_eq!(both.reader.read_byte()?, Some(b'x'));
    /// both.writer.write_byte(b'y')?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(reader: Reader<R>, writer: Writer<W>) -> ReadWriter<R, W> {
        ReadWriter { reader, writer }
    }
}

impl<R: Read, W: Write> Read for ReadWriter<R, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.reader.read_vectored(bufs)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(buf)
    }

    fn read_to_end(&mut self, out: &mut Vec<u8>) -> io::Result<usize> {
        self.reader.read_to_end(out)
    }
}

impl<R: Read, W: Write> BufRead for ReadWriter<R, W> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.reader.consume(count);
    }
}

impl<R, W: Write> Write for ReadWriter<R, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writer.write(buf)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        self.writer.write_all(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writer.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
