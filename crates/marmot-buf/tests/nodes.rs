//! How many nodes are held. That is counted for the whole process, so these tests are alone in it, and take turns.

#![cfg(not(loom))]

use std::io::{BufRead, ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use marmot_buf::linked::{Options, buffer};
use marmot_buf::{Chunk, Consumer, Producer, Threads, nodes_in_use};

static TURN: Mutex<()> = Mutex::new(());

/// The caller's turn, in which no node is held at first.
fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(nodes_in_use(), 0, "the test before has left something");
    turn
}

fn small() -> (Producer, Consumer) {
    Options::new().node_size(512).high_water(usize::MAX).build::<Threads>()
}

#[test]
fn an_empty_buffer_that_is_let_go_holds_none() {
    let _turn = turn();
    let (mut producer, mut consumer) = buffer();
    assert_eq!(nodes_in_use(), 0);
    producer.write_all(b"x").unwrap();
    assert_eq!(nodes_in_use(), 1);
    assert_eq!(consumer.skip(1), 1);
    assert_eq!(nodes_in_use(), 1, "the producer keeps it for the next byte");
    producer.let_go();
    assert_eq!(nodes_in_use(), 0);
    assert_eq!(producer.room(10_000).len(), 3 * 4096);
    assert_eq!(nodes_in_use(), 3);
    producer.let_go();
    assert_eq!(nodes_in_use(), 0);

    // What is in use stays, and goes when it is used up.
    producer.room(10_000).commit(1).unwrap();
    producer.let_go();
    assert_eq!(nodes_in_use(), 1);
    assert_eq!(consumer.skip(1), 1);
    assert_eq!(nodes_in_use(), 0);
}

#[test]
fn it_grows_and_shrinks_by_the_node() {
    let _turn = turn();
    let (mut producer, mut consumer) = small();
    for count in 1..=100 {
        producer.write_all(&[1; 512]).unwrap();
        assert_eq!(nodes_in_use(), count);
    }
    producer.let_go();
    // By whatever call: with the last byte of a node the node goes.
    for count in (0..100).rev() {
        assert_eq!(consumer.skip(511), 511);
        assert_eq!(nodes_in_use(), count + 1);
        match count % 4 {
            0 => assert_eq!(consumer.skip(1), 1),
            1 => consumer.read_exact(&mut [0]).unwrap(),
            2 => drop(consumer.take_chunk(1).unwrap()),
            _ => {
                assert_eq!(consumer.fill_buf().unwrap().len(), 1);
                consumer.consume(1);
            }
        }
        assert_eq!(nodes_in_use(), count);
    }
}

#[test]
fn a_chunk_holds_its_node() {
    let _turn = turn();
    let (mut producer, mut consumer) = small();
    producer.write_all(&[1; 1024]).unwrap();
    let chunk = consumer.take_chunk(10).unwrap();
    let part = chunk.slice(5..);
    assert_eq!(consumer.skip(1014), 1014);
    drop((producer, consumer, chunk));
    assert_eq!(nodes_in_use(), 1);
    thread::spawn(move || drop(part)).join().unwrap();
    assert_eq!(nodes_in_use(), 0);
}

#[test]
fn gathering_holds_what_it_has_gathered() {
    let _turn = turn();
    let (mut producer, mut consumer) = small();
    producer.write_all(&[1; 2048]).unwrap();
    assert_eq!(nodes_in_use(), 4);
    assert_eq!(consumer.peek(1000).unwrap().len(), 1000);
    // One of twice the size has the bytes of the first two.
    assert_eq!(nodes_in_use(), 3);
    let chunk = consumer.take_chunk(1000).unwrap();
    assert_eq!(consumer.peek(1000).unwrap().len(), 1000);
    // The chunk holds the old one; of the list only the last node is left, which the producer may go on in.
    assert_eq!(nodes_in_use(), 3);
    drop(chunk);
    assert_eq!(nodes_in_use(), 2);
    drop((consumer, producer));
    assert_eq!(nodes_in_use(), 0);
}

