//! How the two sides wait for each other, and how a wait ends.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::iter;
use std::thread;
use std::time::{Duration, Instant};

use marmot_buf::linked::{Options, buffer};
use marmot_buf::{Consumer, Park, Producer, Threads};

use crate::doubles::{Watched, bytes, until};

/// Writes until that fails because nobody reads.
pub fn until_broken<P: Park>(producer: &mut Producer<P>) {
    let failed = iter::repeat_with(|| producer.write_all(b"x")).find_map(Result::err);
    assert_eq!(failed.unwrap().kind(), ErrorKind::BrokenPipe);
}

/// A moment from now that a test can wait for.
fn soon() -> Instant {
    Instant::now() + Duration::from_millis(5)
}

#[test]
fn the_producer_parks_at_the_mark() {
    type P = Watched<0>;
    let (mut producer, mut consumer): (Producer<P>, Consumer<P>) =
        Options::new().node_size(512).high_water(1000).build();
    producer.write_all(&bytes(999)).unwrap();
    producer.wait_room(None).unwrap();
    producer.write_all(&[0; 2]).unwrap();
    assert_eq!(P::parks(), 0, "one commit may exceed the mark");
    let writer = thread::spawn(move || {
        producer.write_all(b"x").unwrap();
        producer
    });
    until("the producer to park", || P::parks() == 1);
    // It is woken once when half has been used, not for a few bytes.
    assert_eq!(consumer.skip(100), 100);
    assert_eq!(consumer.len(), 901);
    assert_eq!(consumer.skip(500), 500);
    let producer = writer.join().unwrap();
    assert_eq!(P::parks(), 1);
    assert_eq!((consumer.len(), consumer.skip(1000)), (402, 402));
    assert!(producer.is_empty());
}

#[test]
fn the_consumer_wants_more_than_the_mark() {
    type P = Watched<1>;
    let (mut producer, mut consumer): (Producer<P>, Consumer<P>) =
        Options::new().node_size(512).high_water(100).build();
    let sent = bytes(5000);
    let writer = thread::spawn(move || {
        bytes(5000).chunks(10).for_each(|piece| producer.write_all(piece).unwrap());
    });
    until("the producer to park", || P::parks() == 1);
    assert_eq!(consumer.wait(5000).unwrap(), 5000);
    writer.join().unwrap();
    assert!(consumer.peek(5000).unwrap() == sent);
}

#[test]
fn a_consumer_that_asks_in_vain_lets_the_producer_go_on() {
    type P = Watched<2>;
    let (mut producer, mut consumer): (Producer<P>, Consumer<P>) =
        Options::new().node_size(512).high_water(1000).build();
    producer.write_all(&bytes(1000)).unwrap();
    let writer = thread::spawn(move || {
        producer.write_all(&[7; 500]).unwrap();
        producer.write_all(&[8; 500]).unwrap();
    });
    until("the producer to park", || P::parks() == 1);
    assert_eq!(consumer.skip(300), 300);
    // It never waits, but asks for what would be there if the producer went on, by one means and the other.
    while consumer.peek(1000).is_none() {
        thread::yield_now();
    }
    assert_eq!(consumer.skip(300), 300);
    while consumer.wait_until(1000, Some(Instant::now())).is_err() {
        thread::yield_now();
    }
    writer.join().unwrap();
    assert_eq!(consumer.skip(2000), 1400);
}

