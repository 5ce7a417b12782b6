//! `skynet`: every goroutine starts ten others and adds up what they return, down to leaves that return their number.
//!
//! It shows what many short-lived goroutines cost that wait for one another. The idea is Alexander Temerev's benchmark of that name.

use super::rows::{Label, Rows, measured};
use marmot::Runtime;
use std::io;
use std::time::Duration;

const LABEL: Label = Label { own: "skynet", peer: "skynet_1M" };
const BRANCHES: u64 = 10;
const LEAVES: u64 = 1_000_000;
const RUNS: usize = 3;

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    let leaves = rows.share_of(LEAVES);
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        let mut sum = 0;
        let (cpu, wall) = measured(|| sum = runtime.run(move || node(0, leaves)));
        assert_eq!(sum, leaves * (leaves - 1) / 2, "a leaf was lost or counted twice");
        best = (best.0.min(cpu), best.1.min(wall));
    }
    rows.add(LABEL, "", best.0.as_secs_f64() * 1e3, "cpu_ms")?;
    rows.add(LABEL, ".wall", best.1.as_secs_f64() * 1e3, "ms")
}

/// The sum of the numbers from `first` on, of which there are `leaves`.
fn node(first: u64, leaves: u64) -> u64 {
    if leaves == 1 {
        return first;
    }
    let share = leaves / BRANCHES;
    let start = |branch| marmot::go(move || node(first + branch * share, share));
    let branches: [_; BRANCHES as usize] = std::array::from_fn(|branch| start(branch as u64));
    branches.into_iter().map(|branch| branch.join().expect("adding does not overflow")).sum()
}
