//! Sources and sinks that do as they are told.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};

/// What a [`Source`] does at a read.
#[derive(Clone, Debug)]
pub enum Give {
    Bytes(Vec<u8>),
    /// Zero bytes: the end, for this time.
    End,
    Error(ErrorKind),
}

/// Reads as the script says, a step at a time; a step of bytes that finds too little room goes on at the next read. After
/// the script is the end.
#[derive(Debug, Default)]
pub struct Source {
    script: VecDeque<Give>,
    pub reads: usize,
}

impl Source {
    pub fn new(script: impl IntoIterator<Item = Give>) -> Source {
        let is_something = |give: &Give| !matches!(give, Give::Bytes(bytes) if bytes.is_empty());
        Source { script: script.into_iter().filter(is_something).collect(), reads: 0 }
    }

    /// Each part at a read of its own.
    pub fn parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Source {
        Source::new(parts.into_iter().map(|part| Give::Bytes(part.to_vec())))
    }

    /// So many bytes at a read.
    pub fn stride(data: &[u8], stride: usize) -> Source {
        Source::parts(data.chunks(stride))
    }

    /// The bytes, and then an error.
    pub fn failing(data: &[u8], kind: ErrorKind) -> Source {
        Source::new([Give::Bytes(data.to_vec()), Give::Error(kind)])
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        match self.script.pop_front() {
            None | Some(Give::End) => Ok(0),
            Some(Give::Error(kind)) => Err(kind.into()),
            Some(Give::Bytes(bytes)) => {
                let count = bytes.len().min(buf.len());
                buf[..count].copy_from_slice(&bytes[..count]);
                if count < bytes.len() {
                    self.script.push_front(Give::Bytes(bytes[count..].to_vec()));
                }
                Ok(count)
            }
        }
    }
}

/// What a [`Sink`] does at a write.
#[derive(Clone, Copy, Debug)]
pub enum Take {
    UpTo(usize),
    Error(ErrorKind),
}

/// Writes as the script says; after it, takes everything.
#[derive(Debug, Default)]
pub struct Sink {
    pub script: VecDeque<Take>,
    /// Whether it takes more than the first of several slices.
    pub is_vectored: bool,
    /// What each successful write took.
    pub writes: Vec<Vec<u8>>,
    pub flushes: usize,
}

impl Sink {
    pub fn new(script: impl IntoIterator<Item = Take>) -> Sink {
        Sink { script: script.into_iter().collect(), ..Sink::default() }
    }

    pub fn vectored(script: impl IntoIterator<Item = Take>) -> Sink {
        Sink { is_vectored: true, ..Sink::new(script) }
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.writes.concat()
    }
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = match self.script.pop_front() {
            None => buf.len(),
            Some(Take::UpTo(most)) => buf.len().min(most),
            Some(Take::Error(kind)) => return Err(kind.into()),
        };
        self.writes.push(buf[..count].to_vec());
        Ok(count)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.is_vectored {
            let bufs: Vec<&[u8]> = bufs.iter().map(|buf| &**buf).collect();
            self.write(&bufs.concat())
        } else {
            self.write(bufs.iter().find(|buf| !buf.is_empty()).map_or(&[], |buf| buf))
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes += 1;
        Ok(())
    }
}

/// Claims one byte more than it was given, whether to read or to write.
pub struct Liar;

impl Read for Liar {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(buf.len() + 1)
    }
}

impl Write for Liar {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len() + 1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that do not repeat soon.
pub fn pattern(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i % 251) as u8 ^ if i % 101 == 0 { (i / 101) as u8 } else { 0 }).collect()
}
