//! Readers and writers made of others: tee, several, limits, and what keeps nothing.

mod common;

use std::cell::RefCell;
use std::io::{self, BufRead, Cursor, ErrorKind, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use common::{Chunked, Step, Stepwise, kind};
use marmot_io::{
    Discard, LimitReader, MultiReader, MultiWriter, TeeReader, WriterAt, bufio, copy, pipe, read_all, read_full,
};

#[test]
fn a_tee_writes_what_it_reads() {
    let (mut writer, mut buf) = (Vec::new(), [0; 12]);
    let mut tee = TeeReader::new(&b"hello, world"[..], &mut writer);
    assert_eq!(read_full(&mut tee, &mut buf).unwrap(), 12);
    assert_eq!(&buf, b"hello, world");
    assert_eq!(tee.read(&mut buf).unwrap(), 0);
    assert_eq!(writer, b"hello, world");
}

#[test]
fn a_tee_writes_before_the_read_returns() {
    let mut tee = TeeReader::new(&b"hello"[..], Vec::new());
    assert_eq!(tee.read(&mut [0; 2]).unwrap(), 2);
    assert_eq!((&tee.writer()[..], *tee.reader()), (&b"he"[..], &b"llo"[..]));
}

#[test]
fn a_tee_into_a_closed_pipe_cannot_be_read() {
    let (reader, writer) = pipe();
    reader.close();
    let mut tee = TeeReader::new(&b"hello"[..], writer);
    let partial = read_full(&mut tee, &mut [0; 5]).unwrap_err();
    assert_eq!((partial.moved, partial.kind()), (0, ErrorKind::BrokenPipe));
    let (rest, _, kept) = tee.into_parts();
    assert_eq!([&kept[..], rest].concat(), b"hello");
}

#[test]
fn a_tee_returns_exactly_what_was_written_and_then_the_error() {
    let writer = Stepwise::sink([Step::Move(2), Step::Fail(ErrorKind::TimedOut), Step::Fail(ErrorKind::TimedOut)]);
    let (mut tee, mut buf) = (TeeReader::new(&b"hello"[..], writer), [0; 8]);
    assert_eq!(tee.read(&mut buf).unwrap(), 2);
    assert_eq!(buf[..2], *b"he");
    assert_eq!(kind(tee.read(&mut buf)), ErrorKind::TimedOut);
    // It fails again, without having taken anything.
    assert_eq!(kind(tee.read(&mut buf)), ErrorKind::TimedOut);
    // It recovers: nothing is lost, and nothing written twice.
    assert_eq!(tee.read(&mut buf[..1]).unwrap(), 1);
    assert_eq!(buf[0], b'l');
    assert_eq!(read_all(&mut tee).unwrap(), b"lo");
    assert_eq!(tee.writer().bytes, b"hello");
}

#[test]
fn a_tee_of_nothing_writes_nothing() {
    let mut tee = TeeReader::new(&b"hello"[..], Stepwise::sink([]));
    assert_eq!(tee.read(&mut []).unwrap(), 0);
    assert_eq!((tee.writer().calls, *tee.reader()), (0, &b"hello"[..]));
}

#[test]
fn a_tee_passes_on_the_readers_error() {
    let mut tee = TeeReader::new(Stepwise::new(b"", [Step::Fail(ErrorKind::Interrupted)]), Vec::new());
    assert_eq!(kind(tee.read(&mut [0; 2])), ErrorKind::Interrupted);
}

#[test]
fn a_tee_into_a_writer_that_takes_nothing_fails() {
    let mut tee = TeeReader::new(&b"hello"[..], Stepwise::sink([Step::Nothing]));
    assert_eq!(kind(tee.read(&mut [0; 2])), ErrorKind::WriteZero);
}

/// Three readers, of which the one in the middle is empty.
fn three() -> MultiReader<&'static [u8]> {
    MultiReader::new([&b"foo "[..], b"", b"bar"])
}

#[test]
fn a_read_does_not_go_beyond_one_reader() {
    let mut buf = [0; 20];
    for (reads, expected) in [
        (&[2, 5, 5, 5][..], &["fo", "o ", "bar", ""][..]),
        (&[4, 1, 3, 1], &["foo ", "b", "ar", ""]),
        (&[5], &["foo "]),
    ] {
        let mut multi = three();
        for (&size, expected) in reads.iter().zip(expected) {
            let count = multi.read(&mut buf[..size]).unwrap();
            assert_eq!(buf[..count], *expected.as_bytes());
        }
    }
}

