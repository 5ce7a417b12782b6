//! The linked buffer: the very code that ships, with nodes of two bytes, each of which leaves a trace.
//!
//! Loom finds a lost wake-up (a deadlock), a race for a byte, a handle or the anchor, a leaked node and one that is freed
//! twice.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use loom::thread::{self, Thread};
use marmot_buf::linked::Options;
use marmot_buf::{Consumer, Park, Producer};

/// Loom's threads.
struct Model;

impl Park for Model {
    type Handle = Thread;

    fn current() -> Thread {
        thread::current()
    }

    fn park(_until: Option<Instant>) -> io::Result<()> {
        thread::park();
        Ok(())
    }

    fn unpark(handle: &Thread) {
        handle.unpark();
    }
}

loom::thread_local! {
    /// Whether this thread has been parked before.
    static HAS_PARKED: Cell<bool> = Cell::new(false);
}

/// Loom's threads, whose first `park` ends without reason.
struct Restless;

impl Park for Restless {
    type Handle = Thread;

    fn current() -> Thread {
        thread::current()
    }

    fn park(_until: Option<Instant>) -> io::Result<()> {
        if HAS_PARKED.with(|has_parked| has_parked.replace(true)) {
            thread::park();
        }
        Ok(())
    }

    fn unpark(handle: &Thread) {
        handle.unpark();
    }
}

fn model<P: Park>(high_water: usize, f: impl Fn(Producer<P>, Consumer<P>) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(move || {
        let (producer, consumer) = Options::new().node_size(2).high_water(high_water).build();
        f(producer, consumer);
    });
}

/// Reads to the end, one byte at a time, so that each node is drained by itself.
fn drain<P: Park>(consumer: &mut Consumer<P>) -> io::Result<Vec<u8>> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while consumer.read(&mut byte)? == 1 {
        bytes.push(byte[0]);
    }
    Ok(bytes)
}

#[test]
fn it_grows_and_drains() {
    model::<Model>(100, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            producer.write_all(&[1]).unwrap();
            producer.write_all(&[2, 3]).unwrap();
        });
        assert_eq!(drain(&mut consumer).unwrap(), [1, 2, 3]);
        writer.join().unwrap();
    });
}

#[test]
fn the_producer_waits_for_room() {
    model::<Model>(1, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            producer.write_all(&[1, 2]).unwrap();
            producer.write_all(&[3]).unwrap();
        });
        assert_eq!(drain(&mut consumer).unwrap(), [1, 2, 3]);
        writer.join().unwrap();
    });
}

#[test]
fn the_producer_is_woken_by_use_alone() {
    model::<Model>(1, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            producer.write_all(&[1]).unwrap();
            producer.write_all(&[2]).unwrap();
        });
        assert_eq!(consumer.wait(1).unwrap(), 1);
        assert_eq!(consumer.skip(1), 1);
        // This side does not wait for bytes meanwhile.
        writer.join().unwrap();
        assert_eq!(consumer.take_chunk(1).unwrap(), [2]);
    });
}

#[test]
fn parks_that_end_without_reason() {
    model::<Restless>(1, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            producer.write_all(&[1]).unwrap();
            producer.write_all(&[2]).unwrap();
        });
        assert_eq!(drain(&mut consumer).unwrap(), [1, 2]);
        writer.join().unwrap();
    });
}

#[test]
fn who_wants_more_than_the_mark_gets_it() {
    model::<Model>(1, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            producer.write_all(&[1]).unwrap();
            producer.write_all(&[2]).unwrap();
        });
        assert_eq!(consumer.wait(2).unwrap(), 2);
        assert_eq!(consumer.peek(2).unwrap(), [1, 2]);
        drop(consumer);
        writer.join().unwrap();
    });
}

#[test]
fn the_last_node_has_one_owner() {
    model::<Model>(100, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            producer.write_all(&[1]).unwrap();
            producer.let_go();
            producer.write_all(&[2]).unwrap();
            producer.let_go();
        });
        assert_eq!(drain(&mut consumer).unwrap(), [1, 2]);
        writer.join().unwrap();
    });
}

#[test]
fn an_empty_list_begins_anew() {
    model::<Model>(100, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            producer.write_all(&[1, 2]).unwrap();
            producer.append(vec![3]).unwrap();
            producer.write_all(&[4]).unwrap();
        });
        assert_eq!(drain(&mut consumer).unwrap(), [1, 2, 3, 4]);
        writer.join().unwrap();
    });
}

#[test]
fn a_chunk_keeps_its_node() {
    model::<Model>(100, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            producer.write_all(&[1]).unwrap();
            producer.write_all(&[2]).unwrap();
        });
        assert_eq!(consumer.wait(1).unwrap().min(1), 1);
        let chunk = consumer.take_chunk(1).unwrap();
        let reader = thread::spawn(move || assert_eq!(chunk, [1]));
        assert_eq!(drain(&mut consumer).unwrap(), [2]);
        writer.join().unwrap();
        reader.join().unwrap();
    });
}

#[test]
fn the_producer_closes_with_an_error() {
    model::<Model>(100, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            producer.write_all(&[1]).unwrap();
            producer.close(Err(ErrorKind::ConnectionReset.into()));
        });
        let mut byte = [0];
        assert_eq!(consumer.read(&mut byte).unwrap(), 1);
        assert_eq!(byte, [1]);
        for _ in 0..2 {
            assert_eq!(consumer.read(&mut byte).unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
        writer.join().unwrap();
    });
}

#[test]
fn the_consumer_goes() {
    model::<Model>(1, |mut producer, mut consumer| {
        let writer = thread::spawn(move || {
            // Until the consumer has gone there may be room again and again.
            let failed = std::iter::repeat_with(|| producer.write_all(&[1, 2, 3])).find_map(Result::err);
            assert_eq!(failed.unwrap().kind(), ErrorKind::BrokenPipe);
            assert!(producer.is_abandoned());
        });
        let mut byte = [0];
        assert_eq!(consumer.read(&mut byte).unwrap(), 1);
        drop(consumer);
        writer.join().unwrap();
    });
}

#[test]
fn both_go() {
    model::<Model>(100, |mut producer, consumer| {
        let writer = thread::spawn(move || {
            let _ = producer.write_all(&[1, 2, 3]);
            producer.let_go();
            let _ = producer.write_all(&[4]);
        });
        drop(consumer);
        writer.join().unwrap();
    });
}

#[test]
fn a_paused_producer_goes_on() {
    model::<Model>(100, |mut producer, mut consumer| {
        let (send, receive) = loom::sync::mpsc::channel();
        let writer = thread::spawn(move || {
            producer.write_all(&[1]).unwrap();
            producer.pause(ErrorKind::TimedOut.into());
            send.send(producer).unwrap();
        });
        assert_eq!(consumer.wait(2).unwrap(), 1);
        let mut producer = receive.recv().unwrap();
        assert_eq!(consumer.resume().unwrap().kind(), ErrorKind::TimedOut);
        let second = thread::spawn(move || producer.write_all(&[2]).unwrap());
        assert_eq!(drain(&mut consumer).unwrap(), [1, 2]);
        writer.join().unwrap();
        second.join().unwrap();
    });
}
