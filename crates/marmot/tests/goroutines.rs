//! Goroutines: spawning, joining, parking, sleeping, panicking.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use marmot::Runtime;

fn runtime(procs: usize) -> Runtime {
    Runtime::builder().procs(procs).build().unwrap()
}

#[test]
fn a_result_comes_back_from_go() {
    assert_eq!(marmot::go(|| 6 * 7).join().unwrap(), 42);
}

#[test]
fn a_thousand_goroutines_each_spawn_one_more() {
    for procs in [1, 2, 4] {
        let rt = runtime(procs);
        let sum = rt.run(|| {
            let all: Vec<_> = (0..1000u64).map(|i| marmot::go(move || marmot::go(move || i).join().unwrap())).collect();
            all.into_iter().map(|h| h.join().unwrap()).sum::<u64>()
        });
        assert_eq!(sum, 499_500);
        rt.shutdown(Duration::from_secs(120)).unwrap();
    }
}

#[test]
fn go_local_keeps_what_is_not_send() {
    let rt = runtime(2);
    rt.run(|| {
        let seen = Rc::new(Cell::new(0));
        let handles: Vec<_> = (0..10)
            .map(|i| {
                let seen = Rc::clone(&seen);
                marmot::go_local(move || {
                    marmot::yield_now();
                    seen.set(seen.get() + i);
                    Rc::clone(&seen)
                })
            })
            .collect();
        for h in handles {
            assert!(Rc::ptr_eq(&h.join().unwrap(), &seen));
        }
        assert_eq!(seen.get(), 45);
    });
}

#[test]
fn go_local_on_a_plain_thread_runs_at_once() {
    let seen = Rc::new(Cell::new(false));
    let theirs = Rc::clone(&seen);
    let handle = marmot::go_local(move || theirs.set(true));
    assert!(seen.get() && handle.is_finished());
    handle.join().unwrap();
}

#[test]
fn unpark_before_park_is_not_lost() {
    let rt = runtime(1);
    rt.run(|| {
        marmot::current().unpark();
        marmot::current().unpark();
        marmot::park();
        let begun = Instant::now();
        marmot::park_timeout(Duration::from_millis(20));
        assert!(begun.elapsed() >= Duration::from_millis(20));
    });
}

#[test]
fn park_and_unpark_between_goroutines_and_threads() {
    let rt = runtime(2);
    let here = marmot::current();
    let parked = rt.go(move || {
        for _ in 0..1000 {
            here.unpark();
            marmot::park();
        }
    });
    for _ in 0..1000 {
        marmot::park();
        parked.goroutine().unpark();
    }
    parked.join().unwrap();
}

#[test]
fn sleeps_end_in_order_and_not_early() {
    let rt = runtime(1);
    rt.run(|| {
        let begun = Instant::now();
        let handles: Vec<_> = [30u64, 10, 20]
            .map(|ms| {
                marmot::go(move || {
                    marmot::sleep(Duration::from_millis(ms));
                    (ms, begun.elapsed())
                })
            })
            .into();
        for h in handles {
            let (ms, after) = h.join().unwrap();
            assert!(after >= Duration::from_millis(ms), "{ms} ms ended after {after:?}");
        }
    });
}

#[test]
fn a_panic_reaches_join_and_the_others_live_on() {
    let rt = runtime(1);
    rt.run(|| {
        let bad = marmot::Builder::new().name("bad").spawn(|| panic!("boom")).unwrap();
        let good = marmot::go(|| 1);
        assert_eq!(*bad.join().unwrap_err().downcast::<&str>().unwrap(), "boom");
        assert_eq!(good.join().unwrap(), 1);
    });
}

#[test]
fn a_detached_result_is_dropped() {
    struct Count(Arc<AtomicUsize>);
    impl Drop for Count {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let rt = runtime(1);
    for early in [true, false] {
        let count = Count(Arc::clone(&dropped));
        rt.run(move || {
            let handle = marmot::go(move || count);
            if !early {
                while !handle.is_finished() {
                    marmot::yield_now();
                }
            }
            drop(handle);
        });
    }
    rt.shutdown(Duration::from_secs(120)).unwrap();
    assert_eq!(dropped.load(SeqCst), 2);
}

#[test]
fn a_scope_joins_all_and_passes_panics_on() {
    let rt = runtime(2);
    rt.run(|| {
        let words = ["one".to_owned(), "three".to_owned()];
        let total = AtomicUsize::new(0);
        marmot::scope(|s| {
            for w in &words {
                s.go(|| {
                    marmot::sleep(Duration::from_millis(1));
                    total.fetch_add(w.len(), SeqCst)
                });
            }
        });
        assert_eq!(total.load(SeqCst), 8);

        let done = AtomicUsize::new(0);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            marmot::scope(|s| {
                s.go(|| {
                    marmot::sleep(Duration::from_millis(5));
                    done.store(1, SeqCst);
                });
                panic!("out of the scope");
            })
        }));
        assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "out of the scope");
        assert_eq!(done.load(SeqCst), 1);

        let caught = std::panic::catch_unwind(|| marmot::scope(|s| drop(s.go(|| panic!("inside")))));
        assert!(caught.is_err());
        let joined = marmot::scope(|s| s.go(|| -> () { panic!("inside") }).join().is_err());
        assert!(joined);
    });
}

#[test]
fn blocking_borrows_and_lets_others_run() {
    let rt = runtime(1);
    rt.run(|| {
        let ticks = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&ticks);
        marmot::go(move || {
            theirs.store(1, SeqCst);
        });
        let mut text = String::new();
        marmot::blocking(|| {
            let limit = Instant::now() + Duration::from_secs(120);
            while ticks.load(SeqCst) == 0 && Instant::now() < limit {
                std::thread::yield_now();
            }
            text.push_str("done");
        });
        assert_eq!((text.as_str(), ticks.load(SeqCst)), ("done", 1));
        let caught = std::panic::catch_unwind(|| marmot::blocking(|| panic!("there")));
        assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "there");
    });
}

#[test]
fn shutdown_counts_who_is_left() {
    let rt = runtime(2);
    for _ in 0..3 {
        rt.go(marmot::park);
    }
    let left = rt.shutdown(Duration::from_millis(50)).unwrap_err().left();
    assert_eq!(left, 3);
}

#[test]
fn goroutines_that_are_joined_from_threads() {
    let rt = runtime(4);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for i in 0..2000 {
                    assert_eq!(rt.run(move || i + 1), i + 1);
                }
            });
        }
    });
}
