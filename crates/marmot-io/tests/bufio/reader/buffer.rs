//! The buffer: its size, when it is held, and what becomes of it.

use std::cell::Cell;
use std::io::{self, BufRead, ErrorKind, Read};

use marmot_io::WaitReadable;
use marmot_io::bufio::{DEFAULT_CAPACITY, Reader, Scanner};

use super::SMALLEST;
use crate::common::{Give, Source};

#[test]
fn it_has_the_size_that_was_asked_for() {
    assert_eq!(Reader::new(io::empty()).capacity(), DEFAULT_CAPACITY);
    assert_eq!(Reader::with_capacity(1234, io::empty()).capacity(), 1234);
    assert_eq!(Reader::with_capacity(0, io::empty()).capacity(), SMALLEST);
    let mut reader = Reader::with_capacity(1234, io::repeat(0));
    assert_eq!(reader.fill_buf().unwrap().len(), 1234);
}

#[test]
fn it_is_held_only_while_there_are_bytes() {
    let mut reader = Reader::new(Source::parts([&b"ab"[..], b"c\n", b"de"]));
    assert!(!reader.is_leased());
    assert_eq!(reader.read_byte().unwrap(), Some(b'a'));
    assert!(reader.is_leased());
    assert!(format!("{reader:?}").contains("leased: true"));
    assert_eq!(reader.read_byte().unwrap(), Some(b'b'));
    assert!(!reader.is_leased());
    reader.unread_byte().unwrap();
    assert!(reader.is_leased());
    assert_eq!(reader.read_bytes(b'\n').unwrap(), b"bc\n");
    assert!(!reader.is_leased());
    assert_eq!(reader.peek(2).unwrap(), b"de");
    assert_eq!(reader.discard(2).unwrap(), 2);
    assert!(!reader.is_leased());
    assert_eq!(reader.read_byte().unwrap(), None);
    assert!(!reader.is_leased());
}

#[test]
fn a_lent_line_holds_it_until_the_next_call() {
    let mut reader = Reader::new(Source::parts([&b"line\n"[..]]));
    assert_eq!(reader.read_slice(b'\n').unwrap(), b"line\n");
    assert!(reader.is_leased());
    assert_eq!(reader.buffered(), 0);
    assert_eq!(reader.read_slice(b'\n').unwrap(), b"");
    assert!(!reader.is_leased());
}

#[test]
fn a_new_source_starts_afresh() {
    let mut reader = Reader::new(&b"foo foo"[..]);
    let mut buf = [0; 3];
    reader.read_exact(&mut buf).unwrap();
    assert_eq!(reader.reset(&b"bar bar"[..]), b"");
    assert_eq!((reader.buffered(), reader.is_leased()), (0, false));
    assert!(reader.unread_byte().is_err());
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    assert_eq!(all, "bar bar");
}

#[test]
fn the_source_comes_back_with_and_without_what_was_read_ahead() {
    let mut reader = Reader::with_capacity(SMALLEST, &b"0123456789abcdefghij"[..]);
    reader.read_exact(&mut [0; 10]).unwrap();
    assert_eq!(*reader.get_ref(), b"ghij");
    assert_eq!(reader.into_parts(), (&b"ghij"[..], b"abcdef".to_vec()));
    let mut reader = Reader::with_capacity(SMALLEST, &b"0123456789abcdefghij"[..]);
    reader.read_exact(&mut [0; 10]).unwrap();
    assert_eq!(reader.into_inner(), b"ghij");
}

/// A source that is waited for.
struct Idle {
    source: Source,
    waits: Cell<usize>,
    failing: Cell<Option<ErrorKind>>,
}

impl Idle {
    fn new(script: impl IntoIterator<Item = Give>) -> Idle {
        Idle { source: Source::new(script), waits: Cell::new(0), failing: Cell::new(None) }
    }
}

impl Read for Idle {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.source.read(buf)
    }
}

impl WaitReadable for Idle {
    fn wait_readable(&self) -> io::Result<()> {
        self.waits.set(self.waits.get() + 1);
        self.failing.take().map_or(Ok(()), |kind| Err(kind.into()))
    }
}

fn lines() -> Idle {
    Idle::new([Give::Bytes(b"one\n".to_vec()), Give::Bytes(b"two\nthr".to_vec()), Give::Bytes(b"ee\n".to_vec())])
}

#[test]
fn a_waiting_reader_waits_between_lines() {
    let mut reader = Reader::with_capacity(4096, lines()).waiting();
    for line in [&b"one\n"[..], b"two\n", b"three\n", b""] {
        assert_eq!(reader.read_slice(b'\n').unwrap(), line);
    }
    // There was no wait in the middle of a line, where the buffer held bytes.
    assert_eq!(reader.get_ref().waits.get(), 3);
    assert!(!reader.is_leased());
}

#[test]
fn a_waiting_scanner_waits_between_lines() {
    let mut scanner = Scanner::new(lines()).waiting();
    for line in [Some(&b"one"[..]), Some(b"two"), Some(b"three"), None] {
        assert_eq!(scanner.scan().unwrap(), line);
    }
    assert_eq!(scanner.get_ref().waits.get(), 3);
    assert!(!scanner.is_leased());
}

#[test]
fn a_reader_with_bytes_is_readable_and_another_asks_its_source() {
    let mut reader = Reader::with_capacity(4096, lines());
    reader.wait_readable().unwrap();
    assert_eq!(reader.get_ref().waits.get(), 1);
    assert_eq!(reader.peek(1).unwrap(), b"o");
    reader.wait_readable().unwrap();
    assert_eq!(reader.get_ref().waits.get(), 1);
    assert_eq!(reader.discard(4).unwrap(), 4);
    fn wait(source: impl WaitReadable) {
        source.wait_readable().unwrap();
    }
    // What stands for it is waited for as it is.
    wait(&reader);
    wait(&mut reader);
    assert_eq!(reader.get_ref().waits.get(), 3);
    let boxed: Box<dyn WaitReadable> = Box::new(reader);
    boxed.wait_readable().unwrap();
    wait(boxed);
}

#[test]
fn a_wait_that_fails_is_a_read_that_fails() {
    let mut reader = Reader::with_capacity(4096, lines()).waiting();
    for kind in [ErrorKind::TimedOut, ErrorKind::NotConnected] {
        reader.get_ref().failing.set(Some(kind));
        assert_eq!(reader.read_byte().unwrap_err().kind(), kind);
        assert_eq!((reader.is_leased(), reader.get_ref().source.reads), (false, 0));
    }
    reader.get_ref().failing.set(Some(ErrorKind::Interrupted));
    assert_eq!(reader.read_byte().unwrap(), Some(b'o'));
}

#[test]
fn a_source_that_panics_leaves_a_reader_that_can_be_read() {
    struct Bomb(bool);

    impl Read for Bomb {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            assert!(!std::mem::take(&mut self.0), "boom");
            buf[0] = b'x';
            Ok(1)
        }
    }

    let mut reader = Reader::new(Bomb(true));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reader.read_byte())).unwrap_err();
    assert_eq!(reader.buffered(), 0);
    assert_eq!(reader.read_byte().unwrap(), Some(b'x'));
    assert!(!reader.is_leased());
}
