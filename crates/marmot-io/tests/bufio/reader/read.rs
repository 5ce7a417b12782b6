//! Reading, peeking, discarding, writing out.

use std::io::{self, BufRead, ErrorKind, IoSliceMut, Read};

use marmot_io::bufio::{Error, Reader, Writer};

use super::SMALLEST;
use crate::common::{Give, Liar, Sink, Source, Take, pattern};

#[test]
fn reads_come_from_the_buffer_or_go_past_it() {
    let data = pattern(60);
    let mut reader = Reader::with_capacity(SMALLEST, &data[..]);
    let mut buf = [0; 20];
    // Larger than the buffer, and as large.
    assert_eq!(reader.read(&mut buf).unwrap(), 20);
    assert_eq!((&buf[..], reader.buffered(), reader.get_ref().len()), (&data[..20], 0, 40));
    assert_eq!(reader.read(&mut buf[..16]).unwrap(), 16);
    assert_eq!((reader.buffered(), reader.get_ref().len()), (0, 24));
    // Smaller: the buffer is filled, and the next read, however large, has what is left.
    assert_eq!(reader.read(&mut buf[..1]).unwrap(), 1);
    assert_eq!((reader.buffer(), reader.get_ref().len()), (&data[37..52], 8));
    assert_eq!(reader.read(&mut buf).unwrap(), 15);
    assert_eq!(&buf[..15], &data[37..52]);
    assert_eq!(reader.read(&mut buf[..9]).unwrap(), 8);
    assert_eq!(reader.read(&mut buf).unwrap(), 0);
}

#[test]
fn a_read_as_large_as_the_buffer_is_not_copied() {
    struct Into(*const u8);

    impl Read for Into {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0 = buf.as_ptr();
            Ok(buf.len())
        }
    }

    let mut reader = Reader::with_capacity(SMALLEST, Into(std::ptr::null()));
    let mut buf = [0; SMALLEST];
    assert_eq!(reader.read(&mut buf).unwrap(), SMALLEST);
    assert_eq!(reader.get_ref().0, buf.as_ptr());
    assert_eq!(reader.read_vectored(&mut [IoSliceMut::new(&mut buf)]).unwrap(), SMALLEST);
    assert_eq!(reader.get_ref().0, buf.as_ptr());
    assert_eq!(reader.read(&mut buf[..SMALLEST - 1]).unwrap(), SMALLEST - 1);
    assert_ne!(reader.get_ref().0, buf.as_ptr());
}

#[test]
fn vectored_reads_come_from_the_buffer_or_go_past_it() {
    let data = pattern(60);
    let mut reader = Reader::with_capacity(SMALLEST, &data[..]);
    let (mut one, mut two) = ([0; 3], [0; 20]);
    let read = |reader: &mut Reader<&[u8]>, one: &mut [u8], two: &mut [u8]| {
        reader.read_vectored(&mut [IoSliceMut::new(one), IoSliceMut::new(two)]).unwrap()
    };
    assert_eq!(read(&mut reader, &mut one, &mut two), 23);
    assert_eq!((&one[..], &two[..], reader.buffered()), (&data[..3], &data[3..23], 0));
    assert_eq!(read(&mut reader, &mut one, &mut two[..2]), 5);
    assert_eq!((&one[..], &two[..2], reader.buffered()), (&data[23..26], &data[26..28], 11));
    assert_eq!(read(&mut reader, &mut one, &mut two), 11);
    let reads = reader.get_ref().len();
    assert_eq!(read(&mut reader, &mut [], &mut []), 0);
    assert_eq!(reader.get_ref().len(), reads);
}

#[test]
fn a_short_read_is_a_short_read() {
    let mut reader = Reader::new(Source::parts([&b"a"[..], b"bc", b"d"]));
    let mut buf = [0; 2];
    for expected in [&b"a"[..], b"bc", b"d", b""] {
        assert_eq!(reader.read(&mut buf).unwrap(), expected.len());
        assert!(buf.starts_with(expected));
    }
}

