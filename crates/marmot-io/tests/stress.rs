//! A pipe with many callers at both ends, of which some give up, at every moment.

mod common;

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use common::within_bound;
use marmot_io::{PipeReader, PipeWriter, pipe};

const THREADS: u8 = 4;
const WRITES: u32 = 2_000;

/// A record of seven bytes: its length, its writer, its number, its check.
fn record(writer: u8, number: u32) -> [u8; 7] {
    let mut record = [7, writer, 0, 0, 0, 0, 0];
    record[2..6].copy_from_slice(&number.to_le_bytes());
    record[6] = record[..6].iter().fold(0, |sum, byte| sum ^ byte);
    record
}

#[test]
fn every_record_of_several_writers_arrives_once_and_in_order() {
    within_bound(|| {
        let (mut reader, writer) = pipe();
        let reading = thread::spawn(move || {
            let (mut next, mut record) = (HashMap::new(), [0; 7]);
            while reader.read_exact(&mut record).is_ok() {
                assert_eq!(record.iter().fold(0, |sum, byte| sum ^ byte), 0, "records are not mixed");
                let number = u32::from_le_bytes(record[2..6].try_into().unwrap());
                let expected = next.entry(record[1]).or_insert(0);
                assert_eq!(number, *expected);
                *expected += 1;
            }
            next
        });
        thread::scope(|scope| {
            for id in 0..THREADS {
                let mut writer = &writer;
                scope.spawn(move || (0..WRITES).for_each(|number| writer.write_all(&record(id, number)).unwrap()));
            }
        });
        drop(writer);
        let counts = reading.join().unwrap();
        assert!((0..THREADS).all(|id| counts[&id] == WRITES));
    });
}

#[test]
fn long_writes_stay_together() {
    const LENGTH: usize = 150_000;
    within_bound(|| {
        let (mut reader, writer) = pipe();
        thread::scope(|scope| {
            for id in 0..THREADS {
                let mut writer = &writer;
                scope.spawn(move || (0..20).for_each(|_| assert_eq!(writer.write(&[id; LENGTH]).unwrap(), LENGTH)));
            }
            let mut bytes = vec![0; LENGTH];
            for _ in 0..20 * usize::from(THREADS) {
                reader.read_exact(&mut bytes).unwrap();
                assert!(bytes.iter().all(|byte| *byte == bytes[0]), "writes are not mixed");
            }
        });
    });
}

#[test]
fn every_byte_is_read_by_one_of_several_readers() {
    within_bound(|| {
        let (reader, mut writer) = pipe();
        let counts = Mutex::new([0u64; 256]);
        let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        thread::scope(|scope| {
            for id in 0..THREADS {
                let (mut reader, counts) = (&reader, &counts);
                scope.spawn(move || {
                    let mut buf = vec![0; 1 + usize::from(id) * 5];
                    while let count @ 1.. = reader.read(&mut buf).unwrap() {
                        let mut counts = counts.lock().unwrap();
                        buf[..count].iter().for_each(|byte| counts[usize::from(*byte)] += 1);
                    }
                });
            }
            for part in bytes.chunks(37) {
                assert_eq!(writer.write(part).unwrap(), part.len());
            }
            writer.close();
        });
        for (byte, count) in counts.into_inner().unwrap().into_iter().enumerate() {
            assert_eq!(count, bytes.iter().filter(|b| usize::from(**b) == byte).count() as u64);
        }
    });
}

/// Writes until the pipe is closed, and returns how many bytes the calls said were read.
fn write_all_the_time(mut writer: &PipeWriter, length: usize) -> u64 {
    let (bytes, mut count) = (vec![1; length], 0);
    loop {
        match writer.write(&bytes) {
            Ok(written) => count += written as u64,
            Err(error) if error.kind() == ErrorKind::TimedOut => thread::yield_now(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                return count;
            }
        }
    }
}

/// Reads until the end, and counts the bytes.
fn read_all_the_time(mut reader: &PipeReader, room: usize, count: &AtomicU64) {
    let mut buf = vec![0; room];
    loop {
        match reader.read(&mut buf) {
            Ok(0) => return,
            Ok(read) => {
                count.fetch_add(read as u64, Relaxed);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TimedOut);
                thread::yield_now();
            }
        }
    }
}

#[test]
fn what_is_written_is_what_is_read_also_with_deadlines_all_over() {
    within_bound(|| {
        let (reader, writer) = pipe();
        let read = AtomicU64::new(0);
        let written: u64 = thread::scope(|scope| {
            let (reader, writer, read) = (&reader, &writer, &read);
            let writes = [1, 3, 100, 100_000].map(|length| scope.spawn(move || write_all_the_time(writer, length)));
            for room in [2, 7, 5_000] {
                scope.spawn(move || read_all_the_time(reader, room, read));
            }
            // At least so many changes, and as many as it takes that something gets through in between.
            for round in 0u64.. {
                if round >= 20_000 && read.load(Relaxed) >= 10_000 {
                    break;
                }
                let deadline = Instant::now() + Duration::from_micros(round % 50);
                let deadline = (!round.is_multiple_of(3)).then_some(deadline);
                if round.is_multiple_of(2) {
                    reader.set_read_deadline(deadline);
                } else {
                    writer.set_write_deadline(deadline);
                }
            }
            reader.set_read_deadline(None);
            writer.set_write_deadline(None);
            writer.close();
            writes.into_iter().map(|write| write.join().unwrap()).sum()
        });
        assert_eq!(written, read.into_inner());
    });
}
