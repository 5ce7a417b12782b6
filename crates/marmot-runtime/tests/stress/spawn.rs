//! Making goroutines, from everywhere and many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use marmot_runtime::{Runtime, go, go_local, scope, yield_now};

use crate::support::on_each_size;

/// Counts a goroutine and makes two more, `depth` times.
fn grow(depth: usize, count: &Arc<AtomicUsize>) {
    count.fetch_add(1, Relaxed);
    if depth > 0 {
        for _ in 0..2 {
            let count = Arc::clone(count);
            go(move || grow(depth - 1, &count));
        }
    }
}

#[test]
fn trees_from_plain_threads_and_goroutines() {
    const DEPTH: usize = 10;
    const TREES: usize = 16;
    on_each_size("trees_from_plain_threads_and_goroutines", |rt| {
        let count = Arc::new(AtomicUsize::new(0));
        let plant = |rt: &Runtime| {
            let count = Arc::clone(&count);
            rt.go(move || grow(DEPTH, &count));
        };
        thread::scope(|s| {
            for _ in 0..TREES {
                s.spawn(|| plant(rt));
            }
        });
        // A count that stands still would hang here, and the watchdog would say so.
        while count.load(Relaxed) < TREES * ((2 << DEPTH) - 1) {
            thread::yield_now();
        }
    });
}

#[test]
fn more_than_a_ring_holds() {
    on_each_size("more_than_a_ring_holds", |rt| {
        let sum = rt.run(|| {
            let all: Vec<_> = (0..5000_usize).map(|i| go(move || i)).collect();
            all.into_iter().map(|handle| handle.join().unwrap()).sum::<usize>()
        });
        assert_eq!(sum, 4999 * 5000 / 2);
    });
}

#[test]
fn scopes_in_scopes() {
    on_each_size("scopes_in_scopes", |rt| {
        for _ in 0..100 {
            let total = rt.run(|| {
                let total = AtomicUsize::new(0);
                scope(|outer| {
                    for _ in 0..8 {
                        outer.go(|| {
                            scope(|inner| {
                                for _ in 0..8 {
                                    inner.go(|| {
                                        yield_now();
                                        total.fetch_add(1, Relaxed)
                                    });
                                }
                            });
                        });
                    }
                });
                total.into_inner()
            });
            assert_eq!(total, 64);
        }
    });
}

#[test]
fn local_goroutines_stay_among_those_that_move() {
    on_each_size("local_goroutines_stay_among_those_that_move", |rt| {
        let all: Vec<_> = (0..32)
            .map(|_| {
                rt.go(|| {
                    for _ in 0..50 {
                        let here = thread::current().id();
                        let moved = go(yield_now);
                        let stayed = go_local(move || {
                            yield_now();
                            thread::current().id() == here
                        });
                        assert!(stayed.join().unwrap());
                        moved.join().unwrap();
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|handle| handle.join().unwrap());
    });
}
