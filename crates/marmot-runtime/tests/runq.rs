//! The local run queue on one thread. What several do to it is modelled in `loom`.

#![cfg(not(loom))]

#[path = "../src/primitive.rs"]
#[expect(dead_code, unused_imports, unused_macros, reason = "the ring needs no locks and no model")]
mod primitive;
#[path = "../src/sched/runq.rs"]
mod runq;

use std::ptr;

use primitive::RUN_QUEUE_SLOTS as SLOTS;
use runq::RunQueue;

fn p(i: usize) -> *mut u8 {
    ptr::without_provenance_mut(i)
}

/// A queue that holds the numbers of `range`.
fn queue(range: std::ops::RangeInclusive<usize>) -> RunQueue<u8> {
    let q = RunQueue::new();
    range.for_each(|i| q.push(p(i), |_| unreachable!("there is room")));
    q
}

fn drain(q: &RunQueue<u8>) -> Vec<usize> {
    std::iter::from_fn(|| q.pop()).map(<*mut u8>::addr).collect()
}

#[test]
fn first_in_first_out_and_next_first() {
    let q = RunQueue::new();
    assert!(q.is_empty());
    assert_eq!(q.put_next(p(3)), None);
    assert!(!q.is_empty());
    assert_eq!(q.put_next(p(4)), Some(p(3)));
    assert_eq!(q.take_next(), Some(p(4)));
    assert_eq!(q.take_next(), None);
    assert!(q.is_empty());
    assert_eq!(drain(&queue(1..=2)), [1, 2]);
}

#[test]
fn overflow_hands_over_the_oldest_half_and_the_newcomer() {
    let q = queue(1..=SLOTS);
    let mut out = Vec::new();
    q.push(p(SLOTS + 1), |batch| out.extend(batch.iter().map(|t| t.addr())));
    assert_eq!(out[..SLOTS / 2], (1..=SLOTS / 2).collect::<Vec<_>>());
    assert_eq!(out[SLOTS / 2..], [SLOTS + 1]);
    assert_eq!(drain(&q), (SLOTS / 2 + 1..=SLOTS).collect::<Vec<_>>());
}

#[test]
fn a_thief_takes_half() {
    let (q, mine) = (queue(1..=5), RunQueue::new());
    assert_eq!(q.steal_into(&mine), Some(p(3)));
    assert_eq!((drain(&mine), drain(&q)), (vec![1, 2], vec![4, 5]));
    assert_eq!(q.steal_into(&mine), None);
}

#[test]
fn a_thief_takes_no_more_than_it_has_room_for() {
    let (q, mine) = (queue(1..=SLOTS), queue(1..=SLOTS - 1));
    assert_eq!(q.steal_into(&mine), Some(p(2)));
    assert_eq!(drain(&mine).last(), Some(&1));
    let full = queue(1..=SLOTS);
    assert_eq!(q.steal_into(&full), Some(p(3)));
    assert_eq!(drain(&full).len(), SLOTS);
}

#[test]
fn the_ring_goes_round() {
    let q = RunQueue::new();
    for i in 1..=10 * SLOTS {
        q.push(p(i), |_| unreachable!("there is room"));
        if i % 3 != 0 {
            continue;
        }
        assert_eq!((0..3).filter_map(|_| q.pop()).map(<*mut u8>::addr).collect::<Vec<_>>(), [i - 2, i - 1, i]);
    }
}
