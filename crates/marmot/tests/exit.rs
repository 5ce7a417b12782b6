//! A goroutine ends the process.

mod common;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
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

/// Borrows a thread-local, parks, and looks at it again.
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
fn no_destructor_of_an_m_runs() {
    for how in ["std", "marmot"] {
        let outcome = in_child_with(
            "no_destructor_of_an_m_runs",
            |command| command.env("MARMOT_TEST_HOW", how),
            || {
                let exit = match std::env::var("MARMOT_TEST_HOW").as_deref() {
                    Ok("std") => || std::process::exit(0),
                    _ => || marmot::process::exit(0),
                };
                exits_with(exit, || {
                    std::mem::forget(vec![0xdead_u64; 1000]);
                    eprintln!("a destructor has run");
                    marmot::sleep(Duration::from_millis(50));
                });
            },
        );
        outcome.assert_success();
        assert!(!outcome.stderr.contains("a destructor has run"), "{how}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("was gone"), "{how}: {}", outcome.stderr);
    }
}

/// The thread-local of one M may be borrowed by goroutines of another.
#[test]
fn what_another_m_borrows_stays() {
    let outcome = in_child("what_another_m_borrows_stays", || {
        let rt = runtime(2);
        rt.run(|| {
            let started = AtomicBool::new(false);
            DATA.with(|data| {
                marmot::scope(|s| {
                    s.go(|| {
                        started.store(true, Relaxed);
                        loop {
                            if data.iter().any(|&word| word != 0x4242) {
                                eprintln!("a borrowed thread-local was gone");
                                std::process::abort();
                            }
                        }
                    });
                    // Until the other M has it.
                    while !started.load(Relaxed) {
                        std::hint::spin_loop();
                    }
                    marmot::go_local(|| std::process::exit(0));
                    marmot::park();
                });
            });
        });
    });
    outcome.assert_success();
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
