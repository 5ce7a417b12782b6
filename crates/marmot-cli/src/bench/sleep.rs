//! `sleep`: many goroutines sleep at the same time, each for another while, or all until the same moment; and one sleeps alone.
//!
//! The CPU time holds the start of the goroutine, its timer's creation and firing, and its end. The lateness is the time
//! from the point that a goroutine asked for to the one at which it ran again.

use super::rows::{Label, Rows, measured};
use hdrhistogram::Histogram;
use marmot::Runtime;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const TIME: Label = Label { own: "sleep", peer: "sleep" };
const LATENESS: Label = Label { own: "sleep_late", peer: "sleep_late" };
const AT_ONCE: Label = Label { own: "sleep_late.at_once", peer: "sleep_late_at_once" };
const SHORT: Label = Label { own: "sleep_late.short", peer: "sleep_late_short" };
/// The sleeps end evenly spread over as many times this as there are sleeps.
const SPACING: Duration = Duration::from_micros(5);
/// For so many sleeps, the shortest is a second longer: all goroutines have been started by then.
const STARTED_IN_A_SECOND: u64 = 100_000;
/// How often the short sleep is measured, and how long it is.
const SHORTS: u64 = 2000;
const A_SHORT: Duration = Duration::from_micros(1);
/// The longest lateness that is told apart, in nanoseconds.
const LATEST: u64 = 60_000_000_000;

pub fn run(runtime: &Runtime, count: u32, rows: &mut Rows) -> io::Result<()> {
    let sleeps = rows.share_of(count.into());
    let first = Duration::from_millis(500) + Duration::from_secs(1).mul_f64(sleeps as f64 / STARTED_IN_A_SECOND as f64);
    let mut lateness = histogram();
    let (cpu, _) = measured(|| lateness = runtime.run(move || sleep_all(sleeps, first, SPACING)));
    rows.add(TIME, "", cpu.as_nanos() as f64 / sleeps as f64, "cpu_ns")?;
    quantiles(rows, LATENESS, &lateness)?;
    quantiles(rows, AT_ONCE, &runtime.run(move || sleep_all(sleeps, first, Duration::ZERO)))?;
    let shorts = rows.share_of(SHORTS);
    quantiles(rows, SHORT, &runtime.run(move || sleep_shortly(shorts)))
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATEST, 3).expect("the bounds and the precision are valid")
}

fn quantiles(rows: &mut Rows, label: Label, lateness: &Histogram<u64>) -> io::Result<()> {
    rows.add(label, ".p50", lateness.value_at_quantile(0.5) as f64, "ns")?;
    rows.add(label, ".p99", lateness.value_at_quantile(0.99) as f64, "ns")
}

/// How late each of `sleeps` ended. The first ends after `first`, and the others so far from each other.
fn sleep_all(sleeps: u64, first: Duration, spacing: Duration) -> Histogram<u64> {
    let start = Instant::now() + first;
    let lateness: Arc<Vec<AtomicU64>> = Arc::new((0..sleeps).map(|_| AtomicU64::new(0)).collect());
    let sleepers: Vec<_> = (0..sleeps)
        .map(|index| {
            // A multiplier that shares no factor with the count visits every place once, in no order that helps a heap.
            let place = index * 7919 % sleeps;
            let deadline = start + spacing.mul_f64(place as f64);
            let lateness = Arc::clone(&lateness);
            marmot::go(move || {
                marmot::sleep_until(deadline);
                lateness[index as usize].store(deadline.elapsed().as_nanos() as u64, Relaxed);
            })
        })
        .collect();
    sleepers.into_iter().for_each(|sleeper| sleeper.join().expect("sleeping does not panic"));
    let mut all = histogram();
    lateness.iter().for_each(|late| all.saturating_record(late.load(Relaxed)));
    all
}

/// How late short sleeps end that are alone.
fn sleep_shortly(sleeps: u64) -> Histogram<u64> {
    let mut all = histogram();
    for _ in 0..sleeps {
        let deadline = Instant::now() + A_SHORT;
        marmot::sleep_until(deadline);
        all.saturating_record(deadline.elapsed().as_nanos() as u64);
        // The next begins when nothing is left of this one.
        marmot::sleep(Duration::from_micros(200));
    }
    all
}
