//! The ring: order, fullness, and writers that meet.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Ring;

#[test]
fn what_goes_in_comes_out_in_order_until_it_is_full() {
    let ring = Ring::new(4);
    for round in 0..10 {
        for n in 0..4 {
            assert!(ring.push(|record| record.label = round * 4 + n));
        }
        assert!(!ring.push(|_| panic!("there is no room to write to")));
        for n in 0..4 {
            ring.pop(|record| assert_eq!(record.label, round * 4 + n)).expect("it was put in");
        }
        assert!(ring.pop(|_| panic!("there is nothing to read")).is_none());
    }
}

#[test]
fn nothing_is_torn_lost_or_doubled() {
    const WRITERS: u64 = 3;
    const EACH: u64 = 20_000;
    let ring = Ring::new(16);
    let lost = AtomicUsize::new(0);
    let mut next = [0; WRITERS as usize];
    let mut read = 0;
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (ring, lost) = (&ring, &lost);
            scope.spawn(move || {
                for n in 0..EACH {
                    let is_taken = ring.push(|record| {
                        record.epoch = writer;
                        record.label = n;
                        record.len = 64;
                        record.frames[..64].fill((writer * EACH + n) as usize);
                    });
                    if !is_taken {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        while read + lost.load(Ordering::Relaxed) < (WRITERS * EACH) as usize {
            let popped = ring.pop(|record| {
                let whole = (record.epoch * EACH + record.label) as usize;
                assert!(record.stack().iter().all(|frame| *frame == whole), "a record is torn");
                let next = &mut next[record.epoch as usize];
                assert!(record.label >= *next, "a writer's records come once, and in its order");
                *next = record.label + 1;
            });
            match popped {
                Some(()) => read += 1,
                None => thread::yield_now(),
            }
        }
    });
    assert!(ring.pop(|_| ()).is_none());
    assert!(read > 0);
}
