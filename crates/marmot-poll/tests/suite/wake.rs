//! The laws of waking.

use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use marmot_poll::{Buffer, Contract};

use super::{Bench, Fixture, GivesUp, PATIENCE, send};

impl<F: Fixture> Bench<F> {
    fn wake(&self) {
        self.poller.wake().expect("a poller can be woken");
    }

    /// Polls, and expects to be woken without an event.
    #[track_caller]
    fn expect_wake_up(&mut self) {
        let start = Instant::now();
        assert_eq!(self.poll(Some(PATIENCE)), [], "a wake-up is no event");
        assert!(start.elapsed() < PATIENCE, "the wake-up was lost");
    }

    /// Polls, and expects that nothing ends it but its timeout.
    #[track_caller]
    fn expect_no_wake_up(&mut self) {
        let timeout = Duration::from_millis(20);
        let start = Instant::now();
        assert_eq!(self.poll(Some(timeout)), []);
        assert!(start.elapsed() >= timeout, "a wake-up was left over");
    }
}

pub fn a_wake_up_before_a_poll_ends_it<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    for _ in 0..100 {
        bench.wake();
        bench.expect_wake_up();
    }
    bench.expect_no_wake_up();
}

pub fn a_wake_up_during_a_poll_ends_it<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    for _ in 0..100 {
        thread::scope(|s| {
            let (poller, events) = bench.split();
            let (about_to, polls) = mpsc::channel();
            let polling = s.spawn(move || {
                F::prepare();
                let start = Instant::now();
                about_to.send(()).expect("the test listens");
                let count = poller.poll(events, Some(PATIENCE)).expect("a poll does not fail");
                assert!(start.elapsed() < PATIENCE, "the wake-up was lost");
                count
            });
            // Most of the time the poll has begun by the time of the wake-up, at times it has not: both are to work.
            polls.recv().expect("the other thread begins");
            thread::yield_now();
            poller.wake().expect("a poller can be woken");
            assert_eq!(polling.join().expect("the poll returns"), 0);
        });
    }
    bench.expect_no_wake_up();
}

pub fn a_wake_up_ends_a_poll_without_timeout<F: Fixture>() {
    let bench = Bench::<F>::new();
    let poller = Arc::new(bench.poller);
    let (done, ended) = mpsc::channel();
    let polling = {
        let (poller, mut events) = (Arc::clone(&poller), bench.events);
        thread::spawn(move || {
            F::prepare();
            done.send(poller.poll(&mut events, None)).expect("the test listens");
        })
    };
    poller.wake().expect("a poller can be woken");
    let count = ended.recv_timeout(PATIENCE).expect("the wake-up was lost");
    assert_eq!(count.expect("a poll does not fail"), 0);
    polling.join().expect("it has ended");
}

pub fn a_wake_up_is_no_event<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    bench.wake();
    assert_eq!(bench.look(), []);
    assert_eq!(bench.events.iter().count(), 0);
    bench.expect_no_wake_up();
}

pub fn a_wake_up_hides_no_event<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let pairs: Vec<_> = (0..8).map(|_| F::pair()).collect();
    for (key, (here, _)) in (0..).zip(&pairs) {
        bench.open(here, key);
    }
    bench.settle();
    // The wake-up comes before, among and after the events.
    for at in 0..=pairs.len() {
        for (i, (_, there)) in pairs.iter().enumerate() {
            if i == at {
                bench.wake();
            }
            send::<F>(there, b"news");
        }
        if at == pairs.len() {
            bench.wake();
        }
        let mut heard: Vec<u64> = bench.look().iter().map(|event| event.key.get()).collect();
        heard.sort_unstable();
        heard.dedup();
        assert_eq!(heard, (0..8).collect::<Vec<_>>());
    }
    bench.expect_no_wake_up();
}

pub fn a_wake_up_fits_the_smallest_buffer<F: Fixture>() {
    let mut bench = Bench::<F>::with_capacity(1);
    let (here, there) = F::pair();
    bench.open(&here, 1);
    bench.settle();
    bench.wake();
    send::<F>(&there, b"news");
    // Either may come first, and each must come.
    let heard = bench.look().len() + bench.look().len();
    assert_eq!(heard, 1);
    bench.expect_no_wake_up();
}

pub fn many_wake_ups_are_one<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    for _ in 0..3 {
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| (0..1000).for_each(|_| bench.poller.wake().expect("a poller can be woken")));
            }
        });
        bench.expect_wake_up();
        bench.expect_no_wake_up();
    }
}

pub fn every_round_of_wake_ups_is_heard<F: Fixture>() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 500;
    let mut bench = Bench::<F>::new();
    let (said, heard) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let given_up = AtomicBool::new(false);
    thread::scope(|s| {
        let (poller, events) = bench.split();
        for _ in 0..THREADS {
            s.spawn(|| {
                for round in 1..=ROUNDS {
                    said.fetch_add(1, SeqCst);
                    poller.wake().expect("a poller can be woken");
                    // No round begins before the last has been heard of, so that each must be.
                    while heard.load(SeqCst) < round * THREADS && !given_up.load(Relaxed) {
                        thread::yield_now();
                    }
                }
            });
        }
        let _gives_up = GivesUp(&given_up);
        while heard.load(SeqCst) < THREADS * ROUNDS {
            let start = Instant::now();
            let count = poller.poll(events, Some(PATIENCE)).expect("a poll does not fail");
            assert_eq!(count, 0, "a wake-up is no event");
            assert!(start.elapsed() < PATIENCE, "a wake-up was lost");
            heard.store(said.load(SeqCst), SeqCst);
        }
    });
}

pub fn a_wake_up_shows_what_was_done_before<F: Fixture>() {
    const ROUNDS: usize = 1000;
    let mut bench = Bench::<F>::new();
    let done = AtomicUsize::new(0);
    thread::scope(|s| {
        let (poller, events) = bench.split();
        let done = &done;
        let waking = s.spawn(move || {
            for _ in 0..ROUNDS {
                done.fetch_add(1, Relaxed);
                poller.wake().expect("a poller can be woken");
            }
        });
        // The last wake-up shows the last of it, whichever of the polls takes it.
        while done.load(Relaxed) < ROUNDS {
            let start = Instant::now();
            poller.poll(events, Some(PATIENCE)).expect("a poll does not fail");
            assert!(start.elapsed() < PATIENCE, "the wake-up was lost");
        }
        waking.join().expect("it has ended");
    });
}

pub fn a_poll_for_another_can_pass_a_wake_up_on<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    for _ in 0..100 {
        thread::scope(|s| {
            let (poller, events) = bench.split();
            let sleeping = s.spawn(|| {
                F::prepare();
                let start = Instant::now();
                poller.poll(events, Some(PATIENCE)).expect("a poll does not fail");
                assert!(start.elapsed() < PATIENCE, "the wake-up was not passed on");
            });
            s.spawn(|| poller.wake().expect("a poller can be woken"));
            // This poll may take the wake-up that was meant for the other.
            let mut events = Buffer::with_capacity(8);
            poller.poll(&mut events, Some(Duration::ZERO)).expect("a poll does not fail");
            poller.wake().expect("a poller can be woken");
            sleeping.join().expect("the poll returns");
        });
        bench.settle();
    }
}
