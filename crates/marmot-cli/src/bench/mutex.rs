//! `mutex`: taking a mutex and giving it up, beside `std`'s in the same run.
//!
//! The rows without a name behind the point are ours. `ratio` is how many times as long ours takes as `std`'s: the median of the
//! ratios of many short rounds, which are taken in turns, so that what else the machine does is the same for both. Nobody else wants
//! the uncontended one. The contended one is wanted by two goroutines all the time, on as many Ps as there are, or by
//! two threads, which is where `std`'s is at home: goroutines that want a `std` mutex block their Ms.

use super::rows::{Label, Rows};
use marmot::Runtime;
use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

const UNCONTENDED: Label = Label { own: "mutex.uncontended", peer: "mutex_uncontended" };
const GOROUTINES: Label = Label { own: "mutex.goroutines", peer: "mutex_goroutines" };
const THREADS: Label = Label { own: "mutex.threads", peer: "mutex_threads" };
const TURNS: u64 = 200_000;
const ROUNDS: usize = 31;

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    let turns = rows.share_of(TURNS);
    let rounds = runtime.run(move || compare(|| alone(turns), || alone_std(turns)));
    report(rows, UNCONTENDED, rounds, turns)?;
    let rounds = runtime.run(move || compare(|| two_goroutines(turns), || two_goroutines_std(turns)));
    report(rows, GOROUTINES, rounds, 2 * turns)?;
    report(rows, THREADS, compare(|| two_threads(turns), || two_threads_std(turns)), 2 * turns)
}

/// What rounds took, in nanoseconds: ours, and `std`'s after it.
type Round = (f64, f64);

fn compare(ours: impl Fn(), theirs: impl Fn()) -> Vec<Round> {
    let nanos = |f: &dyn Fn()| {
        let begun = Instant::now();
        f();
        begun.elapsed().as_nanos() as f64
    };
    (0..ROUNDS).map(|_| (nanos(&ours), nanos(&theirs))).collect()
}

fn report(rows: &mut Rows, label: Label, rounds: Vec<Round>, turns: u64) -> io::Result<()> {
    let each = |of: fn(&Round) -> f64| median(rounds.iter().map(of)) / turns as f64;
    rows.add(label, "", each(|round| round.0), "ns")?;
    rows.add(label, ".std", each(|round| round.1), "ns")?;
    rows.add(label, ".ratio", median(rounds.iter().map(|(ours, theirs)| ours / theirs)), "times")
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// So many turns at one mutex, and by several at once.
macro_rules! turns {
    ($mutex:ty: $take:ident, $alone:ident, $goroutines:ident, $threads:ident) => {
        fn $take(lock: &$mutex, turns: u64) {
            for _ in 0..turns {
                *black_box(lock).lock().expect("nobody panics") += 1;
            }
        }

        fn $alone(turns: u64) {
            $take(&<$mutex>::new(0), turns);
        }

        fn $goroutines(turns: u64) {
            let lock = Arc::new(<$mutex>::new(0));
            let all = [(); 2].map(|()| {
                let lock = Arc::clone(&lock);
                marmot::go(move || $take(&lock, turns))
            });
            all.into_iter().for_each(|one| one.join().expect("nobody panics"));
        }

        fn $threads(turns: u64) {
            let lock = <$mutex>::new(0);
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| $take(&lock, turns));
                }
            });
        }
    };
}

turns!(marmot::sync::Mutex<u64>: take, alone, two_goroutines, two_threads);
turns!(std::sync::Mutex<u64>: take_std, alone_std, two_goroutines_std, two_threads_std);
