//! Readers and writers that claim more than they were given, where the runtime calls them.

mod common;

use std::io::{self, BufRead, ErrorKind, IoSlice, IoSliceMut, Read, Write};

use common::{everywhere, file, pair};
use marmot::buffered::{Reader, Sink, Source, Writer};
use marmot::io::bufio::Error;

/// Claims more than it was given, or is always interrupted.
#[derive(Clone, Copy)]
struct Liar(Option<ErrorKind>);

const LIARS: [Liar; 2] = [Liar(None), Liar(Some(ErrorKind::Interrupted))];

impl Liar {
    fn claim(self, room: usize) -> io::Result<usize> {
        self.0.map_or(Ok(room * 20 + 1), |kind| Err(kind.into()))
    }

    #[track_caller]
    fn assert_found_out<T>(self, result: io::Result<T>) {
        let error = result.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other, "{error}");
        match self.0 {
            None => assert!(matches!(Error::of(&error), Some(Error::BadCount { .. })), "{error}"),
            Some(_) => assert!(matches!(Error::of(&error), Some(Error::TooManyInterrupts { .. })), "{error}"),
        }
    }
}

impl Read for Liar {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.claim(buf.len())
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.claim(bufs.iter().map(|buf| buf.len()).sum())
    }
}

impl Write for Liar {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.claim(buf.len())
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.claim(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Liar {}

impl Sink for Liar {
    fn try_write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_vectored(bufs)
    }
}

#[test]
fn copying_believes_neither_end() {
    everywhere(|_| {
        for liar in LIARS {
            let (near, far) = pair();
            let file = file(b"bytes");
            liar.assert_found_out(marmot::io::copy(&mut { liar }, &mut io::sink()));
            liar.assert_found_out(marmot::io::copy(&mut { liar }, &mut &near));
            liar.assert_found_out(marmot::io::copy_n(&mut { liar }, &mut &file, 100).map_err(io::Error::from));
            liar.assert_found_out(
                marmot::io::copy_buffer(&mut { liar }, &mut &near, &mut [0; 10]).map_err(io::Error::from),
            );
            liar.assert_found_out(marmot::io::copy(&mut &b"bytes"[..], &mut { liar }));
            (&far).write_all(b"bytes").unwrap();
            liar.assert_found_out(marmot::io::copy(&mut &near, &mut { liar }));
            liar.assert_found_out(marmot::io::copy(&mut &file, &mut { liar }));
        }
    });
}

#[test]
fn a_source_that_lies_ends_what_is_read_ahead() {
    everywhere(|_| {
        for liar in LIARS {
            let mut reader = Reader::new(liar).unwrap();
            liar.assert_found_out(reader.fill_buf().map(<[u8]>::len));
            assert_eq!(reader.len(), 0);
        }
    });
}

#[test]
fn a_sink_that_lies_is_found_out_whoever_sends() {
    everywhere(|_| {
        for liar in LIARS {
            let mut writer = Writer::new(liar);
            writer.write_all(b"gathered").unwrap();
            // The goroutine's M may be the one that sends.
            marmot::yield_now();
            liar.assert_found_out(writer.flush());
            let mut writer = Writer::new(liar);
            liar.assert_found_out(writer.write_all(&[7; 100_000]));
        }
    });
}