#[test]
fn reading_into_nothing_asks_for_nothing() {
    let mut reader = Reader::new(Source::failing(&[7; 10], ErrorKind::TimedOut));
    assert_eq!(reader.read(&mut []).unwrap(), 0);
    assert_eq!(reader.get_ref().reads, 0);
    reader.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(reader.read(&mut []).unwrap(), 0);
    reader.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(reader.read(&mut []).unwrap(), 0);
    assert_eq!(reader.peek(0).unwrap(), b"");
    assert_eq!(reader.discard(0).unwrap(), 0);
    assert_eq!(reader.get_ref().reads, 1);
}

#[test]
fn an_error_comes_after_the_bytes_before_it_and_once() {
    let script = [Give::Bytes(b"abcd".to_vec()), Give::Error(ErrorKind::TimedOut), Give::Bytes(b"e".to_vec())];
    let mut reader = Reader::new(Source::new(script));
    let mut buf = [0; 3];
    assert_eq!(reader.read(&mut buf).unwrap(), 3);
    assert_eq!(reader.read(&mut buf).unwrap(), 1);
    assert_eq!(reader.read(&mut buf).unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(!reader.is_leased());
    assert_eq!(reader.read(&mut buf).unwrap(), 1);
    assert_eq!(reader.read(&mut buf).unwrap(), 0);
}

#[test]
fn an_interruption_is_shown_to_reads_and_kept_from_all_others() {
    let source = || Source::new([Give::Error(ErrorKind::Interrupted), Give::Bytes(b"a\n".to_vec())]);
    assert_eq!(Reader::new(source()).read(&mut [0]).unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(Reader::new(source()).fill_buf().unwrap_err().kind(), ErrorKind::Interrupted);
    Reader::new(source()).read_exact(&mut [0; 2]).unwrap();
    assert_eq!(Reader::new(source()).read_byte().unwrap(), Some(b'a'));
    assert_eq!(Reader::new(source()).read_rune().unwrap(), Some(('a', 1)));
    assert_eq!(Reader::new(source()).read_slice(b'\n').unwrap(), b"a\n");
    assert_eq!(Reader::new(source()).peek(2).unwrap(), b"a\n");
    assert_eq!(Reader::new(source()).discard(9).unwrap(), 2);
    assert_eq!(Reader::new(source()).write_to(&mut io::sink()).unwrap(), 2);
    assert_eq!(Reader::new(source()).read_bytes(b'\n').unwrap(), b"a\n");
}

#[test]
fn reading_exactly_takes_from_several_reads_and_fails_at_the_end() {
    let data = pattern(50);
    let mut reader = Reader::with_capacity(SMALLEST, Source::stride(&data, 7));
    let mut buf = [0; 45];
    reader.read_exact(&mut buf).unwrap();
    assert_eq!(buf, data[..45]);
    reader.read_exact(&mut buf[..2]).unwrap();
    assert_eq!(buf[..2], data[45..47]);
    assert_eq!(reader.read_exact(&mut buf[..4]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn everything_includes_what_is_in_the_buffer() {
    let mut reader = Reader::with_capacity(SMALLEST, &b"0123456789abcdefghij"[..]);
    assert_eq!(reader.fill_buf().unwrap().len(), 16);
    let mut all = Vec::new();
    assert_eq!(reader.read_to_end(&mut all).unwrap(), 20);
    assert_eq!((&all[..], reader.buffered()), (&b"0123456789abcdefghij"[..], 0));
    let mut reader = Reader::with_capacity(SMALLEST, &b"0123456789abcdefghij"[..]);
    reader.fill_buf().unwrap();
    let mut all = String::new();
    assert_eq!(reader.read_to_string(&mut all).unwrap(), 20);
    assert_eq!((&all[..], reader.buffered()), ("0123456789abcdefghij", 0));
}

#[test]
fn what_is_read_to_the_end_is_kept_by_an_error() {
    let mut reader = Reader::new(Source::failing(b"abc", ErrorKind::TimedOut));
    assert_eq!(reader.read_byte().unwrap(), Some(b'a'));
    let mut all = Vec::new();
    assert_eq!(reader.read_to_end(&mut all).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(all, b"bc");
}

#[test]
fn consuming_more_than_there_is_consumes_what_there_is() {
    let mut reader = Reader::new(Source::parts([&b"ab"[..], b"c"]));
    assert_eq!(reader.fill_buf().unwrap(), b"ab");
    reader.consume(usize::MAX);
    assert_eq!(reader.fill_buf().unwrap(), b"c");
}

#[test]
fn a_peek_shows_what_the_next_reads_take() {
    let mut reader = Reader::with_capacity(SMALLEST, &b"abcdefghijklmnop"[..]);
    let mut buf = [0; 10];
    assert_eq!(reader.peek(1).unwrap(), b"a");
    assert_eq!(reader.peek(4).unwrap(), b"abcd");
    let error = reader.peek(32).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(Error::of(&error), Some(&Error::PeekTooFar { asked: 32, capacity: SMALLEST }));
    assert_eq!(reader.peek(SMALLEST).unwrap(), b"abcdefghijklmnop");
    reader.read_exact(&mut buf[..3]).unwrap();
    assert_eq!(&buf[..3], b"abc");
    assert_eq!(reader.peek(2).unwrap(), b"de");
    reader.read_exact(&mut buf[..3]).unwrap();
    assert_eq!(reader.peek(4).unwrap(), b"ghij");
    assert_eq!(reader.read(&mut buf).unwrap(), 10);
    assert_eq!(&buf, b"ghijklmnop");
    assert_eq!(reader.peek(0).unwrap(), b"");
    assert_eq!(reader.peek(1).unwrap(), b"");
}

#[test]
fn a_peek_moves_what_is_left_to_make_room() {
    let data = pattern(40);
    let mut reader = Reader::with_capacity(SMALLEST, Source::stride(&data, 5));
    assert_eq!(reader.discard(14).unwrap(), 14);
    assert_eq!(reader.peek(SMALLEST).unwrap(), &data[14..30]);
    assert_eq!(reader.discard(24).unwrap(), 24);
    assert_eq!(reader.peek(SMALLEST).unwrap(), &data[38..]);
}

#[test]
fn a_peek_that_fails_keeps_the_bytes_and_one_that_need_not_read_does_not_fail() {
    let mut reader = Reader::new(Source::failing(b"abcd", ErrorKind::TimedOut));
    assert_eq!(reader.peek(2).unwrap(), b"ab");
    assert_eq!(reader.peek(4).unwrap(), b"abcd");
    assert_eq!(reader.peek(5).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(reader.buffer(), b"abcd");
    assert_eq!(reader.peek(5).unwrap(), b"abcd");
}

#[test]
fn discarding_counts_what_there_was() {
    let text = b"abcdefghijklmnopqrstuvwxyz";
    for (n, count, left) in [(0, 0, 0), (6, 6, 10), (26, 26, 0), (27, 26, 0), (u64::MAX, 26, 0)] {
        let mut reader = Reader::with_capacity(SMALLEST, &text[..]);
        assert_eq!(reader.discard(n).unwrap(), count);
        assert_eq!(reader.buffered(), left);
    }
    let mut reader = Reader::with_capacity(SMALLEST, &text[..]);
    reader.peek(16).unwrap();
    assert_eq!(reader.discard(6).unwrap(), 6);
    assert_eq!(reader.buffer(), &text[6..16]);
}

#[test]
fn an_error_behind_what_is_discarded_is_not_met() {
    for (n, left) in [(4, 1), (5, 0)] {
        let mut reader = Reader::new(Source::failing(b"12345", ErrorKind::TimedOut));
        assert_eq!(reader.discard(n).unwrap(), n);
        assert_eq!(reader.buffered(), left);
        assert_eq!(reader.get_ref().reads, 1);
    }
    let mut reader = Reader::new(Source::failing(b"12345", ErrorKind::TimedOut));
    let partial = reader.discard(6).unwrap_err();
    assert_eq!((partial.moved, partial.kind()), (5, ErrorKind::TimedOut));
}

#[test]
fn characters_are_put_together_from_pieces() {
    let cases: [&[&[u8]]; 7] = [
        &[],
        &["日".as_bytes(), "本語".as_bytes()],
        &[b"\xe6", b"\x97\xa5\xe6", b"\x9c\xac\xe8\xaa\x9e"],
        &[b"\xf0", b"\x9d", b"\x84", b"\x9e"],
        &[b"Hello", b", ", b"World", b"!"],
        &[b"\xff\xc3", b"\xa9\xc3"],
        &[b"\xed\xa0\x80", b"\xc0\x80", b"\xf5"],
    ];
    for parts in cases {
        let mut reader = Reader::with_capacity(SMALLEST, Source::parts(parts.iter().copied()));
        let mut all = String::new();
        let mut widths = 0;
        while let Some((c, width)) = reader.read_rune().unwrap() {
            all.push(c);
            widths += width;
        }
        let bytes = parts.concat();
        let chunks = bytes.utf8_chunks();
        let expected: String =
            chunks.map(|chunk| chunk.valid().to_owned() + &"\u{fffd}".repeat(chunk.invalid().len())).collect();
        assert_eq!((all, widths), (expected, bytes.len()));
    }
}

#[test]
fn an_error_does_not_cut_a_character() {
    let script = [Give::Bytes(b"\xc3".to_vec()), Give::Error(ErrorKind::TimedOut), Give::Bytes(b"\xa9".to_vec())];
    let mut reader = Reader::new(Source::new(script));
    assert_eq!(reader.read_rune().unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(reader.read_rune().unwrap(), Some(('é', 2)));
}

#[test]
fn what_is_written_character_by_character_reads_so() {
    let mut writer = Writer::with_capacity(SMALLEST, Vec::new());
    let runes = || ('\0'..'\u{400}').chain("日本語𝄞\u{10ffff}".chars());
    for c in runes() {
        assert_eq!(writer.write_rune(c).unwrap(), c.len_utf8());
    }
    let bytes = writer.into_inner().unwrap();
    let mut reader = Reader::with_capacity(SMALLEST, &bytes[..]);
    for c in runes() {
        assert_eq!(reader.read_rune().unwrap(), Some((c, c.len_utf8())));
    }
    assert_eq!(reader.read_rune().unwrap(), None);
}

#[test]
fn everything_is_written_out_with_what_was_in_the_buffer() {
    let data = pattern(8192);
    let mut reader = Reader::with_capacity(100, Source::stride(&data, 77));
    assert_eq!(reader.discard(10).unwrap(), 10);
    let mut sink = Sink::new([Take::UpTo(5), Take::Error(ErrorKind::Interrupted), Take::UpTo(1)]);
    assert_eq!(reader.write_to(&mut sink).unwrap(), 8182);
    assert_eq!(sink.bytes(), &data[10..]);
    assert!(sink.writes.iter().all(|write| !write.is_empty()));
    assert!(!reader.is_leased());
}

#[test]
fn what_could_not_be_written_out_is_still_there() {
    for (take, kind) in
        [(Take::Error(ErrorKind::BrokenPipe), ErrorKind::BrokenPipe), (Take::UpTo(0), ErrorKind::WriteZero)]
    {
        let mut reader = Reader::new(&b"hello"[..]);
        let mut sink = Sink::new([Take::UpTo(2), take]);
        let partial = reader.write_to(&mut sink).unwrap_err();
        assert_eq!((partial.moved, partial.kind()), (2, kind));
        assert_eq!(reader.write_to(&mut sink).unwrap(), 3);
        assert_eq!(sink.bytes(), b"hello");
    }
    let mut reader = Reader::new(Source::failing(b"hello", ErrorKind::TimedOut));
    let partial = reader.write_to(&mut Vec::new()).unwrap_err();
    assert_eq!((partial.moved, partial.kind()), (5, ErrorKind::TimedOut));
}

#[test]
fn a_source_that_claims_too_much_is_found_out() {
    let mut buf = [0; 100];
    let errors = [
        Reader::with_capacity(SMALLEST, Liar).read(&mut buf).unwrap_err(),
        Reader::with_capacity(SMALLEST, Liar).read_vectored(&mut [IoSliceMut::new(&mut buf)]).unwrap_err(),
        Reader::with_capacity(SMALLEST, Liar).read_byte().unwrap_err(),
        Reader::new(&b"x"[..]).write_to(&mut Liar).unwrap_err().error,
    ];
    for error in errors {
        assert!(matches!(Error::of(&error), Some(Error::BadCount { count, room }) if *count == room + 1), "{error}");
    }
}