#[test]
fn deadlines_of_both_sides() {
    let (mut producer, mut consumer) = Options::new().node_size(512).high_water(10).build::<Threads>();
    let missed = |error: io::Error, deadline: Instant| {
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(Instant::now() >= deadline);
    };
    let deadline = soon();
    missed(consumer.wait_until(1, Some(deadline)).unwrap_err(), deadline);
    producer.write_all(&[1; 10]).unwrap();
    // What is there is there, also after the deadline.
    assert_eq!(consumer.wait_until(10, Some(deadline)).unwrap(), 10);
    let deadline = soon();
    missed(producer.wait_room(Some(deadline)).unwrap_err(), deadline);
    let deadline = soon();
    missed(consumer.wait_until(11, Some(deadline)).unwrap_err(), deadline);
    let deadline = soon();
    missed(consumer.find(2, 100, Some(deadline)).unwrap_err(), deadline);
    // A consumer that does not wait any more wants no more than the mark.
    let deadline = soon();
    missed(producer.wait_room(Some(deadline)).unwrap_err(), deadline);
    // Nothing was lost by any of that, and both go on.
    assert_eq!(consumer.take_chunk(10).unwrap(), [1; 10]);
    producer.wait_room(Some(deadline)).unwrap();
    producer.write_all(&[2]).unwrap();
    assert_eq!(consumer.find(2, 100, Some(deadline)).unwrap(), Some(1));
}

#[test]
fn waiting_for_nothing_says_what_is_there() {
    let (mut producer, mut consumer) = buffer();
    assert_eq!(consumer.wait(0).unwrap(), 0);
    producer.write_all(b"abc").unwrap();
    assert_eq!(consumer.wait(0).unwrap(), 3);
}

#[test]
fn a_cancelled_wait_loses_nothing() {
    type P = Watched<3>;
    let (mut producer, mut consumer): (Producer<P>, Consumer<P>) =
        Options::new().node_size(512).high_water(1000).build();
    P::set_cancelled(true);
    let cancelled = |error: io::Error| assert_eq!(error.to_string(), "cancelled by the test");
    cancelled(consumer.fill_buf().unwrap_err());
    producer.write_all(&bytes(1000)).unwrap();
    cancelled(producer.write(b"not taken").unwrap_err());
    cancelled(consumer.wait(1001).unwrap_err());
    cancelled(consumer.find(255, 2000, None).unwrap_err());
    assert_eq!(consumer.len(), 1000);
    P::set_cancelled(false);

    // The flags and handles that those waits left behind do no harm to later ones.
    let writer = thread::spawn(move || producer.write_all(b"later").unwrap());
    assert_eq!(consumer.wait(1005).unwrap(), 1005);
    writer.join().unwrap();
    let mut received = Vec::new();
    consumer.read_to_end(&mut received).unwrap();
    assert!(received == [bytes(1000), b"later".to_vec()].concat());
}

#[test]
fn the_producer_ends_while_the_consumer_waits() {
    type P = Watched<4>;
    let (producer, mut consumer): (Producer<P>, Consumer<P>) = Options::new().build();
    let reader = thread::spawn(move || consumer.wait(10).unwrap());
    until("the consumer to park", || P::parks() == 1);
    drop(producer);
    assert_eq!(reader.join().unwrap(), 0);
}

#[test]
fn the_consumer_goes_while_the_producer_waits() {
    type P = Watched<5>;
    let (mut producer, consumer): (Producer<P>, Consumer<P>) = Options::new().high_water(1).build();
    producer.write_all(b"x").unwrap();
    // While the consumer goes, there may be room once more.
    let writer = thread::spawn(move || until_broken(&mut producer));
    until("the producer to park", || P::parks() == 1);
    drop(consumer);
    writer.join().unwrap();
}

