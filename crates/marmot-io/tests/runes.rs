//! Bytes and characters one at a time, and taking them back.

mod common;

use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read};

use common::{Chunked, Step, Stepwise, kind};
use marmot_io::{ByteReader, ByteScanner, ByteWriter, RuneReader, RuneScanner, RuneWriter, Unread, read_all};

const BROKEN: (char, usize) = (char::REPLACEMENT_CHARACTER, 1);

fn runes(reader: &mut impl RuneReader) -> Vec<(char, usize)> {
    std::iter::from_fn(|| reader.read_rune().unwrap()).collect()
}

/// What each kind of reader makes of bytes is the same.
#[track_caller]
fn check_runes(bytes: &[u8], expected: &[(char, usize)]) {
    assert_eq!(runes(&mut { bytes }), expected);
    assert_eq!(runes(&mut Cursor::new(bytes)), expected);
    assert_eq!(runes(&mut Unread::new(bytes)), expected);
    for size in 1..6 {
        assert_eq!(runes(&mut Unread::new(BufReader::with_capacity(size, bytes))), expected, "in buffers of {size}");
    }
    assert_eq!(expected.iter().map(|(_, width)| width).sum::<usize>(), bytes.len());
}

#[test]
fn characters_of_all_widths_are_read() {
    check_runes(b"", &[]);
    check_runes("aé€🐹\0".as_bytes(), &[('a', 1), ('é', 2), ('€', 3), ('🐹', 4), ('\0', 1)]);
    check_runes("\u{10ffff}\u{d7ff}".as_bytes(), &[('\u{10ffff}', 4), ('\u{d7ff}', 3)]);
    check_runes("\u{fffd}".as_bytes(), &[('\u{fffd}', 3)]);
}

#[test]
fn each_byte_that_begins_no_character_is_one_replacement() {
    check_runes(b"\xff\xfe", &[BROKEN, BROKEN]);
    // A lone continuation, an overlong form, a surrogate, and what is beyond the last character.
    check_runes(b"\x80x", &[BROKEN, ('x', 1)]);
    check_runes(b"\xc0\x80", &[BROKEN; 2]);
    check_runes(b"\xed\xa0\x80", &[BROKEN; 3]);
    check_runes(b"\xf4\x90\x80\x80", &[BROKEN; 4]);
}

#[test]
fn a_character_that_is_cut_off_is_as_many_replacements_as_it_has_bytes() {
    check_runes(b"\xe2\x82", &[BROKEN; 2]);
    check_runes(b"\xf0\x9f\x90", &[BROKEN; 3]);
    check_runes(b"\xe2\x82a", &[BROKEN, BROKEN, ('a', 1)]);
    check_runes(b"\xe2\xe2\x82\xac", &[BROKEN, ('€', 3)]);
}

#[test]
fn bytes_are_read_one_at_a_time() {
    let mut reader = Chunked::new(b"abc", [Step::Move(1), Step::Fail(ErrorKind::Interrupted)]);
    let bytes: Vec<u8> = std::iter::from_fn(|| reader.read_byte().unwrap()).collect();
    assert_eq!(bytes, b"abc");
    assert_eq!(reader.read_byte().unwrap(), None);
}

#[test]
fn an_error_loses_no_byte() {
    let mut reader = Chunked::new(b"ab", [Step::Move(1), Step::Fail(ErrorKind::TimedOut)]);
    assert_eq!(reader.read_byte().unwrap(), Some(b'a'));
    assert_eq!(kind(reader.read_byte()), ErrorKind::TimedOut);
    assert_eq!(reader.read_byte().unwrap(), Some(b'b'));
}

#[test]
fn an_error_in_the_middle_of_a_character_loses_nothing() {
    let steps = [Step::Move(1), Step::Fail(ErrorKind::TimedOut), Step::Move(1), Step::Fail(ErrorKind::TimedOut)];
    let mut reader = Unread::new(Chunked::new("€a".as_bytes(), steps));
    assert_eq!(kind(reader.read_rune()), ErrorKind::TimedOut);
    assert_eq!(kind(reader.unread_rune()), ErrorKind::InvalidInput);
    assert_eq!(kind(reader.read_rune()), ErrorKind::TimedOut);
    assert_eq!(reader.read_rune().unwrap(), Some(('€', 3)));
    assert_eq!(reader.read_rune().unwrap(), Some(('a', 1)));
}

#[test]
fn the_beginning_of_a_character_can_be_read_as_bytes_instead() {
    let steps = [Step::Move(2), Step::Fail(ErrorKind::TimedOut)];
    let mut reader = Unread::new(Chunked::new("€a".as_bytes(), steps));
    assert_eq!(kind(reader.read_rune()), ErrorKind::TimedOut);
    assert_eq!(reader.fill_buf().unwrap(), b"\xe2\x82");
    let (ahead, rest) = reader.into_parts();
    assert_eq!(ahead, b"\xe2\x82");
    assert_eq!(read_all(&mut ahead.chain(rest)).unwrap(), "€a".as_bytes());
}

