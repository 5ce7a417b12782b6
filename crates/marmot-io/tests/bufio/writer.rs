//! `Writer`, case by case.

mod failures;
mod vectored;

use std::io::{self, BufRead, Cursor, LineWriter, Read, Seek, SeekFrom, Write};

use marmot_io::bufio::{DEFAULT_CAPACITY, ReadWriter, Reader, Writer};

use crate::common::{Sink, Source, pattern};

/// The smallest capacity that there is.
const SMALLEST: usize = 16;

#[test]
fn everything_arrives_whatever_the_sizes() {
    let data = pattern(8192);
    let sizes = [0, 1, 15, 16, 17, 23, 32, 46, 64, 93, 128, 1024, 4096];
    for count in sizes {
        for capacity in sizes {
            let mut writer = Writer::with_capacity(capacity, Vec::new());
            writer.write_all(&data[..count]).unwrap();
            writer.flush().unwrap();
            assert_eq!(writer.get_ref(), &data[..count], "{count} bytes through {capacity}");
        }
    }
}

#[test]
fn small_writes_are_collected_and_large_ones_go_past_the_buffer() {
    let data = pattern(200);
    let mut writer = Writer::with_capacity(SMALLEST, Sink::default());
    // Exactly full is not written yet.
    assert_eq!(writer.write(&data[..10]).unwrap(), 10);
    assert_eq!(writer.write(&data[10..16]).unwrap(), 6);
    assert_eq!((writer.buffered(), writer.available(), writer.get_ref().writes.len()), (16, 0, 0));
    assert_eq!(writer.write(&data[16..17]).unwrap(), 1);
    assert_eq!((writer.buffer(), &writer.get_ref().writes[..]), (&data[16..17], &[data[..16].to_vec()][..]));
    // What does not fit beside it makes it go.
    assert_eq!(writer.write(&data[17..32]).unwrap(), 15);
    assert_eq!(writer.write(&data[32..47]).unwrap(), 15);
    assert_eq!((writer.buffer(), writer.get_ref().writes.len()), (&data[32..47], 2));
    writer.flush().unwrap();
    assert_eq!((writer.get_ref().writes.len(), writer.get_ref().flushes), (3, 1));
    // As large as the buffer: nothing is copied.
    assert_eq!(writer.write(&data[47..63]).unwrap(), 16);
    assert_eq!((writer.buffered(), writer.get_ref().writes.len()), (0, 4));
    assert_eq!(writer.write(&data[63..200]).unwrap(), 137);
    assert_eq!((writer.buffered(), writer.is_leased()), (0, false));
    assert_eq!((writer.get_ref().writes.len(), writer.get_ref().bytes()), (5, data));
}

#[test]
fn texts_characters_and_bytes_come_in_order() {
    let mut writer = Writer::with_capacity(SMALLEST, Vec::new());
    writer.write_string("0").unwrap();
    writer.write_string("").unwrap();
    writer.write_string("123456789").unwrap();
    writer.write_string("abcdefgh").unwrap();
    writer.write_string("abcdefghijklmnopqrstuvwxy").unwrap();
    writer.write_byte(b'z').unwrap();
    assert_eq!(writer.write_rune('𝄞').unwrap(), 4);
    write!(writer, "{:>20}", 7).unwrap();
    let expected = "0123456789abcdefghabcdefghijklmnopqrstuvwxyz𝄞                   7";
    assert_eq!(writer.into_inner().unwrap(), expected.as_bytes());
}

#[test]
fn a_character_is_not_cut_by_a_full_buffer() {
    let mut writer = Writer::with_capacity(SMALLEST, Sink::default());
    writer.write_string("01234567890123").unwrap();
    assert_eq!(writer.write_rune('日').unwrap(), 3);
    assert_eq!(writer.buffer(), "日".as_bytes());
    writer.write_string("0123456789").unwrap();
    assert_eq!(writer.write_rune('本').unwrap(), 3);
    assert_eq!((writer.available(), writer.get_ref().writes.len()), (0, 1));
    writer.write_byte(b'x').unwrap();
    assert_eq!(writer.into_inner().unwrap().writes, [&b"01234567890123"[..], "日0123456789本".as_bytes(), b"x"]);
}

#[test]
fn nothing_is_nothing() {
    let mut writer = Writer::new(Sink::default());
    assert_eq!(writer.write(&[]).unwrap(), 0);
    assert_eq!(writer.write_vectored(&[]).unwrap(), 0);
    assert_eq!(writer.read_from(&mut io::empty()).unwrap(), 0);
    assert!(!writer.is_leased());
    writer.flush().unwrap();
    assert_eq!((writer.get_ref().writes.len(), writer.get_ref().flushes), (0, 1));
}

#[test]
fn it_has_the_size_that_was_asked_for() {
    assert_eq!(Writer::new(io::sink()).capacity(), DEFAULT_CAPACITY);
    assert_eq!(Writer::with_capacity(1234, io::sink()).capacity(), 1234);
    assert_eq!(Writer::with_capacity(0, io::sink()).available(), SMALLEST);
}

#[test]
fn the_buffer_is_held_only_while_there_are_bytes() {
    let mut writer = Writer::with_capacity(SMALLEST, Vec::new());
    assert!(!writer.is_leased());
    writer.write_byte(b'x').unwrap();
    assert!(writer.is_leased());
    assert!(format!("{writer:?}").contains("leased: true"));
    writer.flush().unwrap();
    assert!(!writer.is_leased());
    writer.write_byte(b'x').unwrap();
    assert_eq!(writer.write(&[b'y'; 100]).unwrap(), 100);
    assert!(!writer.is_leased());
    writer.write_byte(b'x').unwrap();
    writer.reset(Vec::new());
    assert!(!writer.is_leased());
}

