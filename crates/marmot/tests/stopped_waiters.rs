//! One that waits for something, or has begun it, in a runtime that has stopped keeps nobody waiting: neither plain threads nor
//! goroutines of other runtimes.

mod common;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::thread;

use common::{LIMIT, Place, alone, bounded, busy, ms, pair, runtime, until};
use marmot::buffered::Writer;
use marmot::context::Context;
use marmot::sync::singleflight::{self, Group};
use marmot::sync::{LazyLock, Once, OnceLock, RwLock, Semaphore};
use marmot::{Runtime, WaitReason};

/// Starts `wait` in `rt`, and waits until it waits.
fn wait_in(rt: &Runtime, reason: WaitReason, wait: impl FnOnce() + Send + 'static) {
    let waits = rt.go(wait);
    until(|| waits.goroutine().wait_reason() == Some(reason));
}

#[test]
fn a_writer_is_passed_by_though_its_thread_is_held_up() {
    let _alone = alone();
    bounded(|| {
        let (ending, staying) = (runtime(1), runtime(1));
        let lock = Arc::new(RwLock::new(0));
        let reads = lock.read().unwrap();
        let theirs = Arc::clone(&lock);
        wait_in(&ending, WaitReason::RwLockWrite, move || *theirs.write().unwrap() += 1);
        let theirs = Arc::clone(&lock);
        let reader = staying.go(move || *theirs.read().unwrap());
        until(|| reader.goroutine().wait_reason() == Some(WaitReason::RwLockRead));
        let theirs = Arc::clone(&lock);
        let writer = staying.go(move || *theirs.write().unwrap() += 10);
        until(|| writer.goroutine().wait_reason() == Some(WaitReason::Mutex));
        let keeps = busy(&ending);
        ending.shutdown(ms(0)).unwrap_err();
        drop(reads);
        assert_eq!(reader.join().unwrap(), 0);
        writer.join().unwrap();
        // What is done in its place is not done again when its thread comes to it.
        drop(keeps);
        for _ in 0..100 {
            assert_eq!(*lock.read().unwrap(), 10);
            drop(lock.write().unwrap());
            thread::yield_now();
        }
        assert!(lock.try_write().is_ok());
        staying.shutdown(LIMIT).unwrap();
    });
}

#[test]
fn what_is_done_once_is_poisoned_and_others_try_a_cell() {
    let _alone = alone();
    bounded(|| {
        static LAZY: LazyLock<u32> = LazyLock::new(|| {
            marmot::sleep(LIMIT * 100);
            1
        });

        let (ending, staying) = (runtime(1), runtime(1));
        let (once, forced, cell) = (Arc::new(Once::new()), Arc::new(Once::new()), Arc::new(OnceLock::new()));
        for once in [&once, &forced] {
            let theirs = Arc::clone(once);
            wait_in(&ending, WaitReason::Sleep, move || theirs.call_once(|| marmot::sleep(LIMIT * 100)));
        }
        let theirs = Arc::clone(&cell);
        wait_in(&ending, WaitReason::Sleep, move || {
            theirs.get_or_init(|| {
                marmot::sleep(LIMIT * 100);
                1
            });
        });
        wait_in(&ending, WaitReason::Sleep, || assert_eq!(*LAZY, 1));

        let theirs = Arc::clone(&once);
        let panics = staying.go(move || catch_unwind(AssertUnwindSafe(|| theirs.call_once(|| ()))).is_err());
        let theirs = Arc::clone(&forced);
        let forces = Place::Threads.start(move || theirs.call_once_force(|state| assert!(state.is_poisoned())));
        let theirs = Arc::clone(&cell);
        let makes = Place::Threads.start(move || *theirs.get_or_init(|| 2));
        let theirs = Arc::clone(&cell);
        let waits = staying.go(move || *theirs.wait());
        let lazy = staying.go(|| catch_unwind(|| *LAZY).is_err());
        for one in [&panics, &lazy] {
            until(|| one.goroutine().wait_reason() == Some(WaitReason::Once));
        }
        until(|| waits.goroutine().wait_reason() == Some(WaitReason::Once));
        forces.until_waiting(WaitReason::Once);
        makes.until_waiting(WaitReason::Once);

        ending.shutdown(ms(0)).unwrap_err();
        assert!(panics.join().unwrap() && lazy.join().unwrap());
        forces.join();
        assert!(forced.is_completed());
        assert_eq!((makes.join(), waits.join().unwrap()), (2, 2));
        staying.shutdown(LIMIT).unwrap();
    });
}