#[test]
fn readers_are_read_one_after_the_other_by_each_method() {
    assert_eq!(io::read_to_string(three()).unwrap(), "foo bar");
    assert_eq!(three().lines().map(Result::unwrap).collect::<Vec<_>>(), ["foo bar"]);
    let (mut a, mut b) = ([0; 3], [0; 9]);
    let mut multi = three();
    assert_eq!(multi.read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)]).unwrap(), 4);
    assert_eq!((&a, b[0]), (b"foo", b' '));
    let nested = MultiReader::new([MultiReader::new([&b"1"[..]]), three(), MultiReader::new([])]);
    assert_eq!(io::read_to_string(nested).unwrap(), "1foo bar");
}

#[test]
fn a_line_may_begin_in_one_reader_and_end_in_another() {
    let mut multi = MultiReader::new([&b"\xc3"[..], &b"\xa9\nnext"[..]]);
    let mut line = String::new();
    assert_eq!(multi.read_line(&mut line).unwrap(), 3);
    assert_eq!(line, "é\n");
}

#[test]
fn no_readers_are_at_their_end() {
    let mut multi = MultiReader::<io::Empty>::new([]);
    assert_eq!(multi.read(&mut [0; 4]).unwrap(), 0);
    assert_eq!(multi.fill_buf().unwrap(), b"");
    multi.consume(0);
}

#[test]
fn a_read_without_room_is_not_the_end_of_a_reader() {
    let mut multi = MultiReader::new([&b"A"[..], b"B"]);
    assert_eq!(multi.read(&mut []).unwrap(), 0);
    assert_eq!(multi.read_vectored(&mut [IoSliceMut::new(&mut [])]).unwrap(), 0);
    assert_eq!(read_all(&mut multi).unwrap(), b"AB");
}

#[test]
fn an_error_of_one_reader_is_not_its_end() {
    let first = Stepwise::new(b"foo", [Step::Move(2), Step::Fail(ErrorKind::TimedOut)]);
    let mut multi = MultiReader::new([first, Stepwise::new(b"bar", [])]);
    let unfinished = read_all(&mut multi).unwrap_err();
    assert_eq!((&unfinished.bytes[..], unfinished.kind()), (&b"fo"[..], ErrorKind::TimedOut));
    assert_eq!(read_all(&mut multi).unwrap(), b"obar");
}

#[test]
fn a_reader_that_has_ended_is_dropped() {
    struct Counted(&'static [u8], #[expect(dead_code, reason = "it is counted")] Rc<()>);
    impl Read for Counted {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf)
        }
    }
    let count = Rc::new(());
    let mut multi = MultiReader::new([&b"foo"[..], b"bar"].map(|bytes| Counted(bytes, Rc::clone(&count))));
    assert_eq!(Rc::strong_count(&count), 3);
    read_full(&mut multi, &mut [0; 4]).unwrap();
    assert_eq!(Rc::strong_count(&count), 2);
    let mut rest: Vec<Counted> = multi.into_inner().collect();
    assert_eq!(read_all(&mut rest[0]).unwrap(), b"ar");
}

#[test]
fn readers_may_be_borrowed_and_read_on_afterwards() {
    let (mut one, mut two) = (&b"123"[..], &b"45678"[..]);
    let mut buf = [0; 4];
    read_full(&mut MultiReader::new([&mut one, &mut two]), &mut buf).unwrap();
    assert_eq!((&buf, one, two), (b"1234", &b""[..], &b"5678"[..]));
}

#[test]
fn several_writers_get_the_same() {
    let mut writers =
        [Stepwise::sink([Step::Move(1), Step::Move(2)]), Stepwise::sink([Step::Fail(ErrorKind::Interrupted)])];
    let mut multi = MultiWriter::new(&mut writers);
    assert_eq!(copy(&mut &b"My input text."[..], &mut multi).unwrap(), 14);
    multi.flush().unwrap();
    assert!(writers.iter().all(|writer| writer.bytes == b"My input text."));
}

#[test]
fn a_write_to_several_is_never_short() {
    let mut multi = MultiWriter::new([Stepwise::sink([Step::Move(50)]), Stepwise::sink([Step::Move(1)])]);
    assert_eq!(multi.write(&[7; 100]).unwrap(), 100);
    assert!(multi.into_inner().iter().all(|writer| writer.bytes == [7; 100]));
}

#[test]
fn writers_after_one_that_fails_get_nothing() {
    for (step, expected) in
        [(Step::Nothing, ErrorKind::WriteZero), (Step::Fail(ErrorKind::StorageFull), ErrorKind::StorageFull)]
    {
        let mut multi = MultiWriter::new([Stepwise::sink([Step::Move(50), step]), Stepwise::sink([])]);
        assert_eq!(kind(multi.write(&[0; 100])), expected);
        let writers = multi.into_inner();
        assert_eq!((writers[0].bytes.len(), writers[1].calls), (50, 0));
    }
}

