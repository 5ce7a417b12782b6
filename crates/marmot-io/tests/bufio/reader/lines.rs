//! Slices and lines lent from the buffer, and lines copied.

use std::io::{BufRead, ErrorKind, Read};

use marmot_io::bufio::{Error, LinePart, Reader};

use super::SMALLEST;
use crate::common::{Give, Source};

const TEXT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxy";
const LINES: &[u8] = b"012\n345\n678\n9ab\ncde\nfgh\nijk\nlmn\nopq\nrst\nuvw\nxy";
const CRLF: &[u8] = b"012\r\n345\r\n678\r\n9ab\r\ncde\r\nfgh\r\nijk\r\nlmn\r\nopq\r\nrst\r\nuvw\r\nxy\r\n\n\r\n";

#[test]
fn a_full_buffer_is_told_and_keeps_its_bytes() {
    let mut reader = Reader::with_capacity(SMALLEST, &b"And now, hello, world! It is the time"[..]);
    for _ in 0..2 {
        let error = reader.read_slice(b'!').unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(Error::of(&error), Some(&Error::BufferFull { capacity: SMALLEST }));
        assert!(error.to_string().contains("16"), "{error}");
        assert_eq!(reader.buffer(), b"And now, hello, ");
    }
    reader.consume(SMALLEST);
    assert_eq!(reader.read_slice(b'!').unwrap(), b"world!");
}

#[test]
fn a_delimiter_as_the_buffers_last_byte_is_found() {
    let mut reader = Reader::with_capacity(SMALLEST, &b"0123456789abcde\nrest"[..]);
    assert_eq!(reader.read_slice(b'\n').unwrap(), b"0123456789abcde\n");
    assert_eq!(reader.read_slice(b'\n').unwrap(), b"rest");
}

#[test]
fn an_error_leaves_the_beginning_for_the_next_call() {
    let script = || {
        Source::new([
            Give::Bytes(b"one tw".to_vec()),
            Give::Error(ErrorKind::TimedOut),
            Give::Error(ErrorKind::Interrupted),
            Give::Bytes(b"o\n".to_vec()),
        ])
    };
    let mut reader = Reader::new(script());
    assert_eq!(reader.read_slice(b'\n').unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(reader.buffer(), b"one tw");
    assert_eq!(reader.read_slice(b'\n').unwrap(), b"one two\n");
    let mut reader = Reader::new(script());
    assert_eq!(reader.read_line_part().unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(reader.read_line_part().unwrap(), Some(LinePart { bytes: b"one two", is_prefix: false }));
    let mut reader = Reader::new(script());
    let short = reader.read_bytes(b'\n').unwrap_err();
    assert_eq!((short.error.kind(), &short.read[..]), (ErrorKind::TimedOut, &b"one tw"[..]));
    assert_eq!(reader.read_string(b'\n').unwrap(), "o\n");
}

#[test]
fn lines_come_without_their_ends() {
    for input in [LINES, CRLF] {
        for stride in 1..20 {
            let mut reader = Reader::with_capacity(input.len() + 1, Source::stride(input, stride));
            let mut all = Vec::new();
            while let Some(part) = reader.read_line_part().unwrap() {
                assert!(!part.is_prefix);
                all.extend_from_slice(part.bytes);
            }
            assert_eq!(all, TEXT);
        }
    }
}

#[test]
fn a_line_that_is_too_long_comes_in_parts() {
    let data: Vec<u8> = (b'0'..=b'9').cycle().take(SMALLEST * 5 / 2).collect();
    let mut reader = Reader::with_capacity(SMALLEST, &data[..]);
    for (bytes, is_prefix) in [(&data[..16], true), (&data[16..32], true), (&data[32..], false)] {
        assert_eq!(reader.read_line_part().unwrap(), Some(LinePart { bytes, is_prefix }));
    }
    assert_eq!(reader.read_line_part().unwrap(), None);
}

#[test]
fn an_end_across_the_buffers_end_stays_whole() {
    type Parts = &'static [(&'static [u8], bool)];
    let cases: [(&[u8], Parts); 2] = [
        (
            b"012345678901234\r\n012345678901234\r\n",
            &[(b"012345678901234", true), (b"", false), (b"012345678901234", true), (b"", false)],
        ),
        (
            b"0123456789012345\r012345678901234\r",
            &[(b"0123456789012345", true), (b"\r012345678901234", true), (b"\r", false)],
        ),
    ];
    for (input, parts) in cases {
        let mut reader = Reader::with_capacity(SMALLEST, input);
        for &(bytes, is_prefix) in parts {
            assert_eq!(reader.read_line_part().unwrap(), Some(LinePart { bytes, is_prefix }));
        }
        assert_eq!(reader.read_line_part().unwrap(), None);
    }
}

#[test]
fn after_a_line_the_rest_can_be_read() {
    let mut reader = Reader::with_capacity(40, &b"this is line1\nthis is line2\nthis is line 3\n"[..]);
    assert_eq!(reader.read_line_part().unwrap().unwrap().bytes, b"this is line1");
    let mut rest = Vec::new();
    assert_eq!(reader.read_to_end(&mut rest).unwrap(), 29);
    assert_eq!(rest, b"this is line2\nthis is line 3\n");
    assert_eq!(reader.read_line_part().unwrap(), None);
}

#[test]
fn std_ways_to_read_lines_work() {
    let mut reader = Reader::with_capacity(SMALLEST, &b"a\nb\nc"[..]);
    let mut line = String::new();
    for expected in ["a\n", "b\n", "c", ""] {
        line.clear();
        assert_eq!(reader.read_line(&mut line).unwrap(), expected.len());
        assert_eq!(line, expected);
    }
    let lines: Vec<String> = Reader::new(&b"a\r\nb\nc"[..]).lines().map(Result::unwrap).collect();
    assert_eq!(lines, ["a", "b", "c"]);
    let mut reader = Reader::with_capacity(SMALLEST, &[0, 1, 2, 1, 0][..]);
    for (delim, expected) in [(0, &[0][..]), (2, &[1, 2]), (1, &[1]), (8, &[0]), (9, &[])] {
        assert_eq!(reader.read_bytes(delim).unwrap(), expected);
    }
}

#[test]
fn a_line_that_is_no_text_is_an_error() {
    let mut reader = Reader::new(&b"caf\xe9\nnext\n"[..]);
    let mut line = String::from("kept");
    assert_eq!(reader.read_line(&mut line).unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(line, "kept");
    let mut reader = Reader::new(&b"caf\xe9\nnext\n"[..]);
    let short = reader.read_string(b'\n').unwrap_err();
    assert_eq!((short.error.kind(), &short.read[..]), (ErrorKind::InvalidData, &b"caf\xe9\n"[..]));
    assert!(short.to_string().contains("5 bytes"), "{short}");
    assert_eq!(reader.read_string(b'\n').unwrap(), "next\n");
}

#[test]
fn a_long_line_is_copied_through_a_small_buffer() {
    let line = [vec![b'x'; 1000], b"\n".to_vec()].concat();
    let mut reader = Reader::with_capacity(SMALLEST, Source::stride(&line, 7));
    assert_eq!(reader.read_bytes(b'\n').unwrap(), line);
    assert_eq!(reader.read_bytes(b'\n').unwrap(), b"");
}
