//! Owners of bytes who panic when they are asked for them or dropped: nothing is lost by it, but what they own.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use marmot_buf::linked::{Options, buffer};
use marmot_buf::{Chunk, Consumer, Producer};

use crate::doubles::{Watched, bytes, until};
use crate::waiting::until_broken;

/// Owns bytes, and panics when it is dropped.
struct Bomb(Vec<u8>);

impl AsRef<[u8]> for Bomb {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("as it is to");
    }
}

fn bomb(bytes: &[u8]) -> Chunk {
    Chunk::from_owner(Bomb(bytes.to_vec()))
}

fn panics<T>(f: impl FnOnce() -> T) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "the owner has not been dropped");
}

#[test]
fn an_owner_that_panics_when_asked_is_dropped() {
    struct Shy(Arc<AtomicUsize>);
    impl AsRef<[u8]> for Shy {
        fn as_ref(&self) -> &[u8] {
            panic!("as it is to");
        }
    }
    impl Drop for Shy {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    let drops = Arc::new(AtomicUsize::new(0));
    panics(|| Chunk::from_owner(Shy(Arc::clone(&drops))));
    assert_eq!(drops.load(SeqCst), 1);
}

#[test]
fn while_the_consumer_goes_on() {
    let (mut producer, mut consumer) = buffer();
    producer.append(bomb(b"one")).unwrap();
    producer.write_all(b"two").unwrap();
    panics(|| consumer.skip(3));
    assert_eq!(consumer.fill_buf().unwrap(), b"two");
    assert_eq!(consumer.skip(3), 3);
    producer.write_all(b"three").unwrap();
    assert_eq!(consumer.take_chunk(5).unwrap(), "three");
}

#[test]
fn while_the_consumer_gathers() {
    let (mut producer, mut consumer) = buffer();
    producer.write_all(b"one").unwrap();
    producer.append(bomb(b"two")).unwrap();
    producer.write_all(b"three").unwrap();
    producer.append("four").unwrap();
    panics(|| consumer.peek(10).map(<[u8]>::len));
    assert_eq!(consumer.peek(15).unwrap(), b"onetwothreefour");
    producer.let_go();
    assert_eq!(consumer.take_chunk(15).unwrap(), "onetwothreefour");
    producer.write_all(b"five").unwrap();
    assert_eq!(consumer.fill_buf().unwrap(), b"five");
}

#[test]
fn while_the_consumer_drains_what_is_left_to_it() {
    type P = Watched<8>;
    let (mut producer, mut consumer): (Producer<P>, Consumer<P>) = Options::new().high_water(1).build();
    producer.append(bomb(b"one")).unwrap();
    producer.let_go();
    let writer = thread::spawn(move || {
        producer.wait_room(None).unwrap();
        producer
    });
    until("the producer to park", || P::parks() >= 1);
    panics(|| consumer.skip(3));
    // The producer has been woken all the same.
    let mut producer = writer.join().unwrap();
    producer.write_all(b"two").unwrap();
    assert_eq!(consumer.fill_buf().unwrap(), b"two");
}

#[test]
fn while_the_consumer_leaves() {
    type P = Watched<9>;
    let (mut producer, consumer): (Producer<P>, Consumer<P>) = Options::new().high_water(1).build();
    producer.append(bomb(b"one")).unwrap();
    producer.append("two").unwrap();
    let writer = thread::spawn(move || until_broken(&mut producer));
    until("the producer to park", || P::parks() >= 1);
    panics(|| drop(consumer));
    writer.join().unwrap();
}

#[test]
fn while_the_producer_lets_go() {
    let (mut producer, mut consumer) = buffer();
    producer.append(bomb(b"one")).unwrap();
    assert_eq!(consumer.skip(3), 3);
    panics(|| producer.let_go());
    producer.write_all(b"two").unwrap();
    assert_eq!(consumer.fill_buf().unwrap(), b"two");
}

#[test]
fn while_the_producer_goes_on() {
    let (mut producer, mut consumer) = buffer();
    producer.append(bomb(b"one")).unwrap();
    assert_eq!(consumer.skip(3), 3);
    panics(|| producer.write(b"two"));
    producer.write_all(b"three").unwrap();
    assert_eq!(consumer.fill_buf().unwrap(), b"three");
    assert_eq!(consumer.skip(5), 5);

    // Between making room and publishing what is there.
    producer.append(bomb(b"four")).unwrap();
    let room = producer.room(100);
    assert_eq!(consumer.skip(4), 4);
    panics(|| room.commit(1));
    assert_eq!(consumer.len(), 1, "it was published before the owner was dropped");
}

#[test]
fn while_the_producer_ends() {
    let (mut producer, mut consumer) = buffer();
    producer.append(bomb(b"one")).unwrap();
    assert_eq!(consumer.skip(3), 3);
    panics(|| producer.close(Err(ErrorKind::ConnectionReset.into())));
    assert_eq!(consumer.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn while_nobody_reads() {
    let (mut producer, consumer) = buffer();
    drop(consumer);
    panics(|| producer.append(bomb(b"one")));
    assert_eq!(producer.append("two").unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn the_last_chunk_drops_the_owner() {
    struct Counted(Vec<u8>, Arc<AtomicUsize>);
    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_add(1, SeqCst);
        }
    }

    let drops = Arc::new(AtomicUsize::new(0));
    let (mut producer, mut consumer) = buffer();
    producer.append(Chunk::from_owner(Counted(bytes(100), Arc::clone(&drops)))).unwrap();
    let chunk = consumer.take_chunk(100).unwrap();
    drop((producer, consumer));
    let part = chunk.slice(10..20);
    drop(chunk);
    assert_eq!(drops.load(SeqCst), 0);
    drop(part);
    assert_eq!(drops.load(SeqCst), 1);
}
