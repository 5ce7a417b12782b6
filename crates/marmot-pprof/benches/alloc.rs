//! What the sampling allocator costs: 64 bytes taken and given back, with and without it.
//!
//! `cargo bench -p marmot-pprof --bench alloc`. Both take turns, and the best of each counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::time::Instant;

use marmot_pprof::alloc::{Allocator, set_rate};

const ROUNDS: usize = 40;
const PAIRS: usize = 500_000;

static SAMPLING: Allocator = Allocator::new();

fn main() {
    let layout = Layout::new::<[u8; 64]>();
    println!("64 bytes taken and given back, ns");
    for (name, rate) in [("off", 0), ("a sample per 512 KiB", 512 * 1024)] {
        set_rate(rate);
        let (mut bare, mut sampled) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            bare = bare.min(pair(&System, layout));
            sampled = sampled.min(pair(&SAMPLING, layout));
        }
        println!("{name}: bare {bare:.2}, sampling {sampled:.2}: {:+.2}, ratio {:.3}", sampled - bare, sampled / bare);
    }
}

/// Nanoseconds for a pair of calls.
fn pair(allocator: &impl GlobalAlloc, layout: Layout) -> f64 {
    let start = Instant::now();
    for _ in 0..PAIRS {
        // SAFETY: the layout is not of zero bytes.
        let place = black_box(unsafe { allocator.alloc(layout) });
        // SAFETY: it was just allocated with this layout.
        unsafe { allocator.dealloc(place, layout) };
    }
    start.elapsed().as_nanos() as f64 / PAIRS as f64
}