#[test]
fn results_come_after_the_bytes() {
    let (mut producer, mut consumer) = buffer();
    producer.write_all(b"bytes").unwrap();
    producer.close(Err(io::Error::new(ErrorKind::ConnectionReset, "the very error")));
    assert!(consumer.ended().is_none());
    assert_eq!(consumer.wait(6).unwrap(), 5);
    assert_eq!(consumer.find(b'x', 100, None).unwrap(), None);
    let mut buf = [0; 10];
    assert_eq!(consumer.read(&mut buf).unwrap(), 5);
    assert_eq!(consumer.read(&mut buf).unwrap_err().to_string(), "the very error");
    for _ in 0..3 {
        assert_eq!(consumer.read(&mut buf).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(consumer.fill_buf().unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(consumer.ended().unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    // Waiting itself does not fail.
    assert_eq!(consumer.wait(1).unwrap(), 0);

    let (mut producer, mut consumer) = buffer();
    producer.write_all(b"bytes").unwrap();
    producer.close(Ok(()));
    assert_eq!(consumer.skip(10), 5);
    for _ in 0..3 {
        assert_eq!(consumer.read(&mut buf).unwrap(), 0);
        consumer.ended().unwrap().unwrap();
    }
}

#[test]
fn a_dribble_loses_nothing() {
    const BYTES: usize = if cfg!(miri) { 2000 } else { 10_000_000 };
    let (mut producer, mut consumer) = buffer();
    let writer = thread::spawn(move || {
        for at in 0..BYTES {
            producer.write_all(&[(at % 251) as u8]).unwrap();
        }
    });
    let (mut at, mut byte) = (0, [0]);
    while consumer.read(&mut byte).unwrap() == 1 {
        assert_eq!(usize::from(byte[0]), at % 251);
        at += 1;
    }
    assert_eq!(at, BYTES);
    writer.join().unwrap();
}

#[test]
fn a_paused_producer_goes_on_where_it_was() {
    // With everything read, and with bytes left in the last node and behind it.
    for left in [0, 3, 700] {
        let (mut producer, mut consumer) = Options::new().node_size(512).build::<Threads>();
        let sent = bytes(2000);
        producer.write_all(&sent[..1000]).unwrap();
        assert!(consumer.resume().is_none(), "it has not paused");
        assert_eq!(consumer.skip(1000 - left), 1000 - left);
        producer.pause(ErrorKind::TimedOut.into());
        assert!(consumer.has_failed());
        assert_eq!(consumer.wait(left + 1).unwrap(), left);
        assert_eq!(consumer.resume().unwrap().kind(), ErrorKind::TimedOut);
        assert!(!consumer.has_failed());
        producer.write_all(&sent[1000..]).unwrap();
        // Again, and this time the error is given out by reading.
        producer.pause(ErrorKind::WouldBlock.into());
        let mut rest = Vec::new();
        assert_eq!(consumer.read_to_end(&mut rest).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(rest == sent[1000 - left..], "{left} bytes were left");
        assert_eq!(consumer.resume().unwrap().kind(), ErrorKind::WouldBlock);
        producer.write_all(b"x").unwrap();
        drop(producer);
        assert!(consumer.resume().is_none(), "it has ended");
        assert_eq!(consumer.fill_buf().unwrap(), b"x");
    }
}

#[test]
fn a_paused_producer_that_is_dropped_has_failed() {
    let (mut producer, mut consumer) = buffer();
    producer.pause(ErrorKind::TimedOut.into());
    drop(producer);
    for _ in 0..2 {
        assert_eq!(consumer.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}

#[test]
fn a_paused_producer_adds_nothing_and_keeps_its_error() {
    let (mut producer, mut consumer) = Options::new().node_size(512).build::<Threads>();
    producer.write_all(&bytes(600)).unwrap();
    producer.pause(ErrorKind::TimedOut.into());
    let mut source = &b"not taken"[..];
    assert_eq!(producer.read_from(&mut source).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(source, b"not taken");
    assert_eq!(producer.write(b"x").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(producer.append(vec![1]).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(consumer.resume().unwrap().kind(), ErrorKind::TimedOut);
    producer.write_all(b"y").unwrap();
    assert_eq!(consumer.skip(600), 600);
    assert_eq!(consumer.peek(2), None);
    assert_eq!(consumer.fill_buf().unwrap(), b"y");
    producer.pause(ErrorKind::TimedOut.into());
    producer.close(Ok(()));
    assert!(consumer.resume().is_none());
    consumer.consume(1);
    assert_eq!(consumer.fill_buf().unwrap_err().kind(), ErrorKind::TimedOut);
}
