//! What the producer does: room, reading into it, adding without copying, letting go.

use std::io::{BufRead, ErrorKind, IoSliceMut, Read, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use marmot_buf::linked::{NODE_SIZE, Options, buffer};
use marmot_buf::{BadCount, Chunk, Threads};

use crate::doubles::{Source, bytes};

#[test]
fn bytes_come_out_in_order_over_many_nodes() {
    let (mut producer, mut consumer) = Options::new().node_size(512).high_water(usize::MAX).build::<Threads>();
    let sent = bytes(100_000);
    producer.write_all(&sent).unwrap();
    assert_eq!((producer.len(), consumer.len()), (sent.len(), sent.len()));
    drop(producer);
    let mut received = Vec::new();
    consumer.read_to_end(&mut received).unwrap();
    assert!(received == sent);
}

/// Claims more than it was given.
struct Liar;

impl Read for Liar {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        Ok(buf.len() + 1)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> std::io::Result<usize> {
        Ok(bufs.iter().map(|buf| buf.len()).sum::<usize>() + 1)
    }
}

#[test]
fn a_reader_that_lies_is_found_out() {
    let (mut producer, mut consumer) = buffer();
    for _ in 0..3 {
        let error = producer.read_from(&mut Liar).unwrap_err();
        assert!(matches!(BadCount::of(&error), Some(BadCount { count, room }) if *count == room + 1), "{error}");
    }
    assert!(consumer.is_empty());
    // Nothing is broken by that.
    assert_eq!(producer.read_from(&mut &b"hello"[..]).unwrap(), 5);
    assert_eq!(consumer.fill_buf().unwrap(), b"hello");
}

#[test]
fn a_stream_that_ends_interrupted_is_not_asked_for_ever() {
    let (producer, mut consumer) = buffer();
    producer.close(Err(ErrorKind::Interrupted.into()));
    assert_eq!(consumer.read_exact(&mut [0; 4]).unwrap_err().kind(), ErrorKind::Interrupted);
}

#[test]
fn room_is_committed_in_part() {
    let (mut producer, mut consumer) = buffer();
    let mut room = producer.room(10_000);
    assert_eq!(room.len(), 3 * NODE_SIZE);
    assert_eq!(room.slices().len(), 3);
    room.slices()[0][..3].copy_from_slice(b"one");
    room.commit(3).unwrap();

    let mut room = producer.room(1);
    assert_eq!(room.len(), NODE_SIZE - 3, "what is behind is not asked for");
    room.slices()[0][..3].copy_from_slice(b"xxx");
    room.commit(0).unwrap();
    assert_eq!(consumer.len(), 3);

    let mut room = producer.room(NODE_SIZE);
    let (here, behind) = (NODE_SIZE - 3, 5);
    assert_eq!(room.slices().len(), 2);
    room.slices()[0].fill(b'2');
    room.slices()[1][..behind].fill(b'3');
    room.commit(here + behind).unwrap();

    assert_eq!(consumer.take_chunk(3).unwrap(), "one");
    assert_eq!(consumer.take_chunk(here).unwrap(), vec![b'2'; here]);
    assert_eq!(consumer.take_chunk(behind).unwrap(), "33333");
    assert!(consumer.is_empty() && producer.is_empty());
}

#[test]
fn no_more_than_sixteen_nodes_are_room() {
    let (mut producer, _consumer) = buffer();
    let mut room = producer.room(usize::MAX);
    assert_eq!((room.slices().len(), room.len()), (16, 16 * NODE_SIZE));
}

#[test]
fn more_than_the_room_is_not_committed() {
    let (mut producer, mut consumer) = buffer();
    let failed = catch_unwind(AssertUnwindSafe(|| {
        let room = producer.room(1);
        let len = room.len();
        room.commit(len + 1)
    }));
    assert!(failed.is_err());
    producer.write_all(b"as if nothing had been").unwrap();
    assert_eq!(consumer.fill_buf().unwrap(), b"as if nothing had been");
}

#[test]
fn slices_that_are_changed_do_not_change_the_room() {
    let (mut producer, mut consumer) = buffer();
    let mut room = producer.room(NODE_SIZE + 1);
    let mut others = [1; 10];
    // What is taken out of there does not outlive the room: that does not compile.
    let mut taken = mem::replace(&mut room.slices()[0], IoSliceMut::new(&mut []));
    taken[..5].copy_from_slice(b"hello");
    let mut rest = room.slices();
    IoSliceMut::advance_slices(&mut rest, NODE_SIZE + 1);
    assert_eq!(rest[0].len(), NODE_SIZE - 1);
    room.slices()[1] = IoSliceMut::new(&mut others);
    assert_eq!(room.slices()[1].len(), NODE_SIZE);
    assert_eq!(room.len(), 2 * NODE_SIZE);
    room.commit(5).unwrap();
    assert_eq!(consumer.fill_buf().unwrap(), b"hello");
}

#[test]
fn an_empty_buffer_uses_the_same_bytes_again() {
    let (mut producer, mut consumer) = buffer();
    producer.write_all(b"request").unwrap();
    let place = consumer.fill_buf().unwrap().as_ptr();
    consumer.consume(7);
    producer.write_all(b"another").unwrap();
    assert_eq!(consumer.fill_buf().unwrap().as_ptr(), place);
    let kept = consumer.take_chunk(7).unwrap();
    producer.write_all(b"a third").unwrap();
    assert_eq!(consumer.fill_buf().unwrap(), b"a third");
    assert_eq!(kept, "another");
}

#[test]
fn reading_asks_for_more_the_more_comes() {
    const LARGEST: usize = 16 * NODE_SIZE;
    let (mut producer, mut consumer) = Options::new().high_water(usize::MAX).build::<Threads>();
    let counts = [NODE_SIZE, 2 * NODE_SIZE, 4 * NODE_SIZE, 8 * NODE_SIZE, LARGEST, LARGEST, 1, 1, 1, 1, 1, 1, 0];
    let mut source = Source::new(&counts);
    let sent = source.bytes.clone();
    for count in counts {
        assert_eq!(producer.read_from(&mut source).unwrap(), count);
    }
    let nodes: Vec<usize> = source.slices.iter().map(Vec::len).collect();
    // A node that is begun counts as well, and fills up what is asked for.
    assert_eq!(nodes, [1, 2, 4, 8, 16, 16, 16, 9, 5, 3, 2, 2, 2]);
    let asked: Vec<usize> = source.slices.iter().map(|slices| slices.iter().sum()).collect();
    assert_eq!(asked[..6], [NODE_SIZE, 2 * NODE_SIZE, 4 * NODE_SIZE, 8 * NODE_SIZE, LARGEST, LARGEST]);
    assert_eq!(asked[7], 9 * NODE_SIZE - 1);
    assert_eq!(*asked.last().unwrap(), 2 * NODE_SIZE - 6);
    drop(producer);
    let mut received = Vec::new();
    consumer.read_to_end(&mut received).unwrap();
    assert!(received == sent);
}

#[test]
fn a_reader_that_panics_leaves_nothing() {
    struct Panics;
    impl Read for Panics {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            buf.fill(1);
            panic!("as it is to");
        }
    }

    let (mut producer, mut consumer) = buffer();
    producer.write_all(b"before").unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| producer.read_from(&mut Panics))).is_err());
    producer.write_all(b" and after").unwrap();
    assert_eq!(consumer.fill_buf().unwrap(), b"before and after");
}

