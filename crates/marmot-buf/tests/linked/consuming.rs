//! What the consumer does: peeking, finding, taking, passing on, without copying where it can.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Instant;

use marmot_buf::linked::{NODE_SIZE, Options, buffer};
use marmot_buf::{BadCount, Chunk, Consumer, Producer, Threads};

use crate::doubles::{Sink, bytes};

/// A buffer of nodes of 512 bytes with `count` bytes in it, and those bytes.
fn filled(count: usize) -> (Producer, Consumer, Vec<u8>) {
    let (mut producer, consumer) = Options::new().node_size(512).high_water(usize::MAX).build::<Threads>();
    let sent = bytes(count);
    producer.write_all(&sent).unwrap();
    (producer, consumer, sent)
}

#[test]
fn peeking_borrows_inside_a_node_and_gathers_across() {
    let (_producer, mut consumer, sent) = filled(2000);
    let place = consumer.fill_buf().unwrap().as_ptr();
    assert_eq!(consumer.peek(512).unwrap().as_ptr(), place);
    assert_eq!(consumer.peek(0).unwrap(), b"");
    assert_eq!(consumer.peek(513).unwrap(), &sent[..513]);
    assert_ne!(consumer.peek(513).unwrap().as_ptr(), place);
    // What has been gathered stays where it is, and what was gathered with it too.
    let gathered = consumer.peek(513).unwrap().as_ptr();
    assert_eq!(consumer.peek(600).unwrap().as_ptr(), gathered);
    assert_eq!(consumer.peek(2000).unwrap(), sent);
    assert!(consumer.peek(2001).is_none());
    assert_eq!(consumer.len(), 2000);
    assert!(consumer.take_chunk(2000).unwrap() == sent);
}

#[test]
fn gathering_goes_on_from_what_has_been_gathered() {
    let (mut producer, mut consumer, mut sent) = filled(1500);
    let first = consumer.peek(1100).unwrap().as_ptr();
    let chunk = consumer.take_chunk(700).unwrap();
    assert_eq!(chunk.as_ptr(), first);
    producer.write_all(&bytes(3000)).unwrap();
    sent.extend(bytes(3000));
    assert!(consumer.peek(3000).unwrap() == &sent[700..3700]);
    assert_eq!(consumer.skip(2999), 2999);
    assert_eq!(consumer.fill_buf().unwrap()[0], sent[3699]);
    assert!(chunk == sent[..700]);
    let mut rest = vec![0; 801];
    consumer.read_exact(&mut rest).unwrap();
    assert!(rest == sent[3699..]);
    assert!(producer.is_empty());
}

#[test]
fn reading_takes_what_is_there() {
    let (mut producer, mut consumer, sent) = filled(1300);
    let mut buf = [0; 2000];
    assert_eq!(consumer.read(&mut []).unwrap(), 0);
    assert_eq!(consumer.read(&mut buf[..1]).unwrap(), 1);
    assert_eq!(consumer.read(&mut buf[1..]).unwrap(), 1299);
    assert!(buf[..1300] == sent);
    producer.write_all(b"x").unwrap();
    assert_eq!(consumer.read(&mut buf).unwrap(), 1);
}

#[test]
fn no_more_is_consumed_than_is_there() {
    let (_producer, mut consumer, _) = filled(10);
    assert_eq!(consumer.skip(0), 0);
    assert_eq!(consumer.fill_buf().unwrap().len(), 10);
    assert!(catch_unwind(AssertUnwindSafe(|| consumer.consume(11))).is_err());
    assert_eq!(consumer.skip(11), 10);
    assert_eq!(consumer.skip(1), 0);
    consumer.consume(0);
}

#[test]
fn chunks_are_where_the_bytes_were() {
    let (mut producer, mut consumer, sent) = filled(512);
    let place = consumer.fill_buf().unwrap().as_ptr();
    let first = consumer.take_chunk(100).unwrap();
    let second = consumer.take_chunk(412).unwrap();
    assert_eq!(first.as_ptr(), place);
    assert_eq!(second.as_ptr(), place.wrapping_add(100));
    assert!(consumer.take_chunk(1).is_none());
    assert_eq!(consumer.take_chunk(0).unwrap(), "");
    // The node is the chunks', and the producer takes another.
    producer.write_all(b"next").unwrap();
    assert!(!(place..place.wrapping_add(512)).contains(&consumer.fill_buf().unwrap().as_ptr()));
    assert!(first == sent[..100] && second == sent[100..]);
}

#[test]
fn the_producer_goes_on_in_a_node_that_chunks_hold() {
    let (mut producer, mut consumer) = buffer();
    producer.write_all(b"one").unwrap();
    let one = consumer.take_chunk(3).unwrap();
    producer.write_all(b"two").unwrap();
    let two = consumer.take_chunk(3).unwrap();
    assert_eq!(two.as_ptr(), one.as_ptr().wrapping_add(3));
    assert_eq!((&*one, &*two), (&b"one"[..], &b"two"[..]));
}

