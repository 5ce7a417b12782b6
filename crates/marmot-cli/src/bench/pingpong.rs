//! `pingpong`: two goroutines take turns, each parked until the other unparks it. One operation is a round trip.

use super::rows::{Label, Rows};
use marmot::Runtime;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const LABEL: Label = Label { own: "pingpong", peer: "pingpong_roundtrip" };
const ROUND_TRIPS: u64 = 500_000;

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    rows.time(runtime, LABEL, ROUND_TRIPS, round_trips)
}

/// So many round trips with a new goroutine.
pub fn round_trips(count: u64) {
    // Counts the turns taken; an even number is the first one's turn. Relaxed: it carries nothing but itself, and
    // unparking orders the rest.
    let turns = Arc::new(AtomicU64::new(0));
    let first = marmot::current();
    let shared = Arc::clone(&turns);
    let second = marmot::go(move || {
        for trip in 0..count {
            wait_for(&shared, trip * 2 + 1);
            shared.store(trip * 2 + 2, Ordering::Relaxed);
            first.unpark();
        }
    });
    for trip in 0..count {
        turns.store(trip * 2 + 1, Ordering::Relaxed);
        second.goroutine().unpark();
        wait_for(&turns, trip * 2 + 2);
    }
    second.join().expect("taking turns does not panic");
}

/// Parks until so many turns were taken: parking may end without a reason.
fn wait_for(turns: &AtomicU64, count: u64) {
    while turns.load(Ordering::Relaxed) < count {
        marmot::park();
    }
}