#[test]
fn bytes_of_somebody_are_no_nodes() {
    let _turn = turn();
    let (mut producer, mut consumer) = small();
    producer.append(vec![1; 10_000]).unwrap();
    assert_eq!(nodes_in_use(), 0);
    assert_eq!(consumer.skip(10_000), 10_000);
    producer.append("x").unwrap();
    assert_eq!(nodes_in_use(), 0);
}

#[test]
fn nothing_is_left_whoever_goes_first() {
    let _turn = turn();
    for order in 0..8 {
        for is_sealed in [false, true] {
            let (mut producer, mut consumer) = small();
            producer.write_all(&[1; 2000]).unwrap();
            producer.append("appended").unwrap();
            producer.room(2000).commit(100).unwrap();
            if is_sealed {
                producer.let_go();
            }
            let chunk = (order % 2 == 0).then(|| consumer.take_chunk(600).unwrap());
            match order / 2 {
                0 => drop((producer, consumer)),
                1 => drop((consumer, producer)),
                2 => {
                    drop(consumer);
                    assert_eq!(producer.append("x").unwrap_err().kind(), ErrorKind::BrokenPipe);
                    assert_eq!(nodes_in_use(), usize::from(chunk.is_some()));
                    drop(producer);
                }
                _ => {
                    producer.close(Err(ErrorKind::Other.into()));
                    assert_eq!(consumer.skip(usize::MAX), 2108 - chunk.as_ref().map_or(0, |chunk| chunk.len()));
                    assert_eq!(nodes_in_use(), usize::from(chunk.is_some()));
                    drop(consumer);
                }
            }
            drop(chunk);
            assert_eq!(nodes_in_use(), 0, "order {order}, sealed: {is_sealed}");
        }
    }
}

#[test]
fn nothing_is_left_by_panics() {
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
    struct Panics;
    impl Read for Panics {
        fn read(&mut self, _buf: &mut [u8]) -> std::io::Result<usize> {
            panic!("as it is to");
        }
    }

    let _turn = turn();
    let bomb = || Chunk::from_owner(Bomb(vec![1; 1000]));
    let panics = |f: &mut dyn FnMut()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());

    let (mut producer, consumer) = small();
    panics(&mut || drop(producer.read_from(&mut Panics)));
    producer.let_go();
    assert_eq!(nodes_in_use(), 0);

    // The whole list goes although one in its middle panics, at either side.
    let mut consumer = Some(consumer);
    producer.write_all(&[1; 1000]).unwrap();
    producer.append(bomb()).unwrap();
    producer.write_all(&[1; 1000]).unwrap();
    panics(&mut || consumer = None);
    assert_eq!(producer.room(3000).len(), 3072);
    panics(&mut || drop(producer.append(bomb())));
    assert_eq!(nodes_in_use(), 0);

    let (mut producer, mut consumer) = small();
    producer.write_all(&[1; 1000]).unwrap();
    producer.append(bomb()).unwrap();
    producer.write_all(&[1; 1000]).unwrap();
    panics(&mut || assert!(consumer.peek(3000).is_none(), "it panics"));
    drop((producer, consumer));
    assert_eq!(nodes_in_use(), 0);
}

#[test]
fn nodes_go_from_thread_to_thread() {
    let _turn = turn();
    let (mut producer, mut consumer) = buffer();
    let writer = thread::spawn(move || {
        for _ in 0..1000 {
            producer.write_all(&[1; 5000]).unwrap();
        }
    });
    let (mut buf, mut count) = (vec![0; 6000], 0);
    while let Ok(here @ 1..) = consumer.read(&mut buf) {
        count += here;
    }
    assert_eq!(count, 5_000_000);
    writer.join().unwrap();
    assert_eq!(nodes_in_use(), 0);
}
