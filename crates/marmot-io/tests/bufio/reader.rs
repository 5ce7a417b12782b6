//! `Reader`, case by case.

mod buffer;
mod lines;
mod read;
mod seek;
mod unread;

use std::io::{BufRead, Read};

use marmot_io::bufio::Reader;

use crate::common::{Give, Source};

/// The smallest capacity that there is.
const SMALLEST: usize = 16;

/// Everything that `reader` yields to reads of `size` bytes.
fn all<R: Read>(reader: &mut Reader<R>, size: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buf = vec![0; size];
    loop {
        match reader.read(&mut buf).unwrap() {
            0 => return all,
            count => all.extend_from_slice(&buf[..count]),
        }
    }
}

#[test]
fn any_way_to_read_yields_the_same_text() {
    let mut text = String::new();
    for length in 0..30 {
        text.extend(('a'..='z').cycle().take(length));
        text.push('\n');
    }
    type Way = fn(&mut Reader<Source>) -> Vec<u8>;
    let ways: [Way; 7] = [
        |reader| all(reader, 1),
        |reader| all(reader, 3),
        |reader| all(reader, 700),
        |reader| std::iter::from_fn(|| reader.read_byte().unwrap()).collect(),
        |reader| {
            let mut all = String::new();
            while reader.read_line(&mut all).unwrap() > 0 {}
            all.into_bytes()
        },
        |reader| {
            let mut all = Vec::new();
            while let Some((c, width)) = reader.read_rune().unwrap() {
                assert_eq!(width, 1);
                all.push(u8::try_from(c).unwrap());
            }
            all
        },
        |reader| {
            let mut all = Vec::new();
            assert_eq!(reader.write_to(&mut all).unwrap(), all.len() as u64);
            all
        },
    ];
    for way in ways {
        for stride in [1, 7, 100, 5000] {
            for capacity in [0, SMALLEST, 23, 64, 93, 1024, 4096] {
                let mut reader = Reader::with_capacity(capacity, Source::stride(text.as_bytes(), stride));
                assert_eq!(way(&mut reader), text.as_bytes(), "reads of {stride} into {capacity}");
                assert!(!reader.is_leased());
            }
        }
    }
}

#[test]
fn the_end_is_asked_for_each_time_and_ends_whatever_reads() {
    let script = [Give::Bytes(b"abc".to_vec()), Give::End, Give::Bytes(b"def".to_vec())];
    let mut reader = Reader::new(Source::new(script));
    let mut buf = [0; 50];
    assert_eq!(reader.read(&mut buf).unwrap(), 3);
    assert_eq!(reader.read(&mut buf).unwrap(), 0);
    assert_eq!(reader.read(&mut buf).unwrap(), 3);
    assert_eq!(&buf[..3], b"def");
    for _ in 0..2 {
        let reads = reader.get_ref().reads;
        assert_eq!(reader.read(&mut buf).unwrap(), 0);
        assert_eq!(reader.read_byte().unwrap(), None);
        assert_eq!(reader.read_rune().unwrap(), None);
        assert_eq!(reader.read_slice(b'x').unwrap(), b"");
        assert_eq!(reader.read_line_part().unwrap(), None);
        assert_eq!(reader.peek(1).unwrap(), b"");
        assert_eq!(reader.discard(1).unwrap(), 0);
        assert_eq!(reader.get_ref().reads, reads + 7);
    }
}
