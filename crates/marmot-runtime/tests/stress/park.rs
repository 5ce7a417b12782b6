//! Parking, unparking, and limits on both.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use marmot_runtime::{Goroutine, current, go, park, park_timeout, sleep, yield_now};

use crate::support::{Chance, on_each_size};

/// A goroutine in a ring, and how many tokens it was given.
#[derive(Default)]
struct Place {
    goroutine: OnceLock<Goroutine>,
    tokens: AtomicUsize,
}

impl Place {
    /// Relaxed: what is counted here is seen after `park` because it was done before `unpark`.
    fn give(&self) {
        self.tokens.fetch_add(1, Relaxed);
        self.goroutine.get().unwrap().unpark();
    }
}

#[test]
fn tokens_go_round_a_ring() {
    const PLACES: usize = 64;
    const TOKENS: usize = 5;
    const ROUNDS: usize = 1000;
    on_each_size("tokens_go_round_a_ring", |rt| {
        let ring: Arc<Vec<Place>> = Arc::new((0..PLACES).map(|_| Place::default()).collect());
        let all: Vec<_> = (0..PLACES)
            .map(|i| {
                let theirs = Arc::clone(&ring);
                let handle = rt.go(move || {
                    let mut passed = 0;
                    while passed < TOKENS * ROUNDS {
                        let seen = theirs[i].tokens.load(Relaxed);
                        if seen == passed {
                            park();
                        }
                        while passed < seen {
                            passed += 1;
                            // The last round ends where it began.
                            if passed <= TOKENS * (ROUNDS - 1) || i + 1 < PLACES {
                                theirs[(i + 1) % PLACES].give();
                            }
                        }
                    }
                    passed
                });
                ring[i].goroutine.set(handle.goroutine().clone()).unwrap();
                handle
            })
            .collect();
        (0..TOKENS).for_each(|_| ring[0].give());
        for handle in all {
            assert_eq!(handle.join().unwrap(), TOKENS * ROUNDS);
        }
    });
}

/// Waits for signals with limits of all lengths, none included, until all have come.
fn take_signals(signals: &AtomicUsize, all: usize, mut chance: Chance) {
    while signals.load(Relaxed) < all {
        match chance.below(4) {
            0 => park(),
            1 => park_timeout(Duration::ZERO),
            _ => park_timeout(chance.micros(50)),
        }
    }
}

#[test]
fn no_signal_is_lost_to_a_limit() {
    const PAIRS: usize = 32;
    const SIGNALS: usize = 2000;
    on_each_size("no_signal_is_lost_to_a_limit", |rt| {
        let all: Vec<_> = (0..PAIRS)
            .map(|i| {
                rt.go(move || {
                    let signals = Arc::new(AtomicUsize::new(0));
                    let (me, theirs) = (current(), Arc::clone(&signals));
                    let signaller = go(move || {
                        let mut chance = Chance::new(i);
                        for _ in 0..SIGNALS {
                            theirs.fetch_add(1, Relaxed);
                            me.unpark();
                            match chance.below(4) {
                                0 => sleep(chance.micros(50)),
                                1 => yield_now(),
                                _ => {}
                            }
                        }
                    });
                    take_signals(&signals, SIGNALS, Chance::new(i + PAIRS));
                    signaller.join().unwrap();
                })
            })
            .collect();
        all.into_iter().for_each(|handle| handle.join().unwrap());
    });
}

#[test]
fn a_plain_thread_takes_signals_from_goroutines() {
    const SIGNALS: usize = 20_000;
    on_each_size("a_plain_thread_takes_signals_from_goroutines", |rt| {
        let signals = Arc::new(AtomicUsize::new(0));
        for _ in 0..4 {
            let (here, theirs) = (current(), Arc::clone(&signals));
            rt.go(move || {
                for _ in 0..SIGNALS / 4 {
                    theirs.fetch_add(1, Relaxed);
                    here.unpark();
                    yield_now();
                }
            });
        }
        take_signals(&signals, SIGNALS, Chance::new(0));
    });
}

#[test]
fn sleepers_of_all_lengths() {
    on_each_size("sleepers_of_all_lengths", |rt| {
        let all: Vec<_> = (0..500)
            .map(|i| {
                rt.go(move || {
                    let mut chance = Chance::new(i);
                    for _ in 0..10 {
                        let (length, begun) = (chance.micros(2000), std::time::Instant::now());
                        sleep(length);
                        assert!(begun.elapsed() >= length);
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|handle| handle.join().unwrap());
    });
}
