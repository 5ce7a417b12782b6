//! `sync::Mutex`: as `std`'s, but it parks the goroutine; and it is poisoned by the goroutine's own panics.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, TryLockError};
use std::thread;

use common::{bounded, everywhere, ms, runtime, until, with_procs};
use marmot::sync::{Mutex, MutexGuard};
use marmot::{Runtime, WaitReason};

static COUNT: Mutex<u32> = Mutex::new(0);

#[test]
fn a_static_is_made_without_a_constructor() {
    everywhere(|place| {
        let before = *COUNT.lock().unwrap();
        let all: Vec<_> = (0..4).map(|_| place.start(|| *COUNT.lock().unwrap() += 1)).collect();
        all.into_iter().for_each(|one| one.join());
        assert!(*COUNT.lock().unwrap() >= before + 4);
    });
}

#[test]
fn one_at_a_time_has_it_across_parks() {
    everywhere(|place| {
        let lock = Arc::new(Mutex::new((0, false)));
        let all: Vec<_> = (0..20)
            .map(|i| {
                let lock = Arc::clone(&lock);
                place.start(move || {
                    for _ in 0..50 {
                        let mut inside = lock.lock().unwrap();
                        assert!(!std::mem::replace(&mut inside.1, true));
                        if i % 4 == 0 {
                            marmot::yield_now();
                        }
                        inside.0 += 1;
                        inside.1 = false;
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|one| one.join());
        assert_eq!(*lock.lock().unwrap(), (1000, false));
    });
}

#[test]
fn who_waits_parks_with_its_reason_and_its_m_goes_on() {
    with_procs(1, || {
        let lock = Arc::new(Mutex::new(()));
        let held = lock.lock().unwrap();
        let theirs = Arc::clone(&lock);
        let waits = marmot::go(move || drop(theirs.lock().unwrap()));
        until(|| waits.goroutine().wait_reason() == Some(WaitReason::Mutex));
        // There is one M only, and it runs others.
        marmot::go(|| ()).join().unwrap();
        assert!(!waits.is_finished());
        drop(held);
        waits.join().unwrap();
    });
}

#[test]
fn a_try_does_not_wait() {
    everywhere(|place| {
        let lock = Arc::new(Mutex::new(7));
        let held = lock.try_lock().unwrap();
        assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
        let theirs = Arc::clone(&lock);
        let waits = place.start(move || *theirs.lock().unwrap());
        waits.until_waiting(WaitReason::Mutex);
        assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        assert_eq!(waits.join(), 7);
        assert_eq!(*lock.try_lock().unwrap(), 7);
    });
}

#[test]
fn who_waits_in_a_runtime_that_has_stopped_is_passed_over() {
    // With some who wait behind them, and with none.
    for others in [2, 0] {
        bounded(move || {
            let (ending, staying) = (runtime(1), runtime(1));
            let lock = Arc::new(Mutex::new(0));
            let held = lock.lock().unwrap();
            let wait_in = |runtime: &Runtime| {
                let theirs = Arc::clone(&lock);
                let waits = runtime.go(move || *theirs.lock().unwrap() += 1);
                until(|| waits.goroutine().wait_reason() == Some(WaitReason::Mutex));
                waits
            };
            let _lost = [(); 2].map(|()| wait_in(&ending));
            let waiting: Vec<_> = (0..others).map(|_| wait_in(&staying)).collect();
            ending.shutdown(ms(0)).unwrap_err();
            drop(held);
            waiting.into_iter().for_each(|waits| waits.join().unwrap());
            assert_eq!(*lock.lock().unwrap(), others);
        });
    }
}

#[test]
fn a_thread_and_a_goroutine_wait_for_each_other() {
    bounded(|| {
        let rt = runtime(1);
        let lock = Arc::new(Mutex::new(Vec::new()));
        let held = lock.lock().unwrap();
        let theirs = Arc::clone(&lock);
        let goroutine = rt.go(move || {
            let mut inside = theirs.lock().unwrap();
            inside.push("goroutine");
            let asks = Arc::clone(&theirs);
            let thread = thread::spawn(move || asks.lock().unwrap().push("thread"));
            marmot::sleep(ms(5));
            drop(inside);
            thread
        });
        until(|| goroutine.goroutine().wait_reason() == Some(WaitReason::Mutex));
        drop(held);
        goroutine.join().unwrap().join().unwrap();
        assert_eq!(*lock.lock().unwrap(), ["goroutine", "thread"]);
    });
}

/// Panics with `lock` held, and catches it.
fn poison<T>(lock: &Mutex<T>) {
    let held = || {
        let _held = lock.lock();
        resume_unwind(Box::new("it is part of the test"));
    };
    assert!(catch_unwind(AssertUnwindSafe(held)).is_err());
}

#[test]
fn a_panic_poisons_until_it_is_cleared() {
    everywhere(|place| {
        let lock = Arc::new(Mutex::new(vec![1]));
        assert!(!lock.is_poisoned());
        let theirs = Arc::clone(&lock);
        place.start(move || poison(&theirs)).join();
        assert!(lock.is_poisoned());
        // The value can be had all the same, in every way.
        lock.lock().unwrap_err().into_inner().push(2);
        match lock.try_lock() {
            Err(TryLockError::Poisoned(error)) => assert_eq!(**error.get_ref(), [1, 2]),
            other => panic!("{other:?}"),
        }
        lock.clear_poison();
        assert_eq!(*lock.lock().unwrap(), [1, 2]);

        poison(&lock);
        let mut lock = Arc::into_inner(lock).unwrap();
        lock.get_mut().unwrap_err().get_mut().push(3);
        assert_eq!(lock.into_inner().unwrap_err().into_inner(), [1, 2, 3]);
    });
}

#[test]
fn a_panic_that_was_there_before_or_is_caught_within_does_not_poison() {
    struct LocksWhenDropped<'a>(&'a Mutex<u32>);
    impl Drop for LocksWhenDropped<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }

    everywhere(|_| {
        let lock = Mutex::new(0);
        let unwinds = || {
            let _locks = LocksWhenDropped(&lock);
            resume_unwind(Box::new(()));
        };
        assert!(catch_unwind(AssertUnwindSafe(unwinds)).is_err());
        assert_eq!(*lock.lock().unwrap(), 1);

        let held = lock.lock().unwrap();
        assert!(catch_unwind(|| resume_unwind(Box::new(()))).is_err());
        drop(held);
        assert!(!lock.is_poisoned());
    });
}

/// Parks while it unwinds, until it is told to go on.
struct ParksWhenDropped(Arc<AtomicBool>);

impl Drop for ParksWhenDropped {
    fn drop(&mut self) {
        until(|| self.0.load(Acquire));
    }
}

/// Starts a goroutine that is parked and unwinds, with `lock` taken, until it is told to go on.
fn unwinding(go_on: &Arc<AtomicBool>, lock: &Arc<Mutex<u32>>) -> marmot::JoinHandle<()> {
    let (parks, lock) = (ParksWhenDropped(Arc::clone(go_on)), Arc::clone(lock));
    let goroutine = marmot::go(move || {
        // Dropped in this order: first it parks, and then it gives the lock up.
        let _held = lock.lock().unwrap();
        let _parks = parks;
        panic_any("read this (it is part of the test)");
    });
    until(|| goroutine.goroutine().wait_reason() == Some(WaitReason::Sleep));
    goroutine
}

#[test]
fn the_panic_of_another_goroutine_does_not_poison() {
    with_procs(1, || {
        let (own, go_on) = (Arc::new(Mutex::new(0)), Arc::new(AtomicBool::new(false)));
        let held = own.lock().unwrap();
        let theirs = [(); 2].map(|()| Arc::new(Mutex::new(0)));
        let unwinds = [&theirs[0], &theirs[1]].map(|lock| unwinding(&go_on, lock));
        assert!(thread::panicking(), "it is the thread's state");
        // Taken before, and given up now; and taken and given up now.
        drop(held);
        *own.lock().unwrap() += 1;
        assert!(!own.is_poisoned());
        assert_eq!(marmot::go(|| Mutex::new(3).into_inner().unwrap()).join().unwrap(), 3);

        go_on.store(true, Release);
        unwinds.into_iter().for_each(|goroutine| assert!(goroutine.join().is_err()));
        assert!(theirs.iter().all(|lock| lock.is_poisoned()), "their own panics do");
        assert!(!thread::panicking());
        // All is as it was before.
        drop(own.lock().unwrap());
        poison(&own);
        assert!(own.is_poisoned());
    });
}

#[test]
fn a_panic_of_ones_own_poisons_while_another_unwinds() {
    with_procs(1, || {
        let go_on = Arc::new(AtomicBool::new(false));
        let unwinds = unwinding(&go_on, &Arc::new(Mutex::new(0)));
        let lock = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&lock);
        let panics = marmot::go(move || {
            let _held = theirs.lock().unwrap();
            // Others have their turns, and their locks are their own.
            marmot::yield_now();
            panic_any("read this (it is part of the test)");
        });
        let innocent = Mutex::new(0);
        let held = innocent.lock().unwrap();
        assert!(panics.join().is_err());
        drop(held);
        assert!(lock.is_poisoned() && !innocent.is_poisoned());
        go_on.store(true, Release);
        assert!(unwinds.join().is_err());
    });
}

#[test]
fn a_caught_panic_is_forgotten_when_nobody_unwinds_any_more() {
    with_procs(1, || {
        let go_on = Arc::new(AtomicBool::new(false));
        let unwinds = unwinding(&go_on, &Arc::new(Mutex::new(0)));
        assert!(catch_unwind(|| panic_any("read this (it is part of the test)")).is_err());
        marmot::yield_now();
        go_on.store(true, Release);
        assert!(unwinds.join().is_err());
        let lock = Mutex::new(0);
        poison(&lock);
        assert!(lock.is_poisoned());
    });
}

#[test]
fn it_shows_what_is_in_it() {
    let lock = Mutex::<u32>::from(5);
    assert_eq!(format!("{lock:?}"), "Mutex { data: 5, poisoned: false, .. }");
    let held = lock.lock().unwrap();
    assert_eq!(format!("{held} {held:?} {lock:?}"), "5 5 Mutex { data: <locked>, poisoned: false, .. }");
    drop(held);
    poison(&lock);
    assert_eq!(format!("{lock:?}"), "Mutex { data: 5, poisoned: true, .. }");
    assert_eq!(*Mutex::<u32>::default().lock().unwrap(), 0);
}

#[test]
fn what_has_no_size_is_guarded_too() {
    let lock: &Mutex<[u8]> = &Mutex::new([1, 2, 3]);
    lock.lock().unwrap()[1] = 9;
    assert_eq!(*lock.lock().unwrap(), [1, 9, 3]);
    fn is_shared<T: Sync + ?Sized>(_: &T) {}
    is_shared::<MutexGuard<'_, [u8]>>(&lock.lock().unwrap());
}