#[test]
fn a_panic_in_what_is_done_once_leaves_nothing_behind() {
    let _alone = alone();
    bounded(|| {
        let ending = runtime(1);
        let once = Arc::new(Once::new());
        let theirs = Arc::clone(&once);
        // When its runtime stops, it waits for something else, and what it has left is over.
        wait_in(&ending, WaitReason::Sleep, move || {
            let panics = || theirs.call_once(|| std::panic::resume_unwind(Box::new("it is part of the test")));
            assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
            marmot::sleep(LIMIT * 100);
        });
        once.call_once_force(|state| assert!(state.is_poisoned()));
        ending.shutdown(ms(0)).unwrap_err();
        assert!(once.is_completed());
    });
}

#[test]
fn who_has_joined_a_call_hears_that_it_does_not_return() {
    let _alone = alone();
    bounded(|| {
        let (ending, staying) = (runtime(1), runtime(1));
        let calls = Arc::new(Group::<String, u32>::new());
        let theirs = Arc::clone(&calls);
        wait_in(&ending, WaitReason::Sleep, move || {
            let _result = theirs.run("key", || {
                marmot::sleep(LIMIT * 100);
                1
            });
        });
        let theirs = Arc::clone(&calls);
        let joins = staying.go(move || theirs.run("key", || 2));
        until(|| joins.goroutine().wait_reason() == Some(WaitReason::Singleflight));
        ending.shutdown(ms(0)).unwrap_err();
        assert!(matches!(joins.join().unwrap(), Err(singleflight::Error::Panicked(_))));
        // The next one makes its own call.
        assert_eq!(calls.run("key", || 3).unwrap(), (3, false));
        staying.shutdown(LIMIT).unwrap();
    });
}

#[test]
fn one_whose_wait_for_permits_has_ended_leaves_no_mark() {
    let _alone = alone();
    bounded(|| {
        let ending = runtime(1);
        let semaphore = Arc::new(Semaphore::new(2));
        let held = semaphore.acquire().unwrap();
        let (context, cancel) = Context::background().with_cancel();
        let theirs = Arc::clone(&semaphore);
        let lost = ending.go(move || context.run(|| theirs.acquire_many(2).map(drop)));
        let waits = |lost: &marmot::Goroutine| lost.wait_reason() == Some(WaitReason::Semaphore);
        until(|| waits(lost.goroutine()));
        // It is woken for the end of its context, and another one of its M keeps it from going on.
        let (is_woken, is_over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (tells, over, theirs) = (Arc::clone(&is_woken), Arc::clone(&is_over), lost.goroutine().clone());
        ending.go(move || {
            while waits(&theirs) {
                marmot::yield_now();
            }
            tells.store(true, Release);
            while !over.load(Acquire) {
                thread::yield_now();
            }
        });
        cancel.cancel();
        until(|| is_woken.load(Acquire));
        ending.shutdown(ms(0)).unwrap_err();
        assert!(semaphore.acquire_timeout(LIMIT / 4).is_ok());
        drop(held);
        assert!(semaphore.try_acquire_many(2).is_some());
        is_over.store(true, Release);
    });
}

#[test]
fn one_that_sends_what_a_writer_has_gathered_does_not_keep_the_writer() {
    let _alone = alone();
    bounded(|| {
        let ending = runtime(1);
        let (near, _far) = pair();
        let mut writer = Writer::new(near.try_clone().unwrap());
        // There is no room for what it gathers, so a goroutine of that runtime waits for it, and the writer goes elsewhere.
        near.set_nonblocking(true).unwrap();
        while (&near).write(&[0; 1 << 16]).is_ok() {}
        near.set_nonblocking(false).unwrap();
        let gathers = ending.go(move || {
            writer.write_all(b"gathered").unwrap();
            writer
        });
        let mut writer = gathers.join().unwrap();
        let (near, waits) = (near, |g: &marmot_runtime::profile::Goroutine| {
            g.status == marmot_runtime::profile::Status::Waiting(WaitReason::IoWrite)
        });
        until(|| marmot_runtime::profile::goroutines().goroutines.iter().any(waits));
        // It is woken for the end of its runtime, and has no turn any more.
        let keeps = busy(&ending);
        ending.shutdown(ms(0)).unwrap_err();
        drop(keeps);
        let error = writer.flush().unwrap_err();
        assert!(error.to_string().contains("has stopped"), "{error}");
        assert!(writer.write_all(b"more").is_err());
        drop((writer, near));
    });
}