/// Takes bytes and characters back, from anything that can.
fn check_unread(mut reader: impl RuneScanner + ByteScanner) {
    assert_eq!(kind(reader.unread_byte()), ErrorKind::InvalidInput);
    assert_eq!(kind(reader.unread_rune()), ErrorKind::InvalidInput);
    for _ in 0..2 {
        assert_eq!(reader.read_byte().unwrap(), Some(b'a'));
        reader.unread_byte().unwrap();
        assert_eq!(reader.read_rune().unwrap(), Some(('a', 1)));
        reader.unread_rune().unwrap();
    }
    assert_eq!(reader.read_byte().unwrap(), Some(b'a'));
    for (rune, width) in [('€', 3), BROKEN, ('é', 2)] {
        for _ in 0..2 {
            assert_eq!(reader.read_rune().unwrap(), Some((rune, width)));
            reader.unread_rune().unwrap();
            // The character's first byte comes again as well.
            reader.read_byte().unwrap();
            reader.unread_byte().unwrap();
        }
        assert_eq!(reader.read_rune().unwrap(), Some((rune, width)));
    }
    // A character's last byte can be taken back alone.
    reader.unread_byte().unwrap();
    assert_eq!(reader.read_rune().unwrap(), Some(BROKEN));
    assert_eq!(reader.read_rune().unwrap(), None);
}

#[test]
fn what_was_read_can_be_taken_back() {
    let bytes = b"a\xe2\x82\xac\xff\xc3\xa9";
    check_unread(Cursor::new(bytes));
    check_unread(Unread::new(&bytes[..]));
    check_unread(Unread::new(BufReader::with_capacity(1, &bytes[..])));
    check_unread(Unread::new(BufReader::with_capacity(2, &bytes[..])));
}

#[test]
fn only_a_character_that_was_read_last_is_taken_back_as_one() {
    let mut reader = Unread::new("éa".as_bytes());
    reader.read_byte().unwrap();
    assert_eq!(kind(reader.unread_rune()), ErrorKind::InvalidInput);
    reader.unread_byte().unwrap();
    reader.read_rune().unwrap();
    reader.unread_rune().unwrap();
    assert_eq!(kind(reader.unread_rune()), ErrorKind::InvalidInput);
    reader.read_rune().unwrap();
    reader.read_byte().unwrap();
    assert_eq!(kind(reader.unread_rune()), ErrorKind::InvalidInput);
    reader.unread_byte().unwrap();
    assert_eq!(reader.read_byte().unwrap(), Some(b'a'));
}

#[test]
fn a_byte_is_taken_back_after_any_read() {
    let mut reader = Unread::new(BufReader::with_capacity(4, &b"0123456789"[..]));
    reader.read_exact(&mut [0; 2]).unwrap();
    reader.unread_byte().unwrap();
    assert_eq!(reader.fill_buf().unwrap(), b"1");
    reader.consume(1);
    assert_eq!(reader.fill_buf().unwrap(), b"23");
    reader.consume(0);
    reader.consume(2);
    reader.unread_byte().unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "3456789");
    reader.unread_byte().unwrap();
    assert_eq!(reader.read_byte().unwrap(), Some(b'9'));
    assert_eq!(reader.read(&mut []).unwrap(), 0);
}

#[test]
fn a_reader_gets_back_what_its_scanner_has_not_read() {
    let mut reader = Unread::new("€uro".as_bytes());
    assert_eq!(*reader.get_ref(), "€uro".as_bytes());
    reader.read_rune().unwrap();
    reader.unread_rune().unwrap();
    assert_eq!(reader.into_parts(), ("€".as_bytes().to_vec(), "uro".as_bytes()));
}

#[test]
#[should_panic = "no more is consumed than is in the buffer"]
fn consuming_more_than_there_is_is_a_mistake() {
    let mut reader = Unread::new(&b"ab"[..]);
    reader.fill_buf().unwrap();
    reader.consume(3);
}

#[test]
fn a_cursor_beyond_its_end_takes_back_its_last_character() {
    let mut cursor = Cursor::new("aé");
    cursor.set_position(u64::MAX);
    assert_eq!(cursor.read_rune().unwrap(), None);
    cursor.unread_rune().unwrap();
    assert_eq!(cursor.position(), 1);
}

#[test]
fn bytes_and_characters_are_written() {
    let mut writer = Stepwise::sink([Step::Fail(ErrorKind::Interrupted), Step::Move(1), Step::Move(1), Step::Move(2)]);
    writer.write_byte(b'a').unwrap();
    assert_eq!(writer.write_rune('€').unwrap(), 3);
    assert_eq!(writer.write_rune('b').unwrap(), 1);
    assert_eq!(writer.bytes, "a€b".as_bytes());
    assert_eq!(kind(Stepwise::sink([Step::Nothing]).write_byte(b'a')), ErrorKind::WriteZero);
    assert_eq!(kind(Stepwise::sink([Step::Move(1), Step::Nothing]).write_rune('é')), ErrorKind::WriteZero);
}
