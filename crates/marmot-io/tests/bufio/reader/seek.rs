//! Seeking with bytes in the buffer.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

use marmot_io::bufio::Reader;

use super::SMALLEST;
use crate::common::pattern;

fn reader(count: usize) -> Reader<Cursor<Vec<u8>>> {
    Reader::with_capacity(SMALLEST, Cursor::new(pattern(count)))
}

#[test]
fn seeking_counts_from_what_was_read_here() {
    let data = pattern(60);
    let mut reader = reader(60);
    assert_eq!(reader.seek(SeekFrom::Start(3)).unwrap(), 3);
    assert_eq!(reader.fill_buf().unwrap(), &data[3..19]);
    assert_eq!(reader.stream_position().unwrap(), 3);
    assert_eq!(reader.buffer(), &data[3..19]);
    assert_eq!(reader.seek(SeekFrom::Current(1)).unwrap(), 4);
    assert_eq!(reader.fill_buf().unwrap(), &data[4..20]);
    reader.consume(1);
    assert_eq!(reader.seek(SeekFrom::Current(-2)).unwrap(), 3);
    assert_eq!(reader.seek(SeekFrom::End(-2)).unwrap(), 58);
    assert_eq!(reader.fill_buf().unwrap(), &data[58..]);
    assert!(reader.unread_byte().is_err());
}

#[test]
fn seeking_within_the_buffer_keeps_it() {
    let data = pattern(60);
    let mut reader = reader(60);
    reader.seek_relative(3).unwrap();
    assert_eq!(reader.fill_buf().unwrap(), &data[3..19]);
    reader.seek_relative(0).unwrap();
    reader.seek_relative(5).unwrap();
    assert_eq!(reader.buffer(), &data[8..19]);
    reader.seek_relative(-5).unwrap();
    assert_eq!(reader.stream_position().unwrap(), 3);
    assert_eq!(reader.buffer(), &data[3..19]);
    assert_eq!(reader.get_ref().position(), 19);
    // Past its ends.
    reader.seek_relative(17).unwrap();
    assert_eq!(reader.stream_position().unwrap(), 20);
    assert_eq!(reader.buffered(), 0);
    assert_eq!(reader.fill_buf().unwrap(), &data[20..36]);
    reader.seek_relative(-1).unwrap();
    assert_eq!(reader.fill_buf().unwrap(), &data[19..35]);
    reader.seek_relative(16).unwrap();
    assert!(!reader.is_leased());
    assert_eq!(reader.stream_position().unwrap(), 35);
    reader.seek_relative(-2).unwrap();
    assert_eq!(reader.read_byte().unwrap(), Some(data[33]));
}

#[test]
fn nothing_is_unread_after_a_seek() {
    for by in [-1, 0, 1, 30] {
        let mut reader = reader(60);
        assert!(reader.read_rune().unwrap().is_some());
        reader.seek_relative(by).unwrap();
        assert!(reader.unread_rune().is_err());
        assert!(reader.unread_byte().is_err());
        assert_eq!(reader.stream_position().unwrap(), 1_u64.wrapping_add_signed(by));
    }
}

#[test]
fn the_buffer_is_not_believed_after_a_read_past_it_or_a_seek() {
    let data = pattern(100);
    for moved in [20, 30] {
        let mut reader = reader(100);
        assert_eq!(reader.read_slice(data[15]).unwrap(), &data[..16]);
        if moved == 20 {
            reader.read_exact(&mut [0; 20]).unwrap();
        } else {
            reader.seek(SeekFrom::Current(30)).unwrap();
        }
        reader.seek_relative(-2).unwrap();
        assert_eq!(reader.read_byte().unwrap(), Some(data[16 + moved - 2]));
    }
}

#[test]
fn a_position_behind_the_buffers_back_is_an_error() {
    let mut reader = reader(20);
    reader.read_exact(&mut [0; 2]).unwrap();
    reader.get_mut().set_position(0);
    assert!(reader.stream_position().unwrap_err().to_string().contains("seek through the Reader"));
}

/// Yields zeroes; its position wraps around, and it fails at a seek of one's choice.
struct Endless {
    position: u64,
    seeks_left: usize,
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        buf.fill(0);
        self.position = self.position.wrapping_add(buf.len() as u64);
        Ok(buf.len())
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.seeks_left = self.seeks_left.checked_sub(1).ok_or_else(|| io::Error::other("no more seeks"))?;
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => self.position.wrapping_add_signed(by),
            SeekFrom::End(by) => u64::MAX.wrapping_add_signed(by),
        };
        Ok(self.position)
    }
}

#[test]
fn a_seek_that_no_offset_can_say_is_done_in_two() {
    let mut reader = Reader::with_capacity(SMALLEST, Endless { position: 0, seeks_left: 10 });
    assert_eq!(reader.seek(SeekFrom::End(-5)).unwrap(), u64::MAX - 5);
    assert_eq!(reader.fill_buf().unwrap().len(), SMALLEST);
    assert_eq!(reader.seek(SeekFrom::Current(i64::MIN)).unwrap(), (1 << 63) - 6);
    assert_eq!(reader.get_ref().seeks_left, 7);
    assert_eq!(reader.buffered(), 0);
}

#[test]
fn the_first_of_two_seeks_empties_the_buffer_also_when_the_second_fails() {
    let mut reader = Reader::with_capacity(SMALLEST, Endless { position: 0, seeks_left: 1 });
    assert_eq!(reader.fill_buf().unwrap().len(), SMALLEST);
    reader.seek(SeekFrom::Current(i64::MIN)).unwrap_err();
    assert_eq!(reader.buffered(), 0);
}

#[test]
fn a_seek_that_fails_at_once_keeps_the_buffer() {
    let mut reader = Reader::with_capacity(SMALLEST, Endless { position: 0, seeks_left: 0 });
    reader.fill_buf().unwrap();
    reader.seek(SeekFrom::Start(100)).unwrap_err();
    assert_eq!(reader.buffered(), SMALLEST);
}
