//! A goroutine ends the process.

mod common;

use std::cell::Cell;
use std::time::Duration;

use common::*;

/// Calls what it was given when the thread-local that it is in is destroyed.
struct AtEnd(Cell<Option<fn()>>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static AT_END: AtEnd = const { AtEnd(Cell::new(None)) };
    static DATA: Vec<u64> = vec![0x4242; 1000];
}

/// Borrows a thread-local whose destructor is called before that of `AT_END`, parks, and looks at it again.
fn borrow_and_park() {
    DATA.with(|data| {
        marmot::sleep(Duration::from_millis(20));
        let intact = data.iter().all(|&word| word == 0x4242);
        eprintln!("a goroutine ran among destructors, and its borrow was {}", if intact { "intact" } else { "gone" });
    });
}

/// Lets a goroutine exit while another one of its M borrows a thread-local, with a destructor that calls `at_end`.
fn exits_with(exit: fn() -> !, at_end: fn()) {
    let rt = runtime(1);
    rt.run(move || {
        AT_END.with(|at| at.0.set(Some(at_end)));
        let borrower = marmot::go(borrow_and_park);
        while borrower.goroutine().wait_reason().is_none() {
            marmot::yield_now();
        }
        exit()
    });
}

#[test]
fn no_goroutine_runs_among_destructors_of_thread_locals() {
    let outcome = in_child("no_goroutine_runs_among_destructors_of_thread_locals", || {
        exits_with(
            || std::process::exit(0),
            || {
                std::mem::forget(vec![0xdead_u64; 1000]);
                marmot::sleep(Duration::from_millis(50));
                eprintln!("the destructor has slept");
            },
        );
    });
    outcome.assert_success();
    outcome.assert_says("the destructor has slept");
    assert!(!outcome.stderr.contains("among destructors"), "{}", outcome.stderr);
}

#[test]
fn a_destructor_that_would_wait_for_ever_is_reported() {
    let outcome = in_child("a_destructor_that_would_wait_for_ever_is_reported", || {
        exits_with(|| std::process::exit(0), marmot::park);
    });
    outcome.assert_success();
    outcome.assert_says("a thread-local's destructor waits while the process exits from a goroutine");
}

#[test]
fn exit_of_marmot_runs_no_destructors_of_the_m() {
    let outcome = in_child("exit_of_marmot_runs_no_destructors_of_the_m", || {
        exits_with(|| marmot::process::exit(0), || eprintln!("a destructor has run"));
    });
    outcome.assert_success();
    assert!(!outcome.stderr.contains("a destructor has run"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("among destructors"), "{}", outcome.stderr);
}

#[test]
fn the_status_is_that_of_the_call() {
    for how in ["0", "1", "2"] {
        let outcome = in_child_with(
            "the_status_is_that_of_the_call",
            |command| command.env("MARMOT_TEST_HOW", how),
            || match std::env::var("MARMOT_TEST_HOW").as_deref() {
                Ok("0") => drop(marmot::go(|| std::process::exit(7)).join()),
                Ok("1") => drop(marmot::go(|| marmot::process::exit(7)).join()),
                _ => marmot::process::exit(7),
            },
        );
        assert_eq!(outcome.code, Some(7), "{how}: {}", outcome.stderr);
    }
}
