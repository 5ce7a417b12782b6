//! Stack overflows and panics say which goroutine it was. Each test plays its fault in a process of its own.

#![cfg(target_os = "linux")]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::{hint, thread};

use common::{Outcome, here, in_child, pair, runtime, until};
use rustix::process::Signal;

/// Recurses with frames of about 1 KiB.
#[inline(never)]
fn recurse(depth: usize) -> usize {
    let frame = hint::black_box([depth as u8; 1024]);
    match hint::black_box(depth) {
        usize::MAX => depth,
        _ => recurse(depth + 1) + usize::from(frame[depth % 1024]),
    }
}

#[track_caller]
fn assert_aborted(outcome: &Outcome) {
    assert_eq!(outcome.signal, Some(Signal::ABORT.as_raw()), "{}", outcome.stderr);
}

#[test]
fn an_overflow_names_the_goroutine_and_the_way_out() {
    const SIZE: usize = 128 << 10;
    let mut site = here();
    let outcome = in_child("an_overflow_names_the_goroutine_and_the_way_out", || {
        let deep = marmot::Builder::new().name("deep").stack_size(SIZE);
        let deep = deep.spawn(|| recurse(0));
        let _ = deep.unwrap().join();
    });
    assert_aborted(&outcome);
    outcome.assert_says("\ngoroutine ");
    site.truncate(site.rfind(':').unwrap());
    outcome.assert_says(&format!(" 'deep' (spawned at {site}:"));
    outcome.assert_says(&format!("has overflowed its stack of {SIZE} bytes"));
    outcome.assert_says(&format!("Builder::stack_size({})", 2 * SIZE));
}

#[test]
fn an_overflow_after_parking_names_it_too() {
    let outcome = in_child("an_overflow_after_parking_names_it_too", || {
        let rt = runtime(2);
        let (near, far) = pair();
        let handle = rt.run(move || {
            far.go_when_readable(|mut far| {
                far.read_exact(&mut [0]).unwrap();
                marmot::yield_now();
                recurse(0)
            })
        });
        (&near).write_all(b"x").unwrap();
        let _ = handle.join();
    });
    assert_aborted(&outcome);
    outcome.assert_says("has overflowed its stack of 262144 bytes");
    outcome.assert_says("RuntimeBuilder::stack_size");
}

#[test]
fn a_plain_threads_overflow_is_reported_by_std() {
    let outcome = in_child("a_plain_threads_overflow_is_reported_by_std", || {
        // The runtime's handlers are there.
        assert_eq!(runtime(1).run(|| 1), 1);
        let _ = thread::Builder::new().name("plain".into()).spawn(|| recurse(0)).unwrap().join();
    });
    assert_aborted(&outcome);
    outcome.assert_says("thread 'plain'");
    outcome.assert_says("has overflowed its stack");
    assert!(!outcome.stderr.contains("goroutine"), "{}", outcome.stderr);
}

#[test]
fn a_goroutine_may_use_the_stack_that_it_asked_for() {
    // Twice as much as the default would hold.
    let deep = marmot::Builder::new().stack_size(2 << 20);
    let bytes = deep.spawn(|| {
        let frame = hint::black_box([7u8; 512 << 10]);
        frame.iter().map(|&b| usize::from(b)).sum::<usize>()
    });
    assert_eq!(bytes.unwrap().join().unwrap(), 7 * (512 << 10));
    let error = marmot::Builder::new().stack_size(usize::MAX).spawn(|| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_panic_names_the_goroutine_and_reaches_who_joins() {
    let mut site = here();
    site.truncate(site.rfind(':').unwrap());
    let outcome = in_child("a_panic_names_the_goroutine_and_reaches_who_joins", || {
        let named =
            marmot::Builder::new().name("worker").spawn(|| panic!("out of {}", hint::black_box("luck"))).unwrap();
        assert_eq!(named.join().unwrap_err().downcast_ref::<String>().unwrap(), "out of luck");
        let number = marmot::go(|| std::panic::panic_any(42)).join().unwrap_err();
        assert_eq!(number.downcast_ref::<i32>(), Some(&42));
        let (near, far) = pair();
        let handle = far.go_when_readable(|_| panic!("at the first byte"));
        (&near).write_all(b"x").unwrap();
        assert_eq!(handle.join().unwrap_err().downcast_ref::<&str>(), Some(&"at the first byte"));
        // The connection went with the goroutine.
        assert_eq!((&near).read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        // One that nobody joins is reported all the same.
        let unheard = marmot::go(|| panic!("unheard"));
        until(|| unheard.is_finished());
    });
    outcome.assert_success();
    outcome.assert_says(&format!(" 'worker' (spawned at {site}:"));
    outcome.assert_says("panicked: out of luck");
    outcome.assert_says("panicked: a payload that is not text");
    outcome.assert_says("panicked: at the first byte");
    outcome.assert_says("panicked: unheard");
}

#[test]
fn the_size_may_be_the_runtimes() {
    let outcome = in_child("the_size_may_be_the_runtimes", || {
        let rt = marmot::Runtime::builder().procs(1).stack_size(128 << 10).build().unwrap();
        rt.run(|| recurse(0));
    });
    assert_aborted(&outcome);
    outcome.assert_says("has overflowed its stack of 131072 bytes");
}

/// The function below an attribute has its stack from there.
#[test]
fn an_overflow_of_main_names_the_attributes_option() {
    #[marmot::main(procs = 1, stack_size = 65536)]
    fn main() {
        recurse(0);
    }

    let outcome = in_child("an_overflow_of_main_names_the_attributes_option", || {
        let _ = main();
    });
    assert_aborted(&outcome);
    outcome.assert_says(
        "has overflowed its stack of 65536 bytes\nmarmot: give it more: #[marmot::main(stack_size = 131072)]\n",
    );
}

#[test]
fn an_overflow_of_a_test_names_the_attributes_option() {
    fn test() {
        recurse(0);
    }

    let outcome = in_child("an_overflow_of_a_test_names_the_attributes_option", || {
        // What `#[marmot::test]` expands to, but for `#[test]`.
        marmot::__private::run_test(marmot::Runtime::builder().procs(1), test);
    });
    assert_aborted(&outcome);
    outcome.assert_says(
        "has overflowed its stack of 262144 bytes\nmarmot: give it more: #[marmot::test(stack_size = 524288)]\n",
    );
}
