//! Cancelling a scope of ten thousand goroutines, which wait in every kind of call: all come back, soon, nothing is lost or
//! delivered twice, and nothing of theirs is left behind.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;
mod connections;
mod kinds;
mod locks;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::{LIMIT, bounded, open_descriptors, runtime, until};
use kinds::{Kind, Outcome};
use marmot::context::{self, Context};
use marmot::{Runtime, ScopedJoinHandle};
use marmot_coro::StackPool;

const MANY: usize = 10_000;
/// How long all may take to come back on an idle machine, in a release build: the best of a few times.
const SOON: Duration = Duration::from_millis(250);
const TIMES: usize = 4;
/// How long all may take to begin to wait, or to come back, before they count as hung.
const HALF: Duration = Duration::from_secs(LIMIT.as_secs() / 2);

#[test]
fn all_come_back_and_nothing_is_left() {
    check(1);
}

#[test]
#[ignore = "measures time, on an idle machine: cargo test --release --test cancel_all -- --ignored"]
fn all_come_back_soon() {
    let best = check(TIMES);
    assert!(best <= SOON, "the best of {TIMES} times is {best:?}");
}

/// Cancels so many times, unless it has been fast before, and returns the best time.
fn check(times: usize) -> Duration {
    // The one test that runs in this process, so all that there is is its own.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = held_by_process();
    let best = bounded(move || {
        let rt = runtime(2);
        // What is made once and kept is made by a few.
        cancel_all(&rt, 200);
        // What still sends has ended.
        until(|| rt.goroutines() == 0);
        let between = held_by_runtime(&rt);
        let mut best = Duration::MAX;
        for _ in 0..times {
            let took = cancel_all(&rt, MANY);
            println!("{MANY} goroutines came back within {took:.1?}");
            returns_to(&between, || held_by_runtime(&rt));
            best = best.min(took);
            if best <= SOON {
                break;
            }
        }
        rt.shutdown(LIMIT).unwrap();
        best
    });
    returns_to(&before, held_by_process);
    best
}

/// Waits until all are so, or says who is not: the scope would wait for them in silence.
fn within<T>(
    limit: Duration,
    all: &[(&str, ScopedJoinHandle<'_, T>)],
    are_so: impl Fn(&ScopedJoinHandle<'_, T>) -> bool,
    what: &str,
) {
    let begun = Instant::now();
    while let Some(first) = all.iter().position(|(_, handle)| !are_so(handle)) {
        if begun.elapsed() > limit {
            let others = all[first..].iter().filter(|(_, handle)| !are_so(handle));
            let mut names: Vec<_> = others.map(|(name, handle)| (*name, handle.goroutine().wait_reason())).collect();
            names.dedup();
            eprintln!("these {what}: {names:?}");
            std::process::abort();
        }
        context::shield(|| marmot::sleep(Duration::from_millis(1)));
    }
}

/// Names and numbers of what is held at a moment.
type Held = [(&'static str, usize); 3];

fn held_by_process() -> Held {
    let stacks = StackPool::global().stats().in_use;
    [("descriptors", open_descriptors()), ("stacks", stacks), ("nodes of buffers", marmot::buf::nodes_in_use())]
}

fn held_by_runtime(rt: &Runtime) -> Held {
    let timers = number(&format!("{rt:?}"), "timers");
    [("descriptors", open_descriptors()), ("goroutines", rt.goroutines() as usize), ("timers", timers)]
}

/// Waits until there is no more than `before`, and says what is left if that takes too long. There may be less: the pools' timer is
/// armed only as long as they keep something.
#[track_caller]
fn returns_to(before: &Held, now: impl Fn() -> Held) {
    let begun = Instant::now();
    while now().iter().zip(before).any(|(now, before)| now.1 > before.1) {
        assert!(begun.elapsed() < LIMIT, "there is {:?}, and was {before:?}", now());
        marmot::sleep(Duration::from_millis(1));
    }
}

/// A number in what something says of itself.
fn number(text: &str, name: &str) -> usize {
    let rest = text.split(&format!("{name}: ")).nth(1).unwrap_or_else(|| panic!("there is no {name} in {text}"));
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// Cancels a scope of `count` goroutines when all of them wait, and returns how long it took until the last had come back.
fn cancel_all(rt: &Runtime, count: usize) -> Duration {
    rt.run(move || {
        let (outer, _cancel) = Context::background().with_cancel();
        let kinds = kinds::all(count);
        let (names, kinds): (Vec<_>, Vec<_>) =
            kinds.into_iter().map(|Kind { name, calls, after }| (name, (calls, after))).unzip();
        let (calls, afters): (Vec<_>, Vec<_>) = kinds.into_iter().unzip();
        let started: usize = calls.iter().map(Vec::len).sum();
        assert_eq!(started, count);
        let back = Arc::new(AtomicUsize::new(0));
        let (took, outcomes) = outer.run(|| {
            marmot::scope(|s| {
                let mut all = Vec::new();
                for (name, calls) in names.iter().zip(calls) {
                    for call in calls {
                        let back = &back;
                        let handle = s.go(move || {
                            let outcome = call();
                            back.fetch_add(1, SeqCst);
                            (outcome, Instant::now())
                        });
                        all.push((*name, handle));
                    }
                }
                within(HALF, &all, |handle| handle.goroutine().wait_reason().is_some(), "do not wait");
                assert_eq!(back.load(SeqCst), 0, "some have not waited");
                let begun = Instant::now();
                s.cancel();
                within(HALF, &all, |handle| handle.is_finished(), "have not come back");
                let mut last = begun;
                let mut outcomes: Vec<(&str, Outcome)> = Vec::new();
                for (name, handle) in all {
                    let (outcome, when) = handle.join().unwrap();
                    last = last.max(when);
                    outcomes.push((name, outcome));
                }
                (last.duration_since(begun), outcomes)
            })
        });
        let wrong: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.is_err()).take(20).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        for (name, after) in names.iter().zip(afters) {
            println!("after {name}");
            after();
        }
        until(|| number(&format!("{outer:?}"), "told") == 0);
        took
    })
}
