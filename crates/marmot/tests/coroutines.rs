//! Coroutines of other libraries inside of goroutines: what was begun in one may go on in another goroutine, or never.

mod common;

use std::time::Duration;

use common::*;
use marmot::context::{self, Context};
#[cfg(feature = "pprof")]
use marmot::pprof::{labels, with_labels};
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