#[test]
fn chunks_survive_everything_in_any_order() {
    for order in 0..24 {
        let (producer, mut consumer, sent) = filled(1500);
        let across = consumer.peek(600).map(<[u8]>::len).and_then(|count| consumer.take_chunk(count)).unwrap();
        let inside = consumer.take_chunk(100).unwrap();
        let part = inside.slice(10..=19);
        let copy = inside.clone();
        assert_eq!(part, sent[610..620]);
        assert_eq!(format!("{:?}", part.slice(..1)), format!("b\"{}\"", sent[610..611].escape_ascii()));
        let check = move |what: &str, chunk: Chunk, range: std::ops::Range<usize>| {
            assert!(chunk == bytes(1500)[range], "{what}");
        };
        let mut actions: Vec<Box<dyn FnOnce() + Send>> = vec![
            Box::new(move || drop((producer, consumer))),
            Box::new(move || check("gathered", across, 0..600)),
            Box::new(move || check("a part", part, 610..620)),
            Box::new(move || {
                check("a copy", copy, 600..700);
                check("inside", inside, 600..700);
            }),
        ];
        // The factorial digits of `order` name a permutation.
        let mut code = order;
        for base in (1..=actions.len()).rev() {
            let action = actions.remove(code % base);
            code /= base;
            // Half of them on other threads.
            if code % 2 == 0 { action() } else { thread::spawn(action).join().unwrap() }
        }
    }
}

#[test]
fn finding_with_dribbled_input() {
    let (mut producer, mut consumer) = Options::new().node_size(512).build::<Threads>();
    let now = || Some(Instant::now());
    let missing = |result: std::io::Result<Option<usize>>| assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    for round in 0..3 {
        for at in 0..1000 {
            producer.write_all(b"x").unwrap();
            if at % 100 == round {
                missing(consumer.find(b'\n', 5000, now()));
                assert_eq!(consumer.find(b'x', 5000, now()).unwrap(), Some(1));
            }
            // Peeking gathers, and skipping moves what has been searched.
            if at == 700 {
                assert_eq!(consumer.peek(600).unwrap().len(), 600);
            }
        }
        missing(consumer.find(b'\n', 5000, now()));
        assert_eq!(consumer.skip(300), 300);
        producer.write_all(b"\nabc\n").unwrap();
        assert_eq!(consumer.find(b'\n', 700, now()).unwrap(), None);
        assert_eq!(consumer.find(b'\n', 701, now()).unwrap(), Some(701));
        assert_eq!(consumer.find(b'\n', 5, now()).unwrap(), None, "a limit before what has been found");
        assert_eq!(consumer.find(b'\n', 5000, now()).unwrap(), Some(701));
        assert_eq!(consumer.skip(701), 701);
        assert_eq!(consumer.find(b'\n', 5000, now()).unwrap(), Some(4));
        assert_eq!(consumer.find(b'\n', 0, now()).unwrap(), None);
        assert_eq!(consumer.take_chunk(4).unwrap(), "abc\n");
        missing(consumer.find(b'\n', 1, now()));
    }
    producer.write_all(b"the end").unwrap();
    drop(producer);
    assert_eq!(consumer.find(b'\n', 5000, None).unwrap(), None);
    assert_eq!(consumer.find(b'e', 5000, None).unwrap(), Some(3));
}

#[test]
fn finding_waits_for_more_than_the_mark() {
    let (mut producer, mut consumer) = Options::new().node_size(512).high_water(10).build::<Threads>();
    let writer = thread::spawn(move || {
        for _ in 0..2000 {
            producer.write_all(b"x").unwrap();
        }
        producer.write_all(b"\n").unwrap();
    });
    assert_eq!(consumer.find(b'\n', 5000, None).unwrap(), Some(2001));
    writer.join().unwrap();
}

#[test]
fn passing_on_by_one_call() {
    let (_producer, mut consumer, sent) = filled(16 * 512 + 100);
    let mut sink =
        Sink { counts: vec![Some(0), None, Some(700), Some(9000), Some(9000), Some(9000)], ..Sink::default() };
    assert_eq!(consumer.write_to(&mut sink).unwrap(), 0);
    assert_eq!(consumer.write_to(&mut sink).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(consumer.len(), sent.len());
    assert_eq!(consumer.write_to(&mut sink).unwrap(), 700);
    assert_eq!(consumer.write_to(&mut sink).unwrap(), 16 * 512 - 600);
    assert_eq!(consumer.write_to(&mut sink).unwrap(), 0, "there is nothing, so nobody is asked");
    assert_eq!(sink.slices[..3], [vec![512; 16], vec![512; 16], vec![512; 16]]);
    assert_eq!(sink.slices[3].len(), 16);
    assert_eq!(sink.slices.len(), 4);
    assert!(sink.bytes == sent);
}

#[test]
fn a_writer_that_lies_is_found_out() {
    struct Liar;
    impl Write for Liar {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len() + 1)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let (_producer, mut consumer, sent) = filled(10);
    let error = consumer.write_to(&mut Liar).unwrap_err();
    assert_eq!(BadCount::of(&error), Some(&BadCount { count: 11, room: 10 }));
    assert_eq!(consumer.fill_buf().unwrap(), sent);
}

#[test]
fn bytes_lie_at_the_beginning_of_a_cache_line() {
    let (mut producer, mut consumer) = buffer();
    let keep: Vec<Chunk> = (0..100)
        .map(|_| {
            producer.write_all(&[1; NODE_SIZE]).unwrap();
            consumer.take_chunk(NODE_SIZE).unwrap()
        })
        .collect();
    assert!(keep.iter().all(|chunk| chunk.as_ptr().addr() % 64 == 0));
}
