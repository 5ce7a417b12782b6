//! Getting an object and giving it back: from a pool, from a mutexed list, and by making and dropping it.
//!
//! ```sh
//! cargo bench --package marmot-buf --bench pool
//! ```
//!
//! An operation is a get and a put of a `Vec<u8>` into which a byte is pushed, so that the list and the allocator have its
//! memory to give. Rounds are interleaved, so that what else the machine does is the same for all; figures are the best and
//! the median of many short rounds, in nanoseconds of each thread for an operation.

use std::hint::black_box;
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Instant;

use marmot_buf::Pool;

const ROUNDS: usize = 31;
const OPERATIONS: u32 = 500_000;

static POOL: Pool<Vec<u8>> = Pool::new(Vec::new).named("bench");
static LIST: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

fn pooled() {
    let mut object = POOL.get();
    object.push(1);
    black_box(&mut *object);
}

fn two_pooled() {
    let (mut one, mut other) = (POOL.get(), POOL.get());
    black_box((&mut *one, &mut *other));
}

fn listed() {
    let mut object = LIST.lock().expect("nobody panics").pop().unwrap_or_default();
    object.push(1);
    black_box(&mut object);
    object.clear();
    LIST.lock().expect("nobody panics").push(object);
}

fn made() {
    let mut object = Vec::new();
    object.push(1_u8);
    black_box(&mut object);
}

/// The time of an operation, of so many threads at the same time; the slowest of them.
fn time(threads: usize, operation: fn()) -> f64 {
    let start = Barrier::new(threads);
    let run = || {
        for _ in 0..OPERATIONS / 100 {
            operation();
        }
        start.wait();
        let begun = Instant::now();
        for _ in 0..OPERATIONS {
            operation();
        }
        begun.elapsed().as_nanos() as f64 / f64::from(OPERATIONS)
    };
    thread::scope(|scope| {
        let runs: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().expect("it does not panic")).fold(0.0, f64::max)
    })
}

fn main() {
    let ways: [(&str, fn()); 4] =
        [("pool", pooled), ("pool, two at a time", two_pooled), ("mutexed list", listed), ("made and dropped", made)];
    for threads in [1, 2] {
        let mut figures = ways.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for ((_, operation), figures) in ways.iter().zip(&mut figures) {
                figures.push(time(threads, *operation));
            }
        }
        println!("{threads} threads: best, median");
        for ((name, _), mut figures) in ways.iter().zip(figures) {
            figures.sort_by(f64::total_cmp);
            println!("  {name:20} {:6.2} ns {:6.2} ns", figures[0], figures[ROUNDS / 2]);
        }
    }
}
