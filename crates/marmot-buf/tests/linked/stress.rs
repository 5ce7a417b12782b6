//! Two threads that call at random: what arrives is what was sent.

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use marmot_buf::linked::Options;
use marmot_buf::{Chunk, Consumer, Producer, Threads};

/// The byte at a place in the stream.
fn byte_at(at: usize) -> u8 {
    ((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

fn stream(at: usize, count: usize) -> Vec<u8> {
    (at..at + count).map(byte_at).collect()
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }

    fn size(&mut self) -> usize {
        let most = [2, 20, 600, 3000][self.below(4)];
        1 + self.below(most)
    }
}

fn produce(mut producer: Producer, mut random: Random, bytes: usize) {
    let mut at = 0;
    while at < bytes {
        let size = random.size();
        match random.below(8) {
            0..=2 => {
                producer.write_all(&stream(at, size)).expect("somebody reads");
                at += size;
            }
            3 => {
                producer.wait_room(None).expect("somebody reads");
                producer.append(stream(at, size)).expect("somebody reads");
                at += size;
            }
            4 | 5 => {
                let deadline = Instant::now() + Duration::from_micros(size as u64);
                match producer.wait_room(Some(deadline)) {
                    Ok(()) => at += producer.read_from(&mut &stream(at, size)[..]).expect("somebody reads"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::TimedOut),
                }
            }
            6 => producer.let_go(),
            _ => {
                producer.wait_room(None).expect("somebody reads");
                let mut room = producer.room(size);
                let (mut filled, commit) = (0, size.min(room.len()));
                for slice in room.slices() {
                    let piece = stream(at + filled, slice.len());
                    slice.copy_from_slice(&piece);
                    filled += piece.len();
                }
                room.commit(commit).expect("somebody reads");
                at += commit;
            }
        }
    }
    producer.close(Err(ErrorKind::ConnectionReset.into()));
}

/// Reads to the end, which is an error, and says how many bytes came.
fn consume(mut consumer: Consumer, mut random: Random) -> usize {
    let mut at = 0;
    let mut chunks: Vec<(usize, Chunk)> = Vec::new();
    loop {
        let size = random.size();
        match random.below(8) {
            0 | 1 => {
                let mut buf = vec![0; size];
                match consumer.read(&mut buf) {
                    Ok(count) => {
                        assert_eq!(buf[..count], stream(at, count));
                        at += count;
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                        break;
                    }
                }
            }
            2 => {
                let deadline = Instant::now() + Duration::from_micros(size as u64);
                match consumer.wait_until(size, Some(deadline)) {
                    Ok(there) => {
                        let count = there.min(size);
                        assert_eq!(consumer.peek(count).expect("they are there"), stream(at, count));
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::TimedOut),
                }
            }
            3 => {
                // More than the mark, now and then.
                let count = consumer.wait(size * 4).expect("nobody cancels").min(size * 4);
                let chunk = consumer.take_chunk(count).expect("they are there");
                assert_eq!(chunk, stream(at, count));
                chunks.push((at, chunk));
                at += count;
            }
            4 => {
                let Some(chunk) = consumer.take_chunk(size) else { continue };
                chunks.push((at, chunk));
                at += size;
            }
            5 => {
                let limit = size + 1;
                let found = consumer.find(0, limit, None).expect("nobody cancels");
                let seen = found.unwrap_or(limit.min(consumer.len()));
                let expected = stream(at, seen).iter().position(|byte| *byte == 0).map(|zero| zero + 1);
                assert_eq!(found, expected);
            }
            6 => {
                let mut out = Vec::new();
                let count = consumer.write_to(&mut out).expect("memory takes all");
                assert_eq!(out, stream(at, count));
                at += count;
            }
            _ => {
                let count = consumer.fill_buf().map_or(0, |bytes| bytes.len().min(size));
                consumer.consume(count);
                at += count;
            }
        }
        if chunks.len() > 20 {
            let (begin, chunk) = chunks.swap_remove(random.below(20));
            thread::spawn(move || assert!(chunk == stream(begin, chunk.len()))).join().expect("the chunk is as it was");
        }
    }
    for (begin, chunk) in chunks {
        assert!(chunk == stream(begin, chunk.len()));
    }
    at
}

#[test]
fn two_threads_at_random() {
    let (rounds, bytes) = if cfg!(miri) { (2, 5000) } else { (40, 200_000) };
    for _ in 0..rounds {
        let seed = std::env::var("MARMOT_SEED")
            .map_or_else(|_| RandomState::new().hash_one(0), |text| text.parse().expect("it is a number"));
        // Shown when the test fails.
        println!("MARMOT_SEED={seed}");
        let mut random = Random(seed | 1);
        let high_water = [1, 500, 2000, 1 << 16][random.below(4)];
        let node_size = 512 << random.below(3);
        let (producer, consumer) = Options::new().node_size(node_size).high_water(high_water).build::<Threads>();
        let (one, other) = (random.below(usize::MAX) as u64 | 1, random.below(usize::MAX) as u64 | 1);
        let writer = thread::spawn(move || produce(producer, Random(one), bytes));
        let received = consume(consumer, Random(other));
        writer.join().expect("the producer is content");
        assert!(received >= bytes, "{received} of {bytes} bytes");
    }
}

#[test]
fn either_side_goes_at_any_moment() {
    let rounds = if cfg!(miri) { 20 } else { 3000 };
    for round in 0..rounds {
        let (mut producer, mut consumer) = Options::new().node_size(512).high_water(600).build::<Threads>();
        let writer = thread::spawn(move || {
            let mut at = 0;
            while at < round {
                match producer.write(&stream(at, 1 + round % 700)) {
                    Ok(count) => at += count,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                        break;
                    }
                }
                if round % 3 == 0 {
                    producer.let_go();
                }
            }
        });
        let mut buf = vec![0; 1 + round % 500];
        let mut at = 0;
        while at < round / 2 {
            let count = consumer.read(&mut buf).expect("it ends in good order");
            assert_eq!(buf[..count], stream(at, count));
            at += count;
            if count == 0 {
                break;
            }
        }
        drop(consumer);
        writer.join().expect("the producer is content");
    }
}
