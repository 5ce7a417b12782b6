//! Coroutines of other libraries inside of goroutines: what was begun in one may go on in another goroutine, or never.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use marmot::context::{self, Context};
#[cfg(feature = "pprof")]
use marmot::pprof::{labels, with_labels};
use marmot::sync::Once;
use marmot_coro::{Coroutine, DEFAULT_STACK_SIZE, StackPool};

fn coroutine(f: impl FnOnce(&dyn Fn()) + 'static) -> Coroutine {
    let stack = StackPool::global().take(DEFAULT_STACK_SIZE).unwrap();
    Coroutine::new(stack, move |s| f(&|| s.suspend()))
}

/// Enters the list of those who hear of the end of the caller's context.
fn wait_once() {
    marmot::sleep(Duration::from_micros(100));
}

/// Takes memory that has just been freed, and writes to it.
fn churn() -> Vec<Vec<u8>> {
    (0..256).map(|_| vec![0x41; 400]).collect()
}

#[test]
fn a_context_entered_in_a_coroutine_that_is_dropped() {
    for procs in [1, 2, 8] {
        with_procs(procs, || {
            let (outer, cancel_outer) = Context::current().with_cancel();
            let (inner, cancel_inner) = Context::current().with_cancel();
            let theirs = outer.clone();
            marmot::go(move || {
                theirs.run(|| {
                    wait_once();
                    let mut nested = coroutine(move |suspend| inner.run(suspend));
                    let _ = nested.resume();
                });
                assert!(context::check().is_ok());
            })
            .join()
            .unwrap();
            let memory = churn();
            cancel_outer.cancel();
            cancel_inner.cancel();
            assert!(memory.iter().all(|block| block.iter().all(|&byte| byte == 0x41)));
            assert!(outer.err().is_some());
        });
    }
}

#[test]
fn a_context_left_by_another_goroutine_is_not_that_ones() {
    for procs in [1, 2] {
        with_procs(procs, || {
            let (outer, cancel_outer) = Context::current().with_cancel();
            let (inner, _cancel_inner) = Context::current().with_cancel();
            let theirs = outer.clone();
            let begun = marmot::go_local(move || {
                theirs.run(|| {
                    wait_once();
                    let mut nested = coroutine(move |suspend| {
                        inner.run(|| {
                            wait_once();
                            suspend();
                        });
                    });
                    let _ = nested.resume();
                    Box::new(nested)
                })
            });
            let mut nested = begun.join().unwrap();
            // The first goroutine has ended. What runs here goes on under its own context.
            let own = Context::current().with_value(7_u32);
            own.run(|| {
                let _ = nested.resume();
                assert!(nested.is_finished());
                assert_eq!(context::current().value::<u32>().as_deref(), Some(&7));
                assert!(context::check().is_ok());
            });
            let memory = churn();
            cancel_outer.cancel();
            assert!(context::check().is_ok());
            drop(memory);
            assert!(format!("{outer:?}").contains("told: 0"), "{outer:?}");
        });
    }
}

#[cfg(feature = "pprof")]
#[test]
fn labels_left_by_another_goroutine_are_not_that_ones() {
    with_procs(1, || {
        let begun = marmot::go_local(|| {
            with_labels(&[("of", "the first")], || {
                let mut nested = coroutine(|suspend| with_labels(&[("of", "the coroutine")], suspend));
                let _ = nested.resume();
                Box::new(nested)
            })
        });
        let mut nested = begun.join().unwrap();
        with_labels(&[("of", "the second")], || {
            let _ = nested.resume();
            assert_eq!(labels(), [("of".to_owned(), "the second".to_owned())]);
        });
        assert!(labels().is_empty());
    });
}

/// What a closure leaves that never ends is found wherever others have come and gone in between.
#[test]
fn closures_that_run_once_may_end_in_any_order() {
    static ONE: Once = Once::new();
    static TWO: Once = Once::new();

    let outcome = in_child("closures_that_run_once_may_end_in_any_order", || {
        let rt = runtime(1);
        let (tell, told) = std::sync::mpsc::channel();
        rt.go(move || {
            let mut first = coroutine(|suspend| ONE.call_once(suspend));
            let _ = first.resume();
            TWO.call_once(|| {
                let _ = first.resume();
            });
            assert!(first.is_finished() && ONE.is_completed() && TWO.is_completed());
            // The stack is used again.
            let mut second = Coroutine::new(first.into_stack(), |_| {
                std::hint::black_box(&mut [0x4141_4141_4141_4141_u64; 4096]);
            });
            let _ = second.resume();
            tell.send(()).unwrap();
            loop {
                marmot::park();
            }
        });
        told.recv().unwrap();
        assert_eq!(rt.shutdown(ms(10)).unwrap_err().left(), 1);
        // The M has left when its poller is closed.
        until(|| open_pollers() == 0);
        assert!(ONE.is_completed() && TWO.is_completed());
    });
    outcome.assert_success();
}

/// The closure of a goroutine that has ended may be ended by another one.
#[test]
fn a_closure_that_runs_once_may_be_ended_by_another_goroutine() {
    with_procs(1, || {
        let once = Arc::new(Once::new());
        let theirs = Arc::clone(&once);
        let begun = marmot::go_local(move || {
            let mut nested = coroutine(move |suspend| theirs.call_once(suspend));
            let _ = nested.resume();
            Box::new(nested)
        });
        let mut nested = begun.join().unwrap();
        let other = Once::new();
        other.call_once(|| {
            let _ = nested.resume();
            marmot::yield_now();
        });
        assert!(once.is_completed() && other.is_completed());
    });
}

/// A context that has the same end inside and outside.
#[test]
fn a_value_that_is_left_late_takes_no_entry_of_others_away() {
    with_procs(1, || {
        let (outer, cancel) = Context::current().with_cancel();
        let (other, _cancel_other) = Context::current().with_cancel();
        let theirs = outer.clone();
        let sleeper = marmot::go(move || theirs.run(|| marmot::sleep_or_cancelled(LIMIT)));
        until(|| sleeper.goroutine().wait_reason().is_some());
        let theirs = outer.clone();
        let mixed = marmot::go(move || {
            theirs.clone().run(|| {
                let mut nested = coroutine(move |suspend| theirs.with_value(1_u8).run(suspend));
                let _ = nested.resume();
                other.run(|| {
                    wait_once();
                    // Under the first one again, with an entry in the other.
                    let _ = nested.resume();
                    marmot::sleep_or_cancelled(LIMIT)
                })
            })
        });
        until(|| mixed.goroutine().wait_reason().is_some());
        until(|| format!("{outer:?}").contains("told: 2"));
        cancel.cancel();
        assert!(sleeper.join().unwrap().unwrap_err().is_cancelled());
        assert!(mixed.join().unwrap().unwrap_err().is_cancelled());
    });
}
