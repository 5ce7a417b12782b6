//! Several slices at once, and the buffer together with what comes after it.

use std::io::{ErrorKind, IoSlice, Write};

use marmot_io::bufio::Writer;

use super::SMALLEST;
use crate::common::{Sink, Take, pattern};

fn slices<'a>(parts: &[&'a [u8]]) -> Vec<IoSlice<'a>> {
    parts.iter().map(|part| IoSlice::new(part)).collect()
}

#[test]
fn small_slices_are_collected() {
    let mut writer = Writer::with_capacity(SMALLEST, Sink::vectored([]));
    assert_eq!(writer.write_vectored(&slices(&[b"", b"one", b"", b"two"])).unwrap(), 6);
    assert_eq!(writer.write_vectored(&slices(&[b"three", b"four!"])).unwrap(), 10);
    assert_eq!((writer.buffer(), writer.get_ref().writes.len()), (&b"onetwothreefour!"[..], 0));
    // No room beside it.
    assert_eq!(writer.write_vectored(&slices(&[b"", b"five"])).unwrap(), 4);
    assert_eq!((writer.buffer(), writer.get_ref().writes.len()), (&b"five"[..], 1));
    assert_eq!(writer.write_vectored(&slices(&[b"", b""])).unwrap(), 0);
}

#[test]
fn the_buffer_and_a_large_write_go_out_in_one_call() {
    let data = pattern(100);
    let mut writer = Writer::with_capacity(SMALLEST, Sink::vectored([]));
    writer.write_all(&data[..10]).unwrap();
    assert_eq!(writer.write(&data[10..60]).unwrap(), 50);
    assert_eq!(writer.get_ref().writes, [&data[..60]]);
    writer.write_all(&data[60..61]).unwrap();
    assert_eq!(writer.write_vectored(&slices(&[&data[61..70], b"", &data[70..100]])).unwrap(), 39);
    assert_eq!((writer.get_ref().writes.len(), writer.get_ref().bytes()), (2, data));
    assert!(!writer.is_leased());
}

#[test]
fn one_slice_at_a_time_is_never_a_small_one() {
    let data = pattern(400);
    let parts: Vec<&[u8]> = data.chunks(7).collect();
    let mut writer = Writer::with_capacity(SMALLEST, Sink::default());
    let mut bufs = slices(&parts);
    let mut bufs = &mut bufs[..];
    while !bufs.is_empty() {
        let count = writer.write_vectored(bufs).unwrap();
        assert!(count > 0);
        IoSlice::advance_slices(&mut bufs, count);
    }
    writer.flush().unwrap();
    let sizes: Vec<usize> = writer.get_ref().writes.iter().map(Vec::len).collect();
    assert_eq!(sizes, [16; 25]);
    assert_eq!(writer.get_ref().bytes(), data);
}

#[test]
fn slices_beyond_those_of_one_call_are_left_to_the_next() {
    let data = pattern(400);
    let parts: Vec<&[u8]> = data.chunks(10).collect();
    let mut writer = Writer::with_capacity(SMALLEST, Sink::vectored([]));
    writer.write_all(b"!").unwrap();
    // With the buffer's own they are sixteen.
    assert_eq!(writer.write_vectored(&slices(&parts)).unwrap(), 150);
    assert_eq!(writer.get_ref().bytes(), [b"!", &data[..150]].concat());
}

#[test]
fn a_call_that_takes_a_part_of_the_buffer_goes_on() {
    let data = pattern(60);
    for most in 1..=60 {
        let interrupted = Take::Error(ErrorKind::Interrupted);
        let mut writer = Writer::with_capacity(SMALLEST, Sink::vectored([Take::UpTo(most), interrupted]));
        writer.write_all(&data[..10]).unwrap();
        let accepted = match writer.write(&data[10..]) {
            Ok(count) => count,
            // It met the write of the new bytes alone, after a call that had taken exactly the buffer.
            Err(error) => {
                assert_eq!((error.kind(), most), (ErrorKind::Interrupted, 10));
                0
            }
        };
        assert_eq!(accepted, if most < 10 { 50 } else { most - 10 });
        writer.write_all(&data[10 + accepted..]).unwrap();
        writer.flush().unwrap();
        assert_eq!(writer.get_ref().bytes(), data);
    }
}

#[test]
fn a_call_that_fails_in_between_has_taken_nothing_new() {
    let data = pattern(60);
    let mut writer = Writer::with_capacity(
        SMALLEST,
        Sink::vectored([Take::UpTo(4), Take::Error(ErrorKind::TimedOut), Take::UpTo(0)]),
    );
    writer.write_all(&data[..10]).unwrap();
    assert_eq!(writer.write(&data[10..]).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(writer.buffer(), &data[4..10]);
    assert_eq!(writer.write(&data[10..]).unwrap_err().kind(), ErrorKind::WriteZero);
    assert_eq!(writer.write(&data[10..]).unwrap(), 50);
    assert_eq!(writer.get_ref().bytes(), data);
}
