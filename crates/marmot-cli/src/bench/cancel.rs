//! `cancel`: a context that ends, under which ten thousand goroutines sleep. One operation is a goroutine that comes back; the
//! wall-clock time is that of all of them, from the call that ends the context to the last one.

use super::rows::{Label, Rows, measured};
use marmot::context::Context;
use marmot::sync::WaitGroup;
use marmot::{JoinHandle, Runtime, WaitReason};
use std::io;
use std::time::Duration;

const CANCEL: Label = Label { own: "cancel", peer: "cancel_10k" };
const SLEEPERS: u64 = 10_000;
const RUNS: usize = 5;
/// Nobody sleeps so long.
const LONG: Duration = Duration::from_secs(3600);

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    let sleepers = rows.share_of(SLEEPERS);
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        let (cpu, wall) = runtime.run(move || cancel(sleepers));
        best = (best.0.min(cpu), best.1.min(wall));
    }
    rows.add(CANCEL, "", best.0.as_nanos() as f64 / sleepers as f64, "cpu_ns")?;
    rows.add(CANCEL, ".wall", best.1.as_secs_f64() * 1e3, "ms")
}

/// The CPU time and the wall-clock time that it takes.
fn cancel(sleepers: u64) -> (Duration, Duration) {
    let (context, cancel) = Context::background().with_cancel();
    let back = WaitGroup::new();
    let all: Vec<JoinHandle<()>> = context.run(|| {
        let sleeper = |_| {
            back.go(|| {
                let slept = marmot::sleep_or_cancelled(LONG);
                assert!(slept.is_err(), "nobody sleeps so long");
            })
        };
        (0..sleepers).map(sleeper).collect()
    });
    while !all.iter().all(|one| one.goroutine().wait_reason() == Some(WaitReason::Sleep)) {
        marmot::sleep(Duration::from_millis(1));
    }
    measured(|| {
        cancel.cancel();
        back.wait().expect("the caller has no context that ends");
    })
}
