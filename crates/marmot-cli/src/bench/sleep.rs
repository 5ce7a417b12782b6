//! `sleep`: many goroutines sleep at the same time, each for another while.
//!
//! The CPU time holds the start of the goroutine, its timer's creation and firing, and its end. The lateness is the time
//! from the point that a goroutine asked for to the one at which it ran again.

use super::rows::{Label, Rows, measured};
use hdrhistogram::Histogram;
use marmot::Runtime;
use std::io;
use std::time::{Duration, Instant};

const TIME: Label = Label { own: "sleep", peer: "sleep" };
const LATENESS: Label = Label { own: "sleep_late", peer: "sleep_late" };
const SLEEPS: u64 = 50_000;
/// The sleeps end evenly spread over this time.
const SPREAD: Duration = Duration::from_millis(1000);
/// The longest lateness that is told apart, in nanoseconds.
const LATEST: u64 = 60_000_000_000;
/// The shortest sleep: all goroutines have been started by then.
const SHORTEST: Duration = Duration::from_millis(500);

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    let mut lateness = Vec::new();
    let sleeps = rows.share_of(SLEEPS);
    let (cpu, _) = measured(|| lateness = runtime.run(move || sleep_all(sleeps)));
    let mut nanos = Histogram::<u64>::new_with_bounds(1, LATEST, 3).expect("the bounds and the precision are valid");
    for late in lateness {
        nanos.saturating_record(late.as_nanos() as u64);
    }
    rows.add(TIME, "", cpu.as_nanos() as f64 / sleeps as f64, "cpu_ns")?;
    rows.add(LATENESS, ".p50", nanos.value_at_quantile(0.5) as f64, "ns")?;
    rows.add(LATENESS, ".p99", nanos.value_at_quantile(0.99) as f64, "ns")
}

/// How late each of `sleeps` ended.
fn sleep_all(sleeps: u64) -> Vec<Duration> {
    let start = Instant::now() + SHORTEST;
    let sleepers: Vec<_> = (0..sleeps)
        .map(|index| {
            // A multiplier that shares no factor with the count visits every place once, in no order that helps a heap.
            let place = index * 7919 % sleeps;
            let deadline = start + SPREAD.mul_f64(place as f64 / sleeps as f64);
            marmot::go(move || {
                marmot::sleep_until(deadline);
                deadline.elapsed()
            })
        })
        .collect();
    sleepers.into_iter().map(|sleeper| sleeper.join().expect("sleeping does not panic")).collect()
}
