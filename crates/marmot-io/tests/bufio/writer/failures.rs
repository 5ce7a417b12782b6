//! Inner writers that fail, take little, lie and panic.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use marmot_io::bufio::{Error, Writer};

use super::SMALLEST;
use crate::common::{Liar, Sink, Source, Take};

const BROKEN: Take = Take::Error(ErrorKind::BrokenPipe);
const INTERRUPTED: Take = Take::Error(ErrorKind::Interrupted);

#[test]
fn a_flush_that_fails_can_be_repeated_and_writes_each_byte_once() {
    let scripts: [(&[Take], Option<ErrorKind>); 6] = [
        (&[Take::UpTo(0)], Some(ErrorKind::WriteZero)),
        (&[Take::UpTo(5), Take::UpTo(0)], Some(ErrorKind::WriteZero)),
        (&[Take::UpTo(5), Take::UpTo(1)], None),
        (&[BROKEN], Some(ErrorKind::BrokenPipe)),
        (&[Take::UpTo(5), BROKEN], Some(ErrorKind::BrokenPipe)),
        (&[INTERRUPTED, Take::UpTo(5), INTERRUPTED], None),
    ];
    for (script, kind) in scripts {
        let mut writer = Writer::new(Sink::new(script.iter().copied()));
        writer.write_all(b"hello world").unwrap();
        assert_eq!(writer.flush().err().map(|error| error.kind()), kind);
        // More can be written in between.
        writer.write_all(b"!").unwrap();
        writer.flush().unwrap();
        assert_eq!(writer.get_ref().bytes(), b"hello world!");
    }
}

#[test]
fn a_write_that_fails_was_not_accepted() {
    type Way = fn(&mut Writer<Sink>) -> io::Result<()>;
    let ways: [Way; 4] = [
        |writer| writer.write(&[b'x'; 15]).map(|_| ()),
        |writer| writer.write(&[b'x'; 100]).map(|_| ()),
        |writer| writer.write_byte(b'x'),
        |writer| writer.write_rune('x').map(|_| ()),
    ];
    for way in ways {
        let mut writer = Writer::with_capacity(SMALLEST, Sink::new([Take::UpTo(3), BROKEN]));
        writer.write_all(b"0123456789").unwrap();
        writer.write_all(b"abcdef").unwrap();
        assert_eq!(way(&mut writer).unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(writer.buffer(), b"3456789abcdef");
        assert_eq!(writer.into_inner().unwrap().bytes(), b"0123456789abcdef");
    }
}

#[test]
fn a_text_that_is_written_in_part_says_how_far() {
    let mut writer = Writer::with_capacity(SMALLEST, Sink::new([INTERRUPTED, Take::UpTo(20), BROKEN]));
    let text = "0123456789abcdefghijklmnopqrstuvwxyz";
    let partial = writer.write_string(&text.repeat(2)).unwrap_err();
    assert_eq!((partial.moved, partial.kind()), (20, ErrorKind::BrokenPipe));
    assert_eq!(writer.get_ref().bytes(), &text.as_bytes()[..20]);
    let mut writer = Writer::with_capacity(SMALLEST, Sink::new([Take::UpTo(0)]));
    let partial = writer.write_string(text).unwrap_err();
    assert_eq!((partial.moved, partial.kind()), (0, ErrorKind::WriteZero));
}

#[test]
fn a_large_write_shows_what_the_inner_writer_says() {
    let mut writer = Writer::with_capacity(SMALLEST, Sink::new([Take::UpTo(7), Take::UpTo(0), INTERRUPTED, BROKEN]));
    let data = [b'x'; 40];
    assert_eq!(writer.write(&data).unwrap(), 7);
    assert_eq!(writer.write(&data).unwrap(), 0);
    assert_eq!(writer.write(&data).unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(writer.write(&data).unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(writer.write(&data).unwrap(), 40);
    assert_eq!((writer.buffered(), writer.get_ref().bytes().len()), (0, 47));
}

#[test]
fn what_a_reader_gave_is_accepted_even_if_it_cannot_be_written() {
    let mut writer = Writer::with_capacity(SMALLEST, Sink::new([Take::UpTo(3), BROKEN]));
    let mut source = Source::stride(b"0123456789abcdefghijkl", 8);
    let partial = writer.read_from(&mut source).unwrap_err();
    assert_eq!((partial.moved, partial.kind()), (16, ErrorKind::BrokenPipe));
    assert_eq!(writer.read_from(&mut source).unwrap(), 6);
    assert_eq!(writer.into_inner().unwrap().bytes(), b"0123456789abcdefghijkl");
}

#[test]
fn a_reader_that_fails_or_lies_costs_nothing_that_was_read() {
    let mut writer = Writer::new(Vec::new());
    let partial = writer.read_from(&mut Source::failing(b"hello", ErrorKind::TimedOut)).unwrap_err();
    assert_eq!((partial.moved, partial.kind()), (5, ErrorKind::TimedOut));
    let partial = writer.read_from(&mut Liar).unwrap_err();
    assert!(matches!(Error::of(&partial.error), Some(Error::BadCount { .. })));
    assert_eq!(partial.moved, 0);
    let mut interrupted = Source::new([
        crate::common::Give::Error(ErrorKind::Interrupted),
        crate::common::Give::Bytes(b" world".to_vec()),
    ]);
    assert_eq!(writer.read_from(interrupted.by_ref()).unwrap(), 6);
    assert_eq!(writer.into_inner().unwrap(), b"hello world");
}

#[test]
fn the_writer_comes_back_from_an_inner_writer_that_fails() {
    let mut writer = Writer::new(Sink::new([Take::UpTo(2), BROKEN, BROKEN]));
    writer.write_all(b"hello").unwrap();
    let error = writer.into_inner().unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::BrokenPipe);
    assert!(error.to_string().contains("3 bytes"), "{error}");
    assert!(format!("{error:?}").contains("unwritten: 3"));
    let (error, writer) = error.into_parts();
    assert_eq!((error.kind(), writer.buffer()), (ErrorKind::BrokenPipe, &b"llo"[..]));
    let error = writer.into_inner().unwrap_err();
    let writer = error.into_inner();
    assert_eq!(writer.into_inner().unwrap().bytes(), b"hello");
    let mut writer = Writer::new(Sink::new([BROKEN]));
    writer.write_all(b"hello").unwrap();
    assert_eq!(io::Error::from(writer.into_inner().unwrap_err()).kind(), ErrorKind::BrokenPipe);
}

#[test]
fn an_inner_writer_that_claims_too_much_is_found_out() {
    let data = [b'x'; 40];
    let with = |count: usize| {
        let mut writer = Writer::with_capacity(SMALLEST, Liar);
        writer.write_all(&data[..count]).unwrap();
        writer
    };
    for error in [with(3).flush().unwrap_err(), with(0).write(&data).unwrap_err()] {
        assert!(matches!(Error::of(&error), Some(Error::BadCount { count, room }) if *count == room + 1), "{error}");
    }
}

#[test]
fn a_flush_or_seek_of_the_inner_writer_that_fails_is_told() {
    struct Stuck;

    impl Write for Stuck {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::StorageFull.into())
        }
    }

    impl Seek for Stuck {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Err(ErrorKind::NotSeekable.into())
        }
    }

    let mut writer = Writer::new(Stuck);
    writer.write_byte(b'x').unwrap();
    assert_eq!(writer.flush().unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(writer.buffered(), 0);
    assert_eq!(writer.seek(SeekFrom::Start(0)).unwrap_err().kind(), ErrorKind::NotSeekable);
}

