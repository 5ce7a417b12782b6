//! The law of time.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use marmot_poll::Contract;

use super::{Bench, Fixture, PATIENCE, send};

pub fn no_timeout_is_early<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    for nanos in [1, 999, 1_000, 1_001, 300_000, 999_999, 1_000_000, 1_000_001, 1_500_000, 20_000_000] {
        let timeout = Duration::from_nanos(nanos);
        for _ in 0..5 {
            let start = Instant::now();
            assert_eq!(bench.poll(Some(timeout)), []);
            assert!(start.elapsed() >= timeout, "{timeout:?} were only {:?}", start.elapsed());
        }
    }
}

pub fn no_timeout_is_cut_short_by_news_of_nothing<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, 1);
    bench.settle();
    // A change that is nobody's business any more when the poll begins.
    send::<F>(&there, b"unheard");
    bench.poller.close(F::source(&here)).expect("it is open");
    let timeout = Duration::from_millis(5);
    let start = Instant::now();
    assert_eq!(bench.poll(Some(timeout)), []);
    assert!(start.elapsed() >= timeout);
}

pub fn a_zero_timeout_does_not_wait<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, 1);
    bench.settle();
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(bench.look(), []);
    }
    assert!(start.elapsed() < PATIENCE);
    send::<F>(&there, b"news");
    assert!(!bench.look().is_empty());
}

pub fn the_longest_timeout_is_for_ever<F: Fixture>() {
    // The second is about as long as a clock of nanoseconds in 64 bits goes.
    for timeout in [Duration::MAX, Duration::from_secs(1 << 33), Duration::from_secs(u64::MAX >> 1)] {
        let bench = Bench::<F>::new();
        let poller = Arc::new(bench.poller);
        let (done, ended) = mpsc::channel();
        let polling = {
            let (poller, mut events) = (Arc::clone(&poller), bench.events);
            thread::spawn(move || {
                F::prepare();
                done.send(poller.poll(&mut events, Some(timeout))).expect("the test listens");
            })
        };
        let early = ended.recv_timeout(Duration::from_millis(20));
        assert!(early.is_err(), "{timeout:?} ended at once");
        poller.wake().expect("a poller can be woken");
        let count = ended.recv_timeout(PATIENCE).expect("the wake-up was lost");
        assert_eq!(count.expect("a poll does not fail"), 0);
        polling.join().expect("it has ended");
    }
}
