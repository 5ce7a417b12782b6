//! Putting back what was read.

use std::io::{self, BufRead, Read};

use marmot_io::bufio::{Error, Reader};

use super::SMALLEST;
use crate::common::Source;

fn assert_no_byte(reader: &mut Reader<impl Read>) {
    assert_eq!(Error::of(&reader.unread_byte().unwrap_err()), Some(&Error::NoByteToUnread));
}

fn assert_no_rune(reader: &mut Reader<impl Read>) {
    assert_eq!(Error::of(&reader.unread_rune().unwrap_err()), Some(&Error::NoRuneToUnread));
}

#[test]
fn nothing_is_unread_at_the_start() {
    let mut reader = Reader::new(&b"x"[..]);
    assert_no_byte(&mut reader);
    assert_no_rune(&mut reader);
    assert_eq!(reader.read_byte().unwrap(), Some(b'x'));
}

#[test]
fn each_byte_can_be_read_again() {
    let mut reader = Reader::new(Source::parts([&b"Hello, "[..], b"world"]));
    let mut all = Vec::new();
    while let Some(byte) = reader.read_byte().unwrap() {
        all.push(byte);
        reader.unread_byte().unwrap();
        assert_eq!(reader.read_byte().unwrap(), Some(byte));
    }
    assert_eq!(all, b"Hello, world");
}

#[test]
fn each_character_can_be_read_again() {
    let text = "Hello, world: 日本語é𝄞";
    let mut reader = Reader::new(Source::stride(text.as_bytes(), 2));
    let mut all = String::new();
    while let Some((c, width)) = reader.read_rune().unwrap() {
        all.push(c);
        reader.unread_rune().unwrap();
        assert_eq!(reader.read_rune().unwrap(), Some((c, width)));
    }
    assert_eq!(all, text);
}

#[test]
fn only_one_byte_can_be_unread_wherever_that_is() {
    let data = b"Hello, world";
    for count in 0..=data.len() {
        let mut reader = Reader::new(Source::parts([&data[..7], &data[7..]]));
        for &byte in &data[..count] {
            assert_eq!(reader.read_byte().unwrap(), Some(byte));
        }
        if count > 0 {
            reader.unread_byte().unwrap();
        }
        assert_no_byte(&mut reader);
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, &data[count.saturating_sub(1)..]);
    }
}

#[test]
fn the_last_byte_of_any_read_can_be_unread() {
    type Way = fn(&mut Reader<&[u8]>, u8) -> Vec<u8>;
    let ways: [Way; 5] = [
        |reader, delim| reader.read_slice(delim).unwrap().to_vec(),
        |reader, delim| reader.read_bytes(delim).unwrap(),
        |reader, delim| reader.read_string(delim).unwrap().into_bytes(),
        |reader, delim| {
            let mut out = Vec::new();
            reader.read_until(delim, &mut out).unwrap();
            out
        },
        |reader, delim| {
            let mut out = Vec::new();
            let mut buf = [0];
            while out.last() != Some(&delim) {
                reader.read_exact(&mut buf).unwrap();
                out.push(buf[0]);
            }
            out
        },
    ];
    let data = b"abcdefg".repeat(10);
    for way in ways {
        let mut reader = Reader::with_capacity(SMALLEST, &data[..]);
        for _ in 0..10 {
            assert_eq!(way(&mut reader, b'd'), b"abcd");
            for _ in 0..3 {
                reader.unread_byte().unwrap();
                assert_eq!(way(&mut reader, b'd'), b"d");
            }
            assert_eq!(way(&mut reader, b'g'), b"efg");
        }
        assert_eq!(reader.read_byte().unwrap(), None);
    }
}

#[test]
fn the_last_byte_of_a_line_belongs_to_its_end() {
    let mut reader = Reader::new(&b"one\r\ntwo"[..]);
    assert_eq!(reader.read_line_part().unwrap().unwrap().bytes, b"one");
    reader.unread_byte().unwrap();
    assert_eq!(reader.read_byte().unwrap(), Some(b'\n'));
}

#[test]
fn the_last_byte_that_went_past_the_buffer_can_be_unread() {
    let data = [[b'x'; 39].as_slice(), b"yz"].concat();
    let mut reader = Reader::with_capacity(SMALLEST, &data[..]);
    let mut buf = [0; 40];
    assert_eq!(reader.read(&mut buf).unwrap(), 40);
    assert!(!reader.is_leased());
    reader.unread_byte().unwrap();
    assert_eq!(reader.buffer(), b"y");
    let (mut one, mut two) = ([0; 1], [0; 39]);
    let mut bufs = [io::IoSliceMut::new(&mut one), io::IoSliceMut::new(&mut two)];
    assert_eq!(reader.read_vectored(&mut bufs).unwrap(), 1);
    assert_eq!(one, [b'y']);
    let mut bufs = [io::IoSliceMut::new(&mut one), io::IoSliceMut::new(&mut two)];
    assert_eq!(reader.read_vectored(&mut bufs).unwrap(), 1);
    reader.unread_byte().unwrap();
    assert_eq!(reader.buffer(), b"z");
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    reader.unread_byte().unwrap();
    assert_eq!(reader.buffer(), b"z");
    let mut reader = Reader::with_capacity(SMALLEST, &b"0123456789abcdefghij"[..]);
    assert_eq!(reader.read_byte().unwrap(), Some(b'0'));
    reader.read_to_end(&mut rest).unwrap();
    reader.unread_byte().unwrap();
    assert_eq!(reader.buffer(), b"j");
}

