//! A goroutine's end, met by whoever waits for it or has given it up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use marmot_runtime::{go, yield_now};

use crate::support::{Chance, on_each_size, runtime, watched};

/// A result that is counted when it goes.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn every_result_goes_once() {
    const GOROUTINES: usize = 20_000;
    watched("every_result_goes_once", || {
        for procs in [1, 2, 4, 8] {
            let (rt, gone) = (runtime(procs), Arc::new(AtomicUsize::new(0)));
            let theirs = Arc::clone(&gone);
            rt.run(move || {
                let mut chance = Chance::new(procs);
                for _ in 0..GOROUTINES {
                    let result = Counted(Arc::clone(&theirs));
                    let yields = chance.below(3);
                    let handle = go(move || {
                        (0..yields).for_each(|_| yield_now());
                        result
                    });
                    (0..chance.below(3)).for_each(|_| yield_now());
                    match chance.below(3) {
                        0 => drop(handle.join().unwrap()),
                        1 => drop(handle),
                        // Another joins it.
                        _ => drop(go(move || drop(handle.join().unwrap()))),
                    }
                }
            });
            rt.shutdown(std::time::Duration::from_secs(120)).unwrap();
            assert_eq!(gone.load(Relaxed), GOROUTINES);
        }
    });
}

#[test]
fn short_lived_threads_that_join() {
    on_each_size("short_lived_threads_that_join", |rt| {
        for i in 0..500 {
            thread::scope(|s| {
                for _ in 0..4 {
                    s.spawn(|| {
                        let handle = rt.go(move || {
                            yield_now();
                            i
                        });
                        assert_eq!(handle.join().unwrap(), i);
                    });
                }
            });
        }
    });
}

#[test]
fn goroutines_of_one_runtime_join_those_of_another() {
    watched("goroutines_of_one_runtime_join_those_of_another", || {
        let (a, b) = (runtime(2), Arc::new(runtime(2)));
        let all: Vec<_> = (0..16)
            .map(|_| {
                let b = Arc::clone(&b);
                a.go(move || {
                    for i in 0..1000 {
                        assert_eq!(b.go(move || go(move || i).join().unwrap()).join().unwrap(), i);
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|handle| handle.join().unwrap());
    });
}
