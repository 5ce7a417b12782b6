//! What `RUST_BACKTRACE=1` prints of a panic ends with the program's own frames.

mod common;

use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use common::{in_child_with, pair, until};
use marmot::context::Context;
use marmot::sync::WaitGroup;

/// Where every panic of these tests comes from.
#[inline(never)]
fn users_frame() {
    inner_frame(black_box(3));
    black_box(());
}

#[inline(never)]
fn inner_frame(depth: usize) {
    assert!(depth > 0, "on purpose");
    inner_frame(depth - 1);
    black_box(depth);
}

/// What is below a program's code on a goroutine's stack.
const BELOW: [&str; 8] = [
    "marmot_runtime",
    "marmot_coro",
    "corosensei",
    "stack_init_trampoline",
    "catch_unwind",
    "__rust_try",
    "do_call",
    "__rust_begin_short_backtrace",
];

/// Runs `f` in a child, which panics `count` times in [`users_frame`], and sees what its backtraces are.
#[track_caller]
fn assert_short(name: &'static str, count: usize, f: fn()) {
    let outcome = in_child_with(name, |command| command.env("RUST_BACKTRACE", "1"), f);
    let traces: Vec<_> = outcome.stderr.split("stack backtrace:\n").skip(1).collect();
    assert_eq!(traces.len(), count, "{}", outcome.stderr);
    for trace in traces {
        let frames: Vec<_> = trace.lines().take_while(|line| line.starts_with(' ')).collect();
        let begin = frames.iter().position(|line| line.contains("users_frame"));
        let begin = begin.unwrap_or_else(|| panic!("the program's own frame is missing: {trace}"));
        for below in &frames[begin..] {
            assert!(!BELOW.iter().any(|name| below.contains(name)), "'{below}' in {trace}");
        }
    }
}

#[test]
fn of_goroutines() {
    assert_short("of_goroutines", 6, || {
        marmot::go(users_frame).join().unwrap_err();
        marmot::go(|| marmot::go_local(users_frame).join().unwrap_err()).join().unwrap();
        marmot::Builder::new().name("named").spawn(users_frame).unwrap().join().unwrap_err();
        marmot::thread::spawn(users_frame).join().unwrap_err();
        // On a plain thread, it runs at once.
        marmot::go_local(users_frame).join().unwrap_err();
        let rt = marmot::Runtime::builder().procs(1).build().unwrap();
        rt.go(users_frame).join().unwrap_err();
    });
}

#[test]
fn of_goroutines_that_belong_together() {
    assert_short("of_goroutines_that_belong_together", 4, || {
        marmot::scope(|s| drop(s.go(users_frame).join()));
        marmot::thread::scope(|s| drop(s.spawn(users_frame).join()));
        let caught = std::panic::catch_unwind(|| {
            marmot::group(|g| {
                g.go(|| {
                    users_frame();
                    Ok::<_, String>(())
                });
                Ok(())
            })
        });
        assert!(caught.is_err());
        let group = WaitGroup::new();
        group.go(users_frame).join().unwrap_err();
    });
}

#[test]
fn of_goroutines_that_start_later() {
    assert_short("of_goroutines_that_start_later", 4, || {
        let (near, far) = pair();
        let handle = far.go_when_readable(|_| users_frame());
        (&near).write_all(b"x").unwrap();
        handle.join().unwrap_err();
        // The context has ended, so it starts at once.
        let (ctx, cancel) = Context::background().with_cancel();
        cancel.cancel();
        let (_near, far) = pair();
        ctx.run(|| far.go_when_readable(|_| users_frame())).join().unwrap_err();

        let told = std::sync::Arc::new(());
        let (one, other) = (told.clone(), told.clone());
        marmot::time::after_func(Duration::from_millis(1), move || {
            let _one = &one;
            users_frame();
        });
        until(|| std::sync::Arc::strong_count(&told) == 2);
        let (ctx, cancel) = Context::background().with_cancel();
        ctx.after_func(move || {
            let _other = other;
            users_frame();
        });
        cancel.cancel();
        until(|| std::sync::Arc::strong_count(&told) == 1);
    });
}

#[test]
fn of_closures_that_block() {
    assert_short("of_closures_that_block", 1, || {
        marmot::go(|| marmot::blocking(users_frame)).join().unwrap_err();
    });
}

#[test]
fn of_main() {
    assert_short("of_main", 1, || {
        let _ = marmot::__private::run_main(marmot::Runtime::builder().procs(1), users_frame);
    });
}

#[test]
fn of_tests() {
    assert_short("of_tests", 1, || {
        let run = || marmot::__private::run_test(marmot::Runtime::builder().procs(1), users_frame);
        assert!(std::panic::catch_unwind(run).is_err());
    });
}

/// Who asks for everything gets everything.
#[test]
fn in_full_they_have_it_all() {
    let outcome = in_child_with(
        "in_full_they_have_it_all",
        |command| command.env("RUST_BACKTRACE", "full"),
        || drop(marmot::go(users_frame).join()),
    );
    outcome.assert_says("users_frame");
    outcome.assert_says("__rust_begin_short_backtrace");
    outcome.assert_says("stack_init_trampoline");
}
