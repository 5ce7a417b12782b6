//! `spawn`: goroutines that do nothing are started and joined.

use super::rows::{Label, Rows};
use marmot::Runtime;
use std::io;

const ONE: Label = Label { own: "spawn", peer: "spawn_join_one" };
const BATCH: Label = Label { own: "spawn_batch", peer: "spawn_join_batch1000" };
const ONES: u64 = 300_000;
const BATCHED: u64 = 500_000;
const BATCH_SIZE: u64 = 1000;

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    rows.time(runtime, ONE, ONES, one_by_one)?;
    rows.time(runtime, BATCH, BATCHED, |count| {
        let mut handles = Vec::with_capacity(BATCH_SIZE as usize);
        for _ in 0..count / BATCH_SIZE {
            handles.extend((0..BATCH_SIZE).map(|_| marmot::go(|| {})));
            for handle in handles.drain(..) {
                handle.join().expect("doing nothing does not panic");
            }
        }
    })
}

/// Starts and joins so many, each before the next.
pub fn one_by_one(count: u64) {
    for _ in 0..count {
        marmot::go(|| {}).join().expect("doing nothing does not panic");
    }
}
