//! `parked`: what a goroutine costs that only waits.
//!
//! The memory is the growth of the process's anonymous memory, by goroutine, with all of them parked: the stack's touched
//! part, the record, and the handle that this benchmark keeps to unpark it. Page tables come on top. The memory mappings
//! are those of the whole process: `vm.max_map_count` limits them.

use super::rows::{Label, Rows, measured};
use crate::sys::own_memory;
use marmot::{JoinHandle, Runtime};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

const MEMORY: Label = Label { own: "parked", peer: "park100k_rss" };
const MAPPINGS: Label = Label { own: "parked_maps", peer: "park100k_maps" };
const TIME: Label = Label { own: "parked_spawn", peer: "park100k_spawn" };
/// How long all of them may take to park: a first touch of a page can take tens of microseconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the goroutines share.
#[derive(Default)]
struct Shared {
    parked: AtomicU32,
    released: AtomicBool,
}

pub fn run(runtime: &Runtime, count: u32, rows: &mut Rows) -> io::Result<()> {
    let before = own_memory::in_use();
    let shared = Arc::new(Shared::default());
    let mut handles = Vec::new();
    let mut all_parked = Ok(());
    let (cpu, wall) = measured(|| {
        handles = start(runtime, count, &shared);
        all_parked = wait(runtime, count, &shared);
    });
    let after = own_memory::in_use();
    let mappings = own_memory::mappings();
    // Relaxed: unparking orders the flag before what the goroutine does next.
    shared.released.store(true, Ordering::Relaxed);
    for handle in &handles {
        handle.goroutine().unpark();
    }
    for handle in handles {
        handle.join().expect("parking does not panic");
    }
    all_parked?;
    if let (Some(before), Some(after)) = (before, after) {
        rows.add(MEMORY, "", after.saturating_sub(before) as f64 / f64::from(count), "bytes")?;
    }
    if let Some(mappings) = mappings {
        rows.add(MAPPINGS, "", mappings as f64, "maps")?;
    }
    rows.add(TIME, "", cpu.as_nanos() as f64 / f64::from(count), "cpu_ns")?;
    rows.add(TIME, ".wall", wall.as_nanos() as f64 / f64::from(count), "ns")
}

fn start(runtime: &Runtime, count: u32, shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let start = |_| {
        let shared = Arc::clone(shared);
        runtime.go(move || {
            shared.parked.fetch_add(1, Ordering::Relaxed);
            while !shared.released.load(Ordering::Relaxed) {
                marmot::park();
            }
        })
    };
    (0..count).map(start).collect()
}

/// Waits until all of them have counted themselves, which each does just before it parks.
fn wait(runtime: &Runtime, count: u32, shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let deadline = Instant::now() + PATIENCE;
    let left = runtime.run(move || {
        loop {
            let left = count - shared.parked.load(Ordering::Relaxed);
            if left == 0 || Instant::now() > deadline {
                return left;
            }
            marmot::sleep(Duration::from_millis(1));
        }
    });
    if left == 0 {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("{left} goroutines did not start")))
    }
}