#[test]
fn what_is_appended_is_not_copied() {
    let (mut producer, mut consumer) = Options::new().high_water(usize::MAX).build::<Threads>();
    let large = bytes(100_000);
    let place = large.as_ptr();
    producer.write_all(b"before").unwrap();
    producer.append(large).unwrap();
    producer.append("a constant").unwrap();
    producer.append(Chunk::from(&[][..])).unwrap();
    producer.write_all(b"after").unwrap();
    assert_eq!(consumer.take_chunk(6).unwrap(), "before");
    assert_eq!(consumer.fill_buf().unwrap().as_ptr(), place);
    let chunk = consumer.take_chunk(100_000).unwrap();
    assert_eq!(chunk.as_ptr(), place);
    assert_eq!(consumer.take_chunk(10).unwrap(), "a constant");
    assert_eq!(consumer.take_chunk(5).unwrap(), "after");
    assert!(chunk == bytes(100_000));

    // And out of one buffer into the next one.
    let (mut producer, mut consumer) = buffer();
    producer.append(chunk).unwrap();
    assert_eq!(consumer.fill_buf().unwrap().as_ptr(), place);
}

#[cfg(feature = "bytes")]
#[test]
fn bytes_are_not_copied_either() {
    let (mut producer, mut consumer) = buffer();
    let shared = bytes::Bytes::from(bytes(10_000));
    producer.append(shared.clone()).unwrap();
    let out = bytes::Bytes::from(consumer.take_chunk(10_000).unwrap());
    assert_eq!(out.as_ptr(), shared.as_ptr());
    assert_eq!(out, shared);
}