#[test]
fn a_lent_slice_that_drained_the_buffer_does_not_mix_with_what_goes_past_it() {
    let mut reader = Reader::with_capacity(SMALLEST, Source::parts([&b"line\n"[..], &[b'x'; 20]]));
    assert_eq!(reader.read_slice(b'\n').unwrap(), b"line\n");
    let mut buf = [0; 20];
    assert_eq!(reader.read(&mut buf).unwrap(), 20);
    reader.unread_byte().unwrap();
    assert_eq!(reader.buffer(), b"x");
}

#[test]
fn what_is_not_a_read_leaves_nothing_to_unread() {
    let others: [fn(&mut Reader<&[u8]>); 5] = [
        |reader| assert_eq!(reader.peek(1).unwrap(), b"x"),
        |reader| assert_eq!(reader.peek(0).unwrap(), b""),
        |reader| assert_eq!(reader.discard(1).unwrap(), 1),
        |reader| assert_eq!(reader.write_to(&mut io::sink()).unwrap(), 6),
        |reader| assert_eq!(reader.reset(b"other"), b""),
    ];
    for other in others {
        let mut reader = Reader::new(&b"example"[..]);
        assert_eq!(reader.read_rune().unwrap(), Some(('e', 1)));
        other(&mut reader);
        assert_no_byte(&mut reader);
        assert_no_rune(&mut reader);
    }
}

#[test]
fn a_character_can_only_be_unread_right_after_it_was_read() {
    let others: [fn(&mut Reader<&[u8]>); 5] = [
        |reader| reader.unread_rune().unwrap(),
        |reader| assert_eq!(reader.read(&mut [0; 3]).unwrap(), 3),
        |reader| assert!(reader.read_byte().unwrap().is_some()),
        |reader| {
            reader.read_byte().unwrap();
            reader.unread_byte().unwrap();
        },
        |reader| assert_eq!(reader.read_slice(0).unwrap().len(), 6),
    ];
    for other in others {
        let mut reader = Reader::new("日本語".as_bytes());
        assert_eq!(reader.read_rune().unwrap(), Some(('日', 3)));
        other(&mut reader);
        assert_no_rune(&mut reader);
    }
}

#[test]
fn the_last_byte_of_a_character_can_be_unread() {
    let mut reader = Reader::new("é!".as_bytes());
    assert_eq!(reader.read_rune().unwrap(), Some(('é', 2)));
    reader.unread_byte().unwrap();
    assert_eq!(reader.buffer(), b"\xa9!");
    assert_no_rune(&mut reader);
}

#[test]
fn the_last_byte_can_be_unread_at_the_end_but_no_character() {
    let mut reader = Reader::new(&b"x"[..]);
    assert_eq!(reader.read_rune().unwrap(), Some(('x', 1)));
    assert_eq!(reader.read_rune().unwrap(), None);
    assert_no_rune(&mut reader);
    reader.unread_byte().unwrap();
    assert_eq!(reader.read_byte().unwrap(), Some(b'x'));
    assert_eq!(reader.read_byte().unwrap(), None);
}

#[test]
fn a_look_into_the_buffer_between_changes_nothing() {
    let mut reader = Reader::new(Source::parts([&b"ab"[..], b"c"]));
    assert_eq!(reader.read_byte().unwrap(), Some(b'a'));
    assert_eq!(reader.fill_buf().unwrap(), b"b");
    reader.unread_byte().unwrap();
    assert_eq!(reader.buffer(), b"ab");
    reader.consume(2);
    // This one had to fill the buffer anew, over what was read.
    assert_eq!(reader.fill_buf().unwrap(), b"c");
    assert_no_byte(&mut reader);
}

#[test]
fn nothing_is_unread_once_the_source_may_have_moved() {
    let mut reader = Reader::with_capacity(SMALLEST, io::Cursor::new("0123456789abcdef ghijkl"));
    reader.read_byte().unwrap();
    reader.get_mut().set_position(20);
    assert_no_byte(&mut reader);
    reader.read_rune().unwrap();
    reader.get_mut();
    assert_no_rune(&mut reader);
    assert_no_byte(&mut reader);
    // What comes after that can be.
    assert_eq!(reader.read_byte().unwrap(), Some(b'2'));
    reader.unread_byte().unwrap();
    assert_eq!(reader.read_byte().unwrap(), Some(b'2'));
}
