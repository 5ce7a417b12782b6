//! Tests of the contents.

use super::{PERIOD, check, piece};

const KEY: u64 = 0xfeed_f00d_dead_beef;

fn stream(key: u64, offset: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        bytes.extend_from_slice(piece(key, offset + bytes.len() as u64, length - bytes.len()));
    }
    bytes
}

#[test]
fn a_stream_is_the_same_however_it_is_cut() {
    let whole = stream(KEY, 5, 3 * PERIOD);
    for length in [1, 100, 65_535, 65_536] {
        for (i, part) in whole.chunks(length).enumerate() {
            check(KEY, 5 + (i * length) as u64, part);
        }
    }
    check(KEY, 5, &whole);
}

#[test]
#[should_panic = "its byte 1007 is"]
fn another_byte_is_found() {
    let mut bytes = stream(KEY, 1000, 100);
    bytes[7] ^= 1;
    check(KEY, 1000, &bytes);
}

#[test]
#[should_panic = "is broken"]
fn a_lost_byte_is_found() {
    let mut bytes = stream(KEY, 0, 100);
    bytes.remove(50);
    check(KEY, 0, &bytes);
}

#[test]
#[should_panic = "is broken"]
fn another_streams_bytes_are_found() {
    check(KEY, 0, &stream(KEY + 1, 0, 100));
}
