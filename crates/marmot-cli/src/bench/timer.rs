//! `timer`: a timer that is made and stopped before its time, as a limit is that is not reached.
//!
//! One operation makes a timer for some time between one and two seconds, and drops it. Among others: as many as 100,000 are armed for other
//! points of that time, so that a new one has its place anywhere among them.

use super::rows::{Label, Rows};
use marmot::Runtime;
use marmot::time::{Duration, Timer};
use std::hint::black_box;
use std::io;

const ALONE: Label = Label { own: "timer", peer: "timer_create_stop" };
const AMONG: Label = Label { own: "timer.among", peer: "timer_create_stop_among" };
const OPERATIONS: u64 = 5_000_000;
const OTHERS: u64 = 100_000;
/// None fires while this runs: their times are at least so far away.
const FAR: Duration = Duration::from_secs(600);

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    rows.time(runtime, ALONE, OPERATIONS, starts_and_stops)?;
    let others = rows.share_of(OTHERS);
    // On one P: all timers have to be in one heap.
    let one = Runtime::builder().procs(1).build()?;
    let timers: Vec<Timer> = one.run(move || (0..others).map(|i| Timer::new(far(i))).collect());
    rows.time(&one, AMONG, OPERATIONS, starts_and_stops)?;
    drop(timers);
    one.shutdown(super::SHUTDOWN).map_err(io::Error::other)
}

/// So many times a timer is made and stopped.
pub fn starts_and_stops(count: u64) {
    for i in 0..count {
        drop(black_box(Timer::new(far(i))));
    }
}

/// A time that is another one for each of many, in no order.
fn far(i: u64) -> Duration {
    FAR + Duration::from_micros(i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44)
}
