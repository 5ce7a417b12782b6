//! Copying: counts, errors, and what stops it.

mod common;

use std::io::{self, ErrorKind, Read, Write};

use common::{Step, Stepwise};
use marmot_io::{bufio, copy, copy_buffer, copy_counted, copy_n};

#[test]
fn nothing_is_copied_from_an_empty_reader() {
    assert_eq!(copy(&mut io::empty(), &mut io::sink()).unwrap(), 0);
}

#[test]
fn all_is_copied() {
    let bytes: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let mut out = Vec::new();
    assert_eq!(copy(&mut &bytes[..], &mut out).unwrap(), bytes.len() as u64);
    assert!(out == bytes);
}

#[test]
fn readers_and_writers_may_be_trait_objects() {
    let (reader, writer): (&mut dyn Read, &mut dyn Write) = (&mut &b"hello, world."[..], &mut Vec::new());
    assert_eq!(copy(reader, writer).unwrap(), 13);
}

#[test]
fn a_buffer_of_one_byte_is_enough() {
    let mut out = Vec::new();
    assert_eq!(copy_buffer(&mut &b"hello, world."[..], &mut out, &mut [0]).unwrap(), 13);
    assert_eq!(out, b"hello, world.");
}

#[test]
#[should_panic = "room for a byte"]
fn a_buffer_without_room_is_a_mistake() {
    let _ = copy_buffer(&mut &b"hello"[..], &mut Vec::new(), &mut []);
}

#[test]
fn an_interrupted_call_is_made_again() {
    let steps = [Step::Fail(ErrorKind::Interrupted), Step::Move(2), Step::Fail(ErrorKind::Interrupted)];
    let (mut reader, mut writer) = (Stepwise::new(b"hello", steps), Stepwise::sink(steps));
    assert_eq!(copy(&mut reader, &mut writer).unwrap(), 5);
    assert_eq!(writer.bytes, b"hello");
}

#[test]
fn a_writer_that_takes_nothing_ends_it() {
    let mut writer = Stepwise::sink([Step::Move(3), Step::Nothing]);
    let partial = copy_counted(&mut &b"hello"[..], &mut writer).unwrap_err();
    assert_eq!((partial.moved, partial.kind(), writer.calls), (3, ErrorKind::WriteZero, 2));
}

#[test]
fn an_error_of_the_reader_comes_with_what_was_copied_before() {
    let mut reader = Stepwise::new(b"hello", [Step::Move(2), Step::Move(2), Step::Fail(ErrorKind::ConnectionReset)]);
    let mut out = Vec::new();
    let partial = copy_counted(&mut reader, &mut out).unwrap_err();
    assert_eq!((partial.moved, partial.kind(), &out[..]), (4, ErrorKind::ConnectionReset, &b"hell"[..]));
}

#[test]
fn an_error_of_the_writer_comes_with_what_it_took_before() {
    let mut writer = Stepwise::sink([Step::Move(2), Step::Move(1), Step::Fail(ErrorKind::StorageFull)]);
    let partial = copy_counted(&mut &b"hello"[..], &mut writer).unwrap_err();
    assert_eq!((partial.moved, partial.kind(), &writer.bytes[..]), (3, ErrorKind::StorageFull, &b"hel"[..]));
}

#[test]
fn when_both_fail_the_writer_is_first() {
    let mut reader = Stepwise::new(b"\0", [Step::Move(1), Step::Fail(ErrorKind::InvalidData)]);
    let mut writer = Stepwise::sink([Step::Fail(ErrorKind::StorageFull)]);
    let partial = copy_counted(&mut reader, &mut writer).unwrap_err();
    assert_eq!((partial.moved, partial.kind()), (0, ErrorKind::StorageFull));
}

#[test]
fn a_writer_that_claims_too_much_is_found_out() {
    struct Boastful;
    impl Write for Boastful {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            Ok(buf.len() + 1)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let partial = copy_counted(&mut &b"hello, world."[..], &mut Boastful).unwrap_err();
    assert_eq!(bufio::Error::of(&partial.error), Some(&bufio::Error::BadCount { count: 14, room: 13 }));
    assert_eq!(partial.moved, 0);
}

#[test]
fn a_number_of_bytes_is_copied_and_no_more_taken() {
    let (mut reader, mut out) = (&b"hello, world."[..], Vec::new());
    assert_eq!(copy_n(&mut reader, &mut out, 5).unwrap(), 5);
    assert_eq!((&out[..], reader), (&b"hello"[..], &b", world."[..]));
    assert_eq!(copy_n(&mut reader, &mut out, 0).unwrap(), 0);
    assert_eq!(reader, b", world.");
}

#[test]
fn as_many_bytes_as_there_are_can_be_copied_but_not_one_more() {
    let mut out = Vec::new();
    assert_eq!(copy_n(&mut &b"foo"[..], &mut out, 3).unwrap(), 3);
    for more in [4, u64::MAX] {
        let partial = copy_n(&mut &b"foo"[..], &mut out, more).unwrap_err();
        assert_eq!((partial.moved, partial.kind(), partial.is_end()), (3, ErrorKind::UnexpectedEof, false));
    }
    let partial = copy_n(&mut &b""[..], &mut out, 1).unwrap_err();
    assert_eq!((partial.moved, partial.kind(), partial.is_end()), (0, ErrorKind::UnexpectedEof, true));
}

#[test]
fn an_error_after_the_last_byte_that_was_wanted_is_not_met() {
    let mut reader = Stepwise::new(b"12345", [Step::Move(5), Step::Fail(ErrorKind::InvalidData)]);
    assert_eq!(copy_n(&mut reader, &mut Vec::new(), 5).unwrap(), 5);
}

#[test]
fn a_partial_result_turns_into_the_plain_error() {
    let fail = || -> io::Result<u64> {
        Ok(copy_counted(&mut Stepwise::new(b"", [Step::Fail(ErrorKind::ConnectionReset)]), &mut io::sink())?)
    };
    assert_eq!(common::kind(fail()), ErrorKind::ConnectionReset);
}

#[test]
fn a_partial_result_says_how_far_it_got() {
    let mut reader = Stepwise::new(b"hello", [Step::Move(4), Step::Fail(ErrorKind::ConnectionReset)]);
    let partial = copy_counted(&mut reader, &mut io::sink()).unwrap_err();
    assert!(partial.to_string().ends_with("(after 4 bytes)"), "{partial}");
    let source = std::error::Error::source(&partial).expect("it has one");
    assert_eq!(source.downcast_ref::<io::Error>().map(io::Error::kind), Some(ErrorKind::ConnectionReset));
}
