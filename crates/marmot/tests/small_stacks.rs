//! The smallest stack holds what the library and `std` do on it when a goroutine panics, backtraces included.

mod common;

use std::backtrace::Backtrace;
use std::hint::black_box;
use std::panic;

use common::{Outcome, in_child_with};
use marmot_coro::MIN_STACK_SIZE;

/// Runs `f` when half of the smallest stack is used up, and a few frames more: `top` is an address near the stack's top.
#[inline(never)]
fn at_half(top: usize, f: fn()) {
    let frame = black_box([0_u8; 1024]);
    if top - frame.as_ptr().addr() < MIN_STACK_SIZE / 2 {
        at_half(top, f);
    } else {
        nested(4, f);
    }
    black_box(&frame);
}

#[inline(never)]
fn nested(depth: usize, f: fn()) {
    if depth == 0 {
        f()
    } else {
        nested(depth - 1, f)
    }
    black_box(depth);
}

/// Runs `f` in a child, in goroutines whose stacks are the smallest, half of it used up; joins them.
#[track_caller]
fn on_the_smallest(name: &'static str, backtrace: &str, f: fn()) -> Outcome {
    in_child_with(
        name,
        |command| command.env("RUST_BACKTRACE", backtrace),
        move || {
            for size in [0, 1, 16 * 1024, MIN_STACK_SIZE] {
                let small = marmot::Builder::new().stack_size(size).spawn(move || {
                    let top = black_box(0_u8);
                    at_half((&raw const top).addr(), f);
                });
                assert!(small.unwrap().join().is_err(), "it panicked");
            }
        },
    )
}

#[track_caller]
fn assert_not_overflowed(outcome: &Outcome) {
    assert!(!outcome.stderr.contains("overflowed"), "{}", outcome.stderr);
}

#[test]
fn a_panic_with_its_backtrace_fits() {
    for backtrace in ["0", "1", "full"] {
        let outcome = on_the_smallest("a_panic_with_its_backtrace_fits", backtrace, || panic!("a handler's panic"));
        assert_not_overflowed(&outcome);
        outcome.assert_success();
        assert_eq!(outcome.stderr.matches("panicked: a handler's panic").count(), 4, "{}", outcome.stderr);
        let traced = if backtrace == "0" { 0 } else { 4 };
        assert_eq!(outcome.stderr.matches("stack backtrace:").count(), traced, "{}", outcome.stderr);
        assert_eq!(outcome.stderr.contains("at_half"), traced > 0, "{}", outcome.stderr);
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

#[test]
fn a_panic_while_it_unwinds_is_reported_before_the_process_ends() {
    for backtrace in ["1", "full"] {
        let name = "a_panic_while_it_unwinds_is_reported_before_the_process_ends";
        let outcome = on_the_smallest(name, backtrace, || {
            let _bomb = Bomb;
            panic!("a handler's panic");
        });
        assert_not_overflowed(&outcome);
        assert_eq!(outcome.signal, Some(rustix::process::Signal::ABORT.as_raw()), "{}", outcome.stderr);
        outcome.assert_says("a handler's panic");
        outcome.assert_says("in a destructor");
        outcome.assert_says("thread caused non-unwinding panic. aborting.");
        assert!(outcome.stderr.matches("stack backtrace:").count() >= 2, "{}", outcome.stderr);
    }
}

/// A destructor may catch what it panics with itself.
#[test]
fn a_panic_that_is_caught_while_it_unwinds_fits() {
    struct Catches;

    impl Drop for Catches {
        fn drop(&mut self) {
            assert!(panic::catch_unwind(|| nested(4, || panic!("in a destructor"))).is_err());
        }
    }

    let outcome = on_the_smallest("a_panic_that_is_caught_while_it_unwinds_fits", "full", || {
        let _catches = Catches;
        panic!("a handler's panic");
    });
    assert_not_overflowed(&outcome);
    outcome.assert_success();
    assert_eq!(outcome.stderr.matches("stack backtrace:").count(), 8, "{}", outcome.stderr);
}

#[test]
fn a_hook_of_the_programs_may_take_a_backtrace() {
    let outcome = on_the_smallest("a_hook_of_the_programs_may_take_a_backtrace", "1", || {
        panic::set_hook(Box::new(|info| eprintln!("hooked {info}\n{}", Backtrace::force_capture())));
        panic!("a handler's panic");
    });
    assert_not_overflowed(&outcome);
    outcome.assert_success();
    assert_eq!(outcome.stderr.matches("hooked ").count(), 4, "{}", outcome.stderr);
    outcome.assert_says("at_half");
}
