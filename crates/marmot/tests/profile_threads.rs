//! The threads that the runtime makes are known, and where they were made.

mod common;

use std::hint::black_box;
use std::time::SystemTime;

use common::{LIMIT, alone, bounded, is_in, runtime, until};
use marmot::Runtime;
use marmot_runtime::profile::{self, Status, ThreadKind, Threads};

#[inline(never)]
fn makes_a_runtime() -> Runtime {
    black_box(runtime(3))
}

#[inline(never)]
fn blocks() {
    marmot::blocking(|| ());
    black_box(1);
}

/// The Ms that were made by `makes_a_runtime`: the numbers of those that run, and how many have ended.
fn machines(threads: &Threads) -> (Vec<[Option<usize>; 2]>, u64) {
    let ours = |kind: ThreadKind, stack: &[usize]| {
        kind == ThreadKind::Machine && is_in(stack, makes_a_runtime as fn() -> Runtime as usize)
    };
    let alive = threads.alive.iter().filter(|thread| ours(thread.kind, &thread.stack));
    let mut alive: Vec<_> = alive
        .map(|thread| {
            assert!(thread.made <= SystemTime::now());
            [thread.runtime, thread.m]
        })
        .collect();
    alive.sort_unstable();
    let ended = threads.ended.iter().filter(|ended| ours(ended.kind, &ended.stack));
    (alive, ended.map(|ended| ended.count).sum())
}

#[test]
fn machines_are_counted_when_they_have_ended() {
    let _alone = alone();
    bounded(|| {
        let rt = makes_a_runtime();
        let number = rt.run(|| {
            let running = profile::goroutines().goroutines.into_iter().find(|g| g.status == Status::Running);
            running.expect("who asks runs").runtime
        });
        let all = (0..3).map(|m| [Some(number), Some(m)]).collect();
        until(|| machines(&profile::threads()).0.len() == 3);
        assert_eq!(machines(&profile::threads()), (all, 0));
        rt.shutdown(LIMIT).unwrap();
        until(|| machines(&profile::threads()) == (vec![], 3));
    });
}

#[test]
fn a_spare_thread_was_made_by_who_blocks() {
    let _alone = alone();
    bounded(|| {
        let rt = runtime(1);
        rt.run(blocks);
        // The first one that blocks in this process makes the thread.
        let made = |threads: &Threads| {
            let spare = threads.alive.iter().filter(|thread| thread.kind == ThreadKind::Spare);
            spare.filter(|thread| is_in(&thread.stack, blocks as fn() as usize)).count()
        };
        assert_eq!(made(&profile::threads()), 1);
        rt.shutdown(LIMIT).unwrap();
    });
}