#[test]
fn a_reader_is_read_into_the_buffer() {
    let data = pattern(8192);
    for stride in [1, 15, 16, 17, 1000] {
        let mut writer = Writer::with_capacity(100, Vec::new());
        writer.write_all(&data[..8]).unwrap();
        let mut source = Source::stride(&data[8..], stride);
        assert_eq!(writer.read_from(&mut source).unwrap(), 8184);
        assert_eq!(writer.into_inner().unwrap(), data);
    }
}

#[test]
fn a_full_buffer_is_written_whole_while_a_reader_is_read() {
    let data = pattern(64);
    let mut writer = Writer::with_capacity(SMALLEST, Sink::default());
    writer.write_all(&data[..8]).unwrap();
    assert_eq!(writer.read_from(&mut &data[8..]).unwrap(), 56);
    let sizes: Vec<usize> = writer.get_ref().writes.iter().map(Vec::len).collect();
    assert_eq!((sizes, writer.buffered()), (vec![16; 4], 0));
}

#[test]
fn a_reader_is_no_reason_to_write_early() {
    let read_from = |writer: &mut Writer<Sink>, count: usize| {
        assert_eq!(writer.read_from(&mut vec![b'x'; count].as_slice()).unwrap(), count as u64);
    };
    let mut writer = Writer::with_capacity(1234, Sink::default());
    writer.write_all(&[b'x'; 1200]).unwrap();
    read_from(&mut writer, 30);
    assert_eq!(writer.get_ref().writes.len(), 0);
    read_from(&mut writer, 9);
    assert_eq!((writer.get_ref().writes.len(), writer.buffered()), (1, 5));
    writer.flush().unwrap();
    read_from(&mut writer, 700);
    assert_eq!(writer.get_ref().writes.len(), 2);
    read_from(&mut writer, 600);
    assert_eq!((writer.get_ref().writes.len(), writer.buffered()), (3, 66));
}

#[test]
fn another_writer_takes_over_without_what_was_not_flushed() {
    let mut writer = Writer::new(Vec::new());
    writer.write_string("foo").unwrap();
    assert_eq!(writer.reset(Vec::new()), b"");
    writer.write_string("bar").unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.reset(Vec::new()), b"bar");
    writer.write_string("baz").unwrap();
    let (inner, unwritten) = writer.into_parts();
    assert_eq!((inner, unwritten.unwrap()), (Vec::new(), b"baz".to_vec()));
}

#[test]
fn the_inner_writer_comes_back_with_everything_and_dropping_writes_it_too() {
    let mut writer = Writer::new(Vec::new());
    writer.write_all(&[0, 1]).unwrap();
    assert_eq!(*writer.get_ref(), []);
    assert_eq!(writer.into_inner().unwrap(), [0, 1]);
    let mut out = Vec::new();
    Writer::new(&mut out).write_all(&[2, 3]).unwrap();
    assert_eq!(out, [2, 3]);
}

#[test]
fn seeking_writes_what_comes_before() {
    let mut writer = Writer::with_capacity(SMALLEST, Cursor::new(Vec::new()));
    writer.write_all(&[0, 1, 2, 3, 4, 5]).unwrap();
    writer.write_all(&[6, 7]).unwrap();
    assert_eq!(writer.stream_position().unwrap(), 8);
    assert_eq!(writer.get_ref().get_ref(), &[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(writer.seek(SeekFrom::Start(2)).unwrap(), 2);
    writer.write_all(&[8, 9]).unwrap();
    assert_eq!(writer.into_inner().unwrap().into_inner(), [0, 1, 8, 9, 4, 5, 6, 7]);
}

#[test]
fn a_line_writer_of_std_works_over_it() {
    let mut writer = LineWriter::new(Writer::new(Sink::default()));
    writer.write_all(b"one\ntw").unwrap();
    writer.flush().unwrap();
    writer.write_all(b"o\nthree").unwrap();
    let writer = writer.into_inner().unwrap();
    assert_eq!((writer.get_ref().bytes(), writer.buffer()), (b"one\ntw".to_vec(), &b"o\nthree"[..]));
}

#[test]
fn a_pair_reads_and_writes() {
    let mut both = ReadWriter::new(Reader::new(&b"one\ntwo\nthree"[..]), Writer::new(Vec::new()));
    let mut line = String::new();
    both.read_line(&mut line).unwrap();
    both.write_all(line.as_bytes()).unwrap();
    let mut two = [0; 4];
    both.read_exact(&mut two).unwrap();
    assert_eq!(both.write_vectored(&[io::IoSlice::new(&two)]).unwrap(), 4);
    assert_eq!(both.read(&mut two).unwrap(), 4);
    let mut rest = Vec::new();
    both.read_to_end(&mut rest).unwrap();
    assert_eq!((&two, &rest[..]), (b"thre", &b"e"[..]));
    assert_eq!(*both.writer.get_ref(), b"");
    both.flush().unwrap();
    assert_eq!(*both.writer.get_ref(), b"one\ntwo\n");
    let mut buf = [0];
    assert_eq!(both.read_vectored(&mut [io::IoSliceMut::new(&mut buf)]).unwrap(), 0);
}
