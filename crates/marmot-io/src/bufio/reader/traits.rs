//! `Read`, `BufRead` and `Seek` for `Reader`.

use std::io::{self, BufRead, ErrorKind, IoSliceMut, Read, Seek, SeekFrom};

use marmot_buf::Counted;

use super::{Last, Reader};
use crate::checked::{CheckedReader, checked, room_of};

impl<R: Read> Read for Reader<R> {
    /// Reads from the buffer, or, if it is empty and `buf` is not smaller, from the source directly. Reading into nothing
    /// returns at once.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.buffer.is_empty() && buf.len() >= self.capacity() {
            self.bypass();
            let read = self.inner.read(buf);
            let count = checked(self.retries.pass(read)?, buf.len())?;
            self.passed(buf[..count].last());
            return Ok(count);
        }
        let count = self.fill_buf()?.read(buf)?;
        self.consume(count);
        Ok(count)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let room = room_of(bufs);
        if room == 0 {
            return Ok(0);
        }
        if self.buffer.is_empty() && room >= self.capacity() {
            self.bypass();
            let read = self.inner.read_vectored(bufs);
            let count = checked(self.retries.pass(read)?, room)?;
            let last = count.checked_sub(1).and_then(|last| bufs.iter().flat_map(|buf| buf.iter()).nth(last));
            self.passed(last);
            return Ok(count);
        }
        let count = self.fill_buf()?.read_vectored(bufs)?;
        self.consume(count);
        Ok(count)
    }

    fn read_exact(&mut self, mut buf: &mut [u8]) -> io::Result<()> {
        if let Some(bytes) = self.buffer.bytes().get(..buf.len()) {
            buf.copy_from_slice(bytes);
            self.consume(buf.len());
            return Ok(());
        }
        let asked = buf.len();
        while !buf.is_empty() {
            match self.read(buf) {
                Ok(0) => {
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, "the end came before the buffer was full"));
                }
                Ok(count) => buf = &mut buf[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Counted::tell(error, (asked - buf.len()) as u64)),
            }
        }
        Ok(())
    }

    fn read_to_end(&mut self, out: &mut Vec<u8>) -> io::Result<usize> {
        let had = self.buffered();
        out.extend_from_slice(self.buffer());
        self.consumed(had);
        self.bypass();
        let before = out.len();
        let result = CheckedReader::new(&mut self.inner).read_to_end(out);
        self.passed(out[before..].last());
        Ok(had + result?)
    }
}

impl<R: Read> BufRead for Reader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.buffer.is_empty() {
            self.fill()?;
        }
        Ok(self.buffer.bytes())
    }

    fn consume(&mut self, count: usize) {
        self.consumed(count.min(self.buffered()));
    }
}

impl<R: Seek> Seek for Reader<R> {
    /// Seeks, counting from what has been read from here. The buffer is forgotten, also where the target lies in it;
    /// [`seek_relative`](Seek::seek_relative) keeps what it can.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // It is far below `i64::MAX`, which no buffer can reach.
        let ahead = self.buffered() as i64;
        let position = match to {
            SeekFrom::Current(by) => match by.checked_sub(ahead) {
                Some(by) => self.inner.seek(SeekFrom::Current(by))?,
                None => {
                    // Further back than one seek reaches.
                    self.inner.seek(SeekFrom::Current(-ahead))?;
                    self.forget();
                    self.inner.seek(SeekFrom::Current(by))?
                }
            },
            to => self.inner.seek(to)?,
        };
        self.forget();
        Ok(position)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        let ahead = self.buffered() as u64;
        self.inner.stream_position()?.checked_sub(ahead).ok_or_else(|| {
            io::Error::other("the source was moved back behind the buffer's back: seek through the Reader instead")
        })
    }

    /// Seeks within the buffer if the target is there, which costs nothing.
    fn seek_relative(&mut self, by: i64) -> io::Result<()> {
        let count = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
        if by >= 0 && count <= self.buffered() {
            self.last = Last::Nothing;
            self.buffer.consume(count);
        } else if by < 0 && count <= self.buffer.consumed() {
            self.last = Last::Nothing;
            self.buffer.rewind(count);
        } else {
            self.seek(SeekFrom::Current(by))?;
        }
        Ok(())
    }
}

impl<R> Reader<R> {
    /// Prepares for a read past the buffer, which is empty.
    fn bypass(&mut self) {
        self.buffer.clear();
        self.forget_rune();
    }

    /// Notes the last byte of what went past the buffer.
    fn passed(&mut self, last: Option<&u8>) {
        if let Some(&byte) = last {
            self.last = Last::Byte(byte);
        }
    }
}