/// Takes nothing, panics at the writes that are left, and counts them all.
struct Bomb<'a> {
    panics: usize,
    writes: &'a mut usize,
}

impl Write for Bomb<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        *self.writes += 1;
        if self.panics > 0 {
            self.panics -= 1;
            panic!("boom");
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nothing_is_written_on_dropping_after_the_inner_writer_has_panicked() {
    let mut writes = 0;
    catch_unwind(AssertUnwindSafe(|| {
        let mut writer = Writer::new(Bomb { panics: 1, writes: &mut writes });
        writer.write_all(b"hello world").unwrap();
        let _ = writer.flush();
    }))
    .unwrap_err();
    assert_eq!(writes, 1);
    let mut writes = 0;
    catch_unwind(AssertUnwindSafe(|| {
        let mut writer = Writer::new(Bomb { panics: 1, writes: &mut writes });
        let _ = writer.write(&[b'x'; 10_000]);
    }))
    .unwrap_err();
    assert_eq!(writes, 1);
}

#[test]
fn a_panic_elsewhere_does_not_keep_dropping_from_writing() {
    let mut out = Vec::new();
    catch_unwind(AssertUnwindSafe(|| {
        let mut writer = Writer::new(&mut out);
        writer.write_all(b"hello").unwrap();
        panic!("elsewhere");
    }))
    .unwrap_err();
    assert_eq!(out, b"hello");
}

#[test]
fn dropping_survives_an_error() {
    let mut sink = Sink::new([Take::UpTo(2), BROKEN]);
    let mut writer = Writer::new(&mut sink);
    writer.write_all(b"hello").unwrap();
    drop(writer);
    assert_eq!(sink.bytes(), b"he");
}

#[test]
fn what_a_panic_leaves_can_be_taken_out_or_replaced() {
    let mut writes = 0;
    let mut writer = Writer::new(Bomb { panics: 1, writes: &mut writes });
    writer.write_all(b"hello").unwrap();
    catch_unwind(AssertUnwindSafe(|| writer.flush())).unwrap_err();
    let (_, bytes) = writer.into_parts();
    let panicked = bytes.unwrap_err();
    assert!(panicked.to_string().contains("5 bytes"), "{panicked}");
    assert_eq!(panicked.into_inner(), b"hello");

    let (mut first, mut second) = (0, 0);
    let mut writer = Writer::new(Bomb { panics: 1, writes: &mut first });
    writer.write_all(b"hello").unwrap();
    catch_unwind(AssertUnwindSafe(|| writer.flush())).unwrap_err();
    writer.reset(Bomb { panics: 0, writes: &mut second });
    writer.write_all(b"hello").unwrap();
    drop(writer);
    assert_eq!((first, second), (1, 1));
}
