//! `switch`: two goroutines on one machine yield to each other.

use super::rows::{Label, Rows};
use marmot::Runtime;
use std::io;

const LABEL: Label = Label { own: "switch", peer: "yield" };
const YIELDS: u64 = 2_000_000;

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    rows.time(runtime, LABEL, YIELDS, yields)
}

/// So many yields, half of them by each.
pub fn yields(count: u64) {
    // Local ones, which share this goroutine's machine: on two machines each would yield to itself.
    let pair = [(); 2].map(|()| {
        marmot::go_local(move || {
            for _ in 0..count / 2 {
                marmot::yield_now();
            }
        })
    });
    for goroutine in pair {
        goroutine.join().expect("yielding does not panic");
    }
}