#[test]
fn room_behind_what_is_appended_goes_on() {
    let (mut producer, mut consumer) = buffer();
    producer.room(3 * NODE_SIZE).commit(1).unwrap();
    producer.append(vec![1; 10]).unwrap();
    let sent = bytes(4 * NODE_SIZE);
    producer.write_all(&sent).unwrap();
    assert_eq!(consumer.skip(11), 11);
    assert!(consumer.take_chunk(sent.len()).unwrap() == sent);
}

#[test]
fn letting_go_and_going_on() {
    let (mut producer, mut consumer) = buffer();
    producer.let_go();
    for round in 0..3u8 {
        // The consumer uses it up before, or after, the producer comes back.
        for is_used in [false, true] {
            producer.write_all(&[round; 10]).unwrap();
            producer.let_go();
            producer.let_go();
            if is_used {
                assert_eq!(consumer.take_chunk(10).unwrap(), [round; 10]);
            }
            producer.write_all(&[round + 100; 10]).unwrap();
            if !is_used {
                assert_eq!(consumer.take_chunk(10).unwrap(), [round; 10]);
            }
            assert_eq!(consumer.take_chunk(10).unwrap(), [round + 100; 10]);
            producer.let_go();
        }
    }
}

#[test]
fn nobody_reads() {
    let (mut producer, consumer) = buffer();
    producer.write_all(b"lost").unwrap();
    assert!(!producer.is_abandoned());
    drop(consumer);
    assert!(producer.is_abandoned() && producer.is_empty());
    let broken = |result: std::io::Result<()>| assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
    broken(producer.write_all(b"x"));
    broken(producer.wait_room(None));
    broken(producer.append("x"));
    broken(producer.room(10_000).commit(5000));
    broken(producer.read_from(&mut &b"x"[..]).map(drop));
    // Nothing at all is nothing lost.
    producer.write_all(b"").unwrap();
    producer.append("").unwrap();
    producer.room(10).commit(0).unwrap();
    producer.flush().unwrap();
    producer.close(Ok(()));
}

#[test]
fn who_has_paused_does_not_wait_for_room() {
    let (mut producer, mut consumer) = Options::new().high_water(3).build::<Threads>();
    producer.write_all(b"abc").unwrap();
    producer.pause(ErrorKind::TimedOut.into());
    let (tell, told) = mpsc::channel();
    let writer = thread::spawn(move || {
        tell.send(producer.write(b"d").map_err(|error| error.kind())).unwrap();
        producer
    });
    let result = told.recv_timeout(Duration::from_secs(300)).expect("it waits for room");
    assert_eq!(result, Err(ErrorKind::InvalidInput));
    let mut producer = writer.join().unwrap();
    // Once it is resumed, it waits for room as ever, and there is some.
    assert_eq!(consumer.skip(3), 3);
    assert_eq!(consumer.resume().unwrap().kind(), ErrorKind::TimedOut);
    producer.write_all(b"d").unwrap();
    assert_eq!(consumer.fill_buf().unwrap(), b"d");
}
