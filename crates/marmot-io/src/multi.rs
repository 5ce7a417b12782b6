//! Several readers one after the other, and several writers at the same time.

use std::collections::VecDeque;
use std::io::{self, BufRead, IoSliceMut, Read, Write};

use crate::checked::{CheckedReader, checked, room_of};
use crate::{Partial, read_full, write_full};

/// Reads several readers one after the other: Go's `MultiReader`.
///
/// A reader that has ended is dropped at once. Readers of different types are boxed, `Box<dyn Read>`, or borrowed,
/// `&mut dyn Read`; two of them are [`Read::chain`].
///
/// # Errors
///
/// Those of the reader whose turn it is. The next read asks it again.
///
/// # Blocking
///
/// As the readers.
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use marmot_io::MultiReader;
///
/// let mut text = String::new();
/// MultiReader::new([&b"one "[..], b"", b"two"]).read_to_string(&mut text)?;
/// assert_eq!(text, "one two");
///
/// let parts: [Box<dyn Read>; 2] = [Box::new(&b"<"[..]), Box::new(std::io::repeat(b'=').take(3))];
/// assert_eq!(marmot_io::read_all(&mut MultiReader::new(parts))?, b"<===");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MultiReader<R> {
    readers: VecDeque<R>,
}

impl<R> MultiReader<R> {
    /// Reads `readers` in their order.
    pub fn new(readers: impl IntoIterator<Item = R>) -> MultiReader<R> {
        MultiReader { readers: readers.into_iter().collect() }
    }

    /// The readers that have not ended yet, the current one first.
    pub fn into_inner(self) -> impl Iterator<Item = R> {
        self.readers.into_iter()
    }
}

impl<R: Read> MultiReader<R> {
    /// Reads by `read`, which has this much room, and some, from the first reader that does not end.
    fn read_with(&mut self, room: usize, mut read: impl FnMut(&mut R) -> io::Result<usize>) -> io::Result<usize> {
        while let Some(reader) = self.readers.front_mut() {
            match checked(read(reader)?, room)? {
                0 => self.readers.pop_front(),
                count => return Ok(count),
            };
        }
        Ok(0)
    }
}

impl<R: Read> Read for MultiReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Without room, nothing read does not mean the end.
        if buf.is_empty() { Ok(0) } else { self.read_with(buf.len(), |reader| reader.read(buf)) }
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        match room_of(bufs) {
            0 => Ok(0),
            room => self.read_with(room, |reader| reader.read_vectored(bufs)),
        }
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let before = buf.len();
        while let Some(reader) = self.readers.front_mut() {
            CheckedReader::new(reader).read_to_end(buf)?;
            self.readers.pop_front();
        }
        Ok(buf.len() - before)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl<R: BufRead> BufRead for MultiReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while let Some(reader) = self.readers.front_mut() {
            if !reader.fill_buf()?.is_empty() {
                break;
            }
            self.readers.pop_front();
        }
        match self.readers.front_mut() {
            Some(reader) => reader.fill_buf(),
            None => Ok(&[]),
        }
    }

    fn consume(&mut self, count: usize) {
        if let Some(reader) = self.readers.front_mut() {
            reader.consume(count);
        }
    }
}

/// Writes everything to several writers: Go's `MultiWriter`.
///
/// Each write goes to one writer after the other, in their order, and to each of them completely: a writer that takes a
/// part is asked again. So a write never returns less than all, unless it fails; the writers would get out of step.
/// Writers of different types are boxed, `Box<dyn Write>`, or borrowed, `&mut dyn Write`.
///
/// # Errors
///
/// The first error of a writer; those after it get nothing. [`WriteZero`](io::ErrorKind::WriteZero) if a writer takes
/// nothing. After an error the writers have got different bytes, which no later write makes good. An
/// [`Interrupted`](io::ErrorKind::Interrupted) write is made again.
///
/// # Blocking
///
/// As the writers.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use marmot_io::MultiWriter;
///
/// let (mut file, mut screen) = (Vec::new(), Vec::new());
/// MultiWriter::new([&mut file, &mut screen]).write_all(b"to both")?;
/// assert_eq!((&file[..], &screen[..]), (&b"to both"[..], &b"to both"[..]));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MultiWriter<W> {
    writers: Vec<W>,
}

impl<W> MultiWriter<W> {
    /// Writes to `writers`, in their order.
    pub fn new(writers: impl IntoIterator<Item = W>) -> MultiWriter<W> {
        MultiWriter { writers: writers.into_iter().collect() }
    }

    /// The writers.
    pub fn into_inner(self) -> Vec<W> {
        self.writers
    }
}

impl<W: Write> Write for MultiWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        for writer in &mut self.writers {
            write_full(writer, buf)?;
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writers.iter_mut().try_for_each(Write::flush)
    }
}
