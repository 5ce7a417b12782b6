//! Runtimes that come and go, with goroutines left waiting in every way.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use marmot_runtime::{Runtime, blocking, go, park, sleep, yield_now};

use crate::support::{listener, pair, runtime, watched};

const FOR_EVER: Duration = Duration::from_secs(3600);

/// A read fails because the runtime closes, or finds the end because the reader of the other end
/// was told first.
fn assert_ended(read: io::Result<usize>) {
    assert!(matches!(read, Err(_) | Ok(0)), "{read:?}");
}

/// Starts goroutines that wait: for each other, for descriptors, for time. Returns how many end
/// when the runtime closes.
fn leave_waiting(rt: &Runtime, ended: &Arc<AtomicUsize>) -> usize {
    rt.go(park);
    rt.go(|| sleep(FOR_EVER));
    rt.go(|| go(park).join());
    let (ended, theirs) = (Arc::clone(ended), Arc::clone(ended));
    rt.run(move || {
        let listener = listener();
        let (here, there) = pair(&listener).unwrap();
        let clone = there.try_clone().unwrap();
        let (end, started) = (Arc::clone(&ended), Arc::clone(&ended));
        let ends: [Box<dyn FnOnce() + Send>; 3] = [
            Box::new(move || assert!(listener.accept().is_err())),
            Box::new(move || assert_ended((&here).read(&mut [0]))),
            // It waits for its turn.
            Box::new(move || assert_ended((&clone).read(&mut [0]))),
        ];
        there.go_when_readable(move |mut conn| {
            assert_ended(conn.read(&mut [0]));
            started.fetch_add(1, Relaxed);
        });
        for ends in ends {
            let end = Arc::clone(&end);
            go(move || {
                ends();
                end.fetch_add(1, Relaxed);
            });
        }
    });
    rt.go(move || {
        blocking(thread::yield_now);
        theirs.fetch_add(1, Relaxed);
    });
    5
}

#[test]
fn shut_down_with_goroutines_left_waiting() {
    watched("shut_down_with_goroutines_left_waiting", || {
        for procs in 1..=4 {
            let (rt, ended) = (runtime(procs), Arc::new(AtomicUsize::new(0)));
            let ends = leave_waiting(&rt, &ended);
            // Four are left: one that parks, one that sleeps, and one that joins another that
            // parks.
            let left = rt.shutdown(Duration::from_secs(3)).unwrap_err().left();
            assert_eq!((left, ended.load(Relaxed)), (4, ends));
        }
    });
}

#[test]
fn dropped_while_busy() {
    watched("dropped_while_busy", || {
        for round in 0..300 {
            let rt = runtime(1 + round % 4);
            let handles: Vec<_> = (0..200)
                .map(|i| {
                    rt.go(move || {
                        for _ in 0..i % 7 {
                            yield_now();
                        }
                        i
                    })
                })
                .collect();
            drop(rt);
            // What has not started ends with the reason; what has may never end, and is not waited
            // for.
            for handle in handles.into_iter().filter(|handle| handle.is_finished()) {
                let _ = handle.join();
            }
        }
    });
}

#[test]
fn plain_threads_spawn_while_it_shuts_down() {
    watched("plain_threads_spawn_while_it_shuts_down", || {
        for round in 0..300 {
            let (rt, made) = (Arc::new(runtime(1 + round % 4)), Arc::new(AtomicUsize::new(0)));
            thread::scope(|s| {
                for _ in 0..3 {
                    s.spawn(|| {
                        let rt = Arc::clone(&rt);
                        for _ in 0..100 {
                            made.fetch_add(1, Relaxed);
                            drop(rt.go(yield_now));
                        }
                    });
                }
                s.spawn(|| {
                    while made.load(Relaxed) < 150 {
                        thread::yield_now()
                    }
                });
            });
            drop(rt);
        }
    });
}
