//! `pool`: getting an object from a pool and giving it back, beside making and dropping one.
//!
//! One operation is a get and a put of a `Vec<u8>` into which a byte is pushed. With several Ps there is a goroutine for each,
//! and all use one pool; the figure is for each operation, of whichever goroutine, in CPU time.

use super::rows::{Label, Rows};
use marmot::{Pool, Runtime};
use std::hint::{black_box, spin_loop};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

const POOLED: Label = Label { own: "pool", peer: "pool_get_put" };
const MADE: Label = Label { own: "pool.made", peer: "pool_made_dropped" };
const OPERATIONS: u64 = 20_000_000;
/// How long another M may take to take its goroutine.
const PATIENCE: Duration = Duration::from_millis(100);

static POOL: Pool<Vec<u8>> = Pool::new(Vec::new).named("bench");

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    let procs = runtime.procs();
    rows.time(runtime, POOLED, OPERATIONS, move |count| spread(count, procs, gets))?;
    rows.time(runtime, MADE, OPERATIONS, move |count| spread(count, procs, makes))
}

/// Does so many operations in as many goroutines as there are Ps, each of which has one to itself.
fn spread(count: u64, procs: usize, operate: fn(u64)) {
    let begun = Arc::new(AtomicUsize::new(0));
    let share = count / procs as u64;
    let begin_together = move || {
        begun.fetch_add(1, SeqCst);
        let patience = Instant::now() + PATIENCE;
        while begun.load(SeqCst) < procs && Instant::now() < patience {
            spin_loop();
        }
        operate(share);
    };
    let others: Vec<_> = (1..procs).map(|_| marmot::go(begin_together.clone())).collect();
    begin_together();
    for other in others {
        other.join().expect("it does not panic");
    }
}

/// So many times an object is taken, used and given back.
pub fn gets(count: u64) {
    for _ in 0..count {
        let mut bytes = POOL.get();
        bytes.push(1);
        black_box(&mut *bytes);
    }
}

fn makes(count: u64) {
    for _ in 0..count {
        let mut bytes = Vec::new();
        bytes.push(1_u8);
        black_box(&mut bytes);
    }
}
