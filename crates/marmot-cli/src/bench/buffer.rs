//! `buffer`: one goroutine sends pieces of 4 KiB to another through a linked buffer.
//!
//! One operation is a piece, copied in and copied out. With two Ps the two goroutines are on two Ms: the receiver keeps its
//! own M busy until the other one has taken the sender. The rate is by wall-clock time, and of runs on two Ms if there are any:
//! on one, the bytes do not leave its processor's cache.

use super::rows::{Label, Rows, measured};
use marmot::buf::linked::Options;
use marmot::{Goroutines, Runtime};
use std::hint::spin_loop;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::thread;
use std::time::{Duration, Instant};

const LABEL: Label = Label { own: "buffer", peer: "buffer_piece" };
const PIECES: u64 = 250_000;
const PIECE: usize = 4096;
/// How much may be under way: so much that parking is a small share.
const ROOM: usize = 256 * 1024;
const RUNS: usize = 5;
/// How long another M may take to take the sender.
const PATIENCE: Duration = Duration::from_millis(2);

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    rows.time(runtime, LABEL, PIECES, |count| {
        pieces(count);
    })?;
    let count = rows.share_of(PIECES);
    let runs = (0..RUNS).map(|_| {
        let mut is_shared = false;
        let (_, wall) = measured(|| is_shared = runtime.run(move || pieces(count)));
        (is_shared, wall)
    });
    let shortest = runs.min().map_or(Duration::MAX, |(_, wall)| wall);
    rows.add(LABEL, ".rate", (count * PIECE as u64) as f64 / shortest.as_nanos() as f64, "GB/s")
}

/// Sends so many pieces, and says whether both goroutines were on one M.
fn pieces(count: u64) -> bool {
    let (mut producer, mut consumer) = Options::new().high_water(ROOM).build::<Goroutines>();
    let begun = Arc::new(AtomicBool::new(false));
    let has_begun = Arc::clone(&begun);
    let sending = marmot::go(move || {
        has_begun.store(true, Release);
        let piece = vec![1; PIECE];
        (0..count).try_for_each(|_| producer.write_all(&piece)).map(|()| thread::current().id())
    });
    // Where there is one P, nobody takes it.
    let patience = Instant::now() + PATIENCE;
    while !begun.load(Acquire) && Instant::now() < patience {
        spin_loop();
    }
    let mut piece = vec![0; PIECE];
    let mut left = count * PIECE as u64;
    while left > 0 {
        let received = consumer.read(&mut piece).expect("the other side ends when all is sent");
        assert!(received > 0, "the other side has ended too early");
        left -= received as u64;
    }
    let sender = sending.join().expect("failing is no panic").expect("this side reads on");
    sender == thread::current().id()
}