#[test]
fn writers_of_different_types_are_boxed() {
    let seen = RefCell::new(Vec::new());
    struct Shared<'a>(&'a RefCell<Vec<u8>>);
    impl Write for Shared<'_> {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(buf)
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::StorageFull.into())
        }
    }
    let writers: [Box<dyn Write + '_>; 2] = [Box::new(Discard), Box::new(Shared(&seen))];
    let mut multi = MultiWriter::new(writers);
    write!(multi, "{}-{}", 1, 2).unwrap();
    assert_eq!(kind(multi.flush()), ErrorKind::StorageFull);
    assert_eq!(*seen.borrow(), b"1-2");
}

#[test]
fn no_writers_take_everything() {
    let mut multi = MultiWriter::<Vec<u8>>::new([]);
    assert_eq!(multi.write(b"hello").unwrap(), 5);
    multi.flush().unwrap();
}

#[test]
fn a_limit_of_nothing_does_not_ask_the_reader() {
    let failing = Stepwise::new(b"hello", [Step::Fail(ErrorKind::InvalidData)]);
    let mut limit = LimitReader::new(failing, 0);
    assert_eq!(limit.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(read_all(&mut limit).unwrap(), b"");
    assert_eq!(limit.get_ref().calls, 0);
    let failing = Chunked::new(b"hello", [Step::Fail(ErrorKind::InvalidData)]);
    assert_eq!(LimitReader::new(failing, 0).fill_buf().unwrap(), b"");
}

#[test]
fn a_limit_seeks_within_itself() {
    let mut file = Cursor::new("0123456789");
    file.set_position(2);
    let mut limit = LimitReader::new(file, 5);
    assert_eq!(limit.seek(SeekFrom::End(-2)).unwrap(), 3);
    assert_eq!(limit.remaining(), 2);
    assert_eq!(io::read_to_string(&mut limit).unwrap(), "56");
    assert_eq!(kind(limit.seek(SeekFrom::Current(-6))), ErrorKind::InvalidInput);
    limit.rewind().unwrap();
    assert_eq!(io::read_to_string(&mut limit).unwrap(), "23456");
}

#[test]
fn a_limit_counts_down_by_each_method() {
    let mut limit = LimitReader::new(&b"hello, world"[..], 6);
    assert_eq!(limit.read(&mut [0; 4]).unwrap(), 4);
    assert_eq!(limit.remaining(), 2);
    assert_eq!(limit.fill_buf().unwrap(), b"o,");
    limit.consume(1);
    assert_eq!(limit.remaining(), 1);
    assert_eq!(read_all(&mut limit).unwrap(), b",");
    assert_eq!((limit.remaining(), limit.fill_buf().unwrap()), (0, &b""[..]));
    limit.set_limit(3);
    assert_eq!(read_all(&mut limit).unwrap(), b" wo");
    assert_eq!(*limit.get_mut(), b"rld");
}

#[test]
fn a_limit_beyond_the_end_says_what_is_missing() {
    let mut limit = LimitReader::new(&b"hello"[..], u64::MAX);
    assert_eq!(read_all(&mut limit).unwrap(), b"hello");
    assert_eq!(limit.remaining(), u64::MAX - 5);
}

#[test]
fn a_reader_that_claims_more_than_the_limit_is_found_out() {
    struct Boastful;
    impl Read for Boastful {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            Ok(buf.len() + 1)
        }
    }
    let error = LimitReader::new(Boastful, 4).read(&mut [0; 8]).unwrap_err();
    assert_eq!(bufio::Error::of(&error), Some(&bufio::Error::BadCount { count: 5, room: 4 }));
}

#[test]
fn a_limit_is_what_take_makes() {
    let limit = LimitReader::from(io::repeat(b'x').take(3));
    assert_eq!(limit.remaining(), 3);
    assert_eq!(io::read_to_string(io::Take::from(limit)).unwrap(), "xxx");
}

#[test]
fn a_line_is_read_up_to_a_limit() {
    let mut line = String::new();
    LimitReader::new(&b"longer\n"[..], 4).read_line(&mut line).unwrap();
    assert_eq!(line, "long");
}

#[test]
fn what_is_discarded_is_counted() {
    assert_eq!((&Discard).write(b"12345").unwrap(), 5);
    assert_eq!(Discard.write(b"").unwrap(), 0);
    assert_eq!(Discard.write_vectored(&[IoSlice::new(b"12"), IoSlice::new(b"345")]).unwrap(), 5);
    assert_eq!(Discard.write_full_at(b"12345", u64::MAX - 2).unwrap(), 5);
    Discard.flush().unwrap();
}
