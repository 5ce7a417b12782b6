//! `marmot::sync` but for the mutex alone: as `std`'s and Go's, but who waits is parked; and what ends a wait.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, TryLockError, mpsc};
use std::time::{Duration, Instant};

use common::{LIMIT, Place, Started, alone, bounded, busy, everywhere, ms, runtime, until, with_procs};
use marmot::context::{Cancel, Context};
use marmot::sync::{
    Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, WaitGroup,
};
use marmot::{Runtime, WaitReason};

/// Runs `test` in goroutines on 1, 2 and 4 Ps: one that relies on what others wait for, which of a thread one does not see.
fn in_goroutines(test: fn(Place)) {
    for procs in [1, 2, 4] {
        with_procs(procs, move || test(Place::Goroutines));
    }
}

/// Starts `f` under a context of its own.
fn start<T: Send + 'static>(place: Place, f: impl FnOnce() -> T + Send + 'static) -> (Started<T>, Cancel) {
    let (context, cancel) = Context::background().with_cancel();
    (place.start(move || context.run(f)), cancel)
}

/// Starts `f`, which waits for `reason`, and ends its context; what it has returned.
#[track_caller]
fn cancelled<T: Send + 'static>(place: Place, reason: WaitReason, f: impl FnOnce() -> T + Send + 'static) -> T {
    let (waits, cancel) = start(place, f);
    waits.until_waiting(reason);
    cancel.cancel();
    waits.join()
}

/// Calls `f` under a context that has ended.
fn too_late<T>(f: impl FnOnce() -> T) -> T {
    let (context, cancel) = Context::background().with_cancel();
    cancel.cancel();
    context.run(f)
}

/// Panics, and catches it.
fn panics<T>(f: impl FnOnce() -> T) {
    let unwinds = || {
        let _held = f();
        resume_unwind(Box::new("it is part of the test"));
    };
    assert!(catch_unwind(AssertUnwindSafe(unwinds)).is_err());
}

// ---- the mutex, as far as waits with limits go ----

#[test]
fn a_wait_for_a_mutex_ends_with_the_context_or_the_time() {
    everywhere(|place| {
        let lock = Arc::new(Mutex::new(1));
        assert_eq!(*lock.lock_or_cancelled().unwrap().unwrap(), 1);
        assert!(too_late(|| lock.lock_or_cancelled().map(drop)).unwrap_err().is_cancelled());
        let held = lock.lock().unwrap();
        let theirs = Arc::clone(&lock);
        let error = cancelled(place, WaitReason::Mutex, move || theirs.lock_or_cancelled().map(drop)).unwrap_err();
        assert!(error.is_cancelled());
        let begun = Instant::now();
        assert!(matches!(lock.try_lock_for(ms(5)), Err(TryLockError::WouldBlock)));
        assert!(begun.elapsed() >= ms(5));
        // What has `std`'s signature goes on.
        let theirs = Arc::clone(&lock);
        let (waits, cancel) = start(place, move || *theirs.lock().unwrap());
        waits.until_waiting(WaitReason::Mutex);
        cancel.cancel();
        let theirs = Arc::clone(&lock);
        let timed = place.start(move || *theirs.try_lock_for(LIMIT).unwrap());
        timed.until_waiting(WaitReason::Mutex);
        assert!(!waits.is_finished());
        drop(held);
        assert_eq!((waits.join(), timed.join()), (1, 1));
        assert_eq!(*lock.try_lock_for(Duration::ZERO).unwrap(), 1);
    });
}

/// Starts `wait` in `rt`, and waits until it waits.
fn wait_in(rt: &Runtime, reason: WaitReason, wait: impl FnOnce() + Send + 'static) -> marmot::JoinHandle<()> {
    let waits = rt.go(wait);
    until(|| waits.goroutine().wait_reason() == Some(reason));
    waits
}

/// `wait` waits in a runtime that ends, and in one that does not. The first is let go by `give`, and never goes on.
fn let_go_as_its_runtime_stops(reason: WaitReason, wait: impl Fn() + Clone + Send + 'static, give: impl FnOnce()) {
    let (ending, staying) = (runtime(1), runtime(1));
    let _lost = wait_in(&ending, reason, wait.clone());
    let waits = wait_in(&staying, reason, wait);
    let busy = busy(&ending);
    give();
    ending.shutdown(ms(0)).unwrap_err();
    drop(busy);
    waits.join().unwrap();
    staying.shutdown(LIMIT).unwrap();
}

#[test]
fn what_was_handed_to_one_whose_runtime_stops_goes_to_others() {
    let _alone = alone();
    bounded(|| {
        let lock = Arc::new(Mutex::new(()));
        let (held, theirs) = (lock.lock().unwrap(), Arc::clone(&lock));
        let_go_as_its_runtime_stops(WaitReason::Mutex, move || drop(theirs.lock().unwrap()), || drop(held));

        let limit = Arc::new(Semaphore::new(1));
        let (held, theirs) = (limit.acquire().unwrap(), Arc::clone(&limit));
        let_go_as_its_runtime_stops(WaitReason::Semaphore, move || drop(theirs.acquire().unwrap()), || drop(held));

        let lock = Arc::new(RwLock::new(()));
        let (held, theirs) = (lock.read().unwrap(), Arc::clone(&lock));
        let ending = runtime(1);
        let _lost = wait_in(&ending, WaitReason::RwLockWrite, move || drop(theirs.write().unwrap()));
        let keeps = busy(&ending);
        drop(held);
        ending.shutdown(ms(0)).unwrap_err();
        drop(keeps);
        drop(lock.read().unwrap());

        let (held, theirs) = (lock.write().unwrap(), Arc::clone(&lock));
        let_go_as_its_runtime_stops(WaitReason::RwLockRead, move || drop(theirs.read().unwrap()), || drop(held));
        drop(lock.write().unwrap());

        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let theirs = Arc::clone(&pair);
        let wait = move || drop(theirs.1.wait(theirs.0.lock().unwrap()).unwrap());
        let_go_as_its_runtime_stops(WaitReason::Condvar, wait, || pair.1.notify_one());
    });
}

#[test]
fn a_notification_is_not_lost_with_one_whose_runtime_stops_before_it_has_the_lock() {
    let _alone = alone();
    bounded(|| {
        let (ending, staying) = (runtime(1), runtime(1));
        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let theirs = Arc::clone(&pair);
        let wait = move || drop(theirs.1.wait(theirs.0.lock().unwrap()).unwrap());
        let lost = wait_in(&ending, WaitReason::Condvar, wait.clone());
        let waits = wait_in(&staying, WaitReason::Condvar, wait);
        let held = pair.0.lock().unwrap();
        pair.1.notify_one();
        until(|| lost.goroutine().wait_reason() == Some(WaitReason::Mutex));
        ending.shutdown(ms(0)).unwrap_err();
        drop(held);
        waits.join().unwrap();
        staying.shutdown(LIMIT).unwrap();
    });
}

#[test]
fn a_fair_lock_that_was_handed_to_one_whose_runtime_stops_goes_to_others() {
    let _alone = alone();
    bounded(|| {
        let (ending, staying) = (runtime(1), runtime(1));
        let lock = Arc::new(Mutex::new(()));
        let held = lock.lock().unwrap();
        let theirs = Arc::clone(&lock);
        let wait = move || drop(theirs.lock().unwrap());
        let _lost = wait_in(&ending, WaitReason::Mutex, wait.clone());
        let waits = wait_in(&staying, WaitReason::Mutex, wait);
        // The first loses its patience: it is woken, and comes too late.
        marmot::sleep(ms(5));
        let keeps = busy(&ending);
        drop(held);
        let held = lock.lock().unwrap();
        drop(keeps);
        for _ in 0..20 {
            ending.go(|| ()).join().unwrap();
        }
        // From here on the lock is handed on.
        let keeps = busy(&ending);
        drop(held);
        ending.shutdown(ms(0)).unwrap_err();
        drop(keeps);
        waits.join().unwrap();
        staying.shutdown(LIMIT).unwrap();
    });
}

#[test]
fn who_waits_in_a_runtime_that_has_stopped_keeps_nobody_waiting() {
    let _alone = alone();
    bounded(|| {
        let ending = runtime(1);
        // Somebody who wants too much, and somebody who wants to write.
        let (limit, lock) = (Arc::new(Semaphore::new(2)), Arc::new(RwLock::new(())));
        let (held, reads) = (limit.acquire().unwrap(), lock.read().unwrap());
        let (theirs, to_write) = (Arc::clone(&limit), Arc::clone(&lock));
        let _lost = [
            wait_in(&ending, WaitReason::Semaphore, move || drop(theirs.acquire_many(2))),
            wait_in(&ending, WaitReason::RwLockWrite, move || drop(to_write.write())),
        ];
        assert!(limit.try_acquire().is_none());
        assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
        ending.shutdown(ms(0)).unwrap_err();
        drop(limit.acquire().unwrap());
        drop(lock.read().unwrap());
        drop(reads);
        drop(lock.write().unwrap());
        assert_eq!(limit.available_permits(), 1);
        drop(held);
        assert_eq!(limit.available_permits(), 2);
    });
}

/// The thread of a runtime that has stopped may be held up for ever, and then nobody carries out what is left there.
#[test]
fn permits_pass_by_who_has_stopped_though_its_thread_is_held_up() {
    let _alone = alone();
    bounded(|| {
        let (ending, staying) = (runtime(1), runtime(1));
        let (limit, few) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(2)));
        let (held, one) = (limit.acquire().unwrap(), few.acquire().unwrap());
        let (theirs, wanted) = (Arc::clone(&limit), Arc::clone(&few));
        let wait = move || drop(theirs.acquire().unwrap());
        let _lost = [
            wait_in(&ending, WaitReason::Semaphore, wait.clone()),
            wait_in(&ending, WaitReason::Semaphore, move || drop(wanted.acquire_many(2).unwrap())),
        ];
        let waits = wait_in(&staying, WaitReason::Semaphore, wait);
        let keeps = busy(&ending);
        ending.shutdown(ms(0)).unwrap_err();
        drop(held);
        waits.join().unwrap();
        // Who comes later does not wait behind it, either.
        drop(few.acquire_timeout(LIMIT / 2).unwrap());
        drop(one);
        assert_eq!((limit.available_permits(), few.available_permits()), (1, 2));
        drop(keeps);
        staying.shutdown(LIMIT).unwrap();
    });
}

// ---- the read-write lock ----

static SHARED: RwLock<u32> = RwLock::new(0);

#[test]
fn many_read_and_one_writes() {
    everywhere(|place| {
        let before = *SHARED.read().unwrap();
        let lock = Arc::new(RwLock::new((0, 0)));
        let all: Vec<_> = (0..12)
            .map(|i| {
                let lock = Arc::clone(&lock);
                place.start(move || {
                    for turn in 0..30 {
                        if i % 3 == 0 {
                            let mut both = lock.write().unwrap();
                            both.0 += 1;
                            if turn % 8 == 0 {
                                marmot::yield_now();
                            }
                            both.1 += 1;
                        } else {
                            let both = lock.read().unwrap();
                            if turn % 8 == 0 {
                                marmot::yield_now();
                            }
                            assert_eq!(both.0, both.1);
                        }
                    }
                    *SHARED.write().unwrap() += 1;
                })
            })
            .collect();
        all.into_iter().for_each(|one| one.join());
        assert_eq!(*lock.read().unwrap(), (120, 120));
        assert!(*SHARED.read().unwrap() >= before + 12);
    });
}

#[test]
fn readers_share_and_tries_do_not_wait() {
    everywhere(|place| {
        let lock = Arc::new(RwLock::new(7));
        let (one, other) = (lock.read().unwrap(), lock.try_read().unwrap());
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        drop(one);
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        drop(other);
        let writes = lock.try_write().unwrap();
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
        let theirs = Arc::clone(&lock);
        let reads = place.start(move || *theirs.read().unwrap());
        reads.until_waiting(WaitReason::RwLockRead);
        drop(writes);
        assert_eq!(reads.join(), 7);
        drop(lock.try_write().unwrap());
    });
}

#[test]
fn a_writer_comes_before_later_readers_and_they_before_the_next_writer() {
    in_goroutines(|place| {
        let (lock, (told, order)) = (Arc::new(RwLock::new(())), mpsc::channel());
        let reads = lock.read().unwrap();
        let begin = |name: &'static str, reason| {
            let (lock, told) = (Arc::clone(&lock), told.clone());
            let one = place.start(move || match reason {
                WaitReason::RwLockRead => {
                    let _held = lock.read().unwrap();
                    told.send(name).unwrap();
                }
                _ => {
                    let _held = lock.write().unwrap();
                    told.send(name).unwrap();
                }
            });
            one.until_waiting(reason);
            one
        };
        let all = [
            begin("first", WaitReason::RwLockWrite),
            begin("second", WaitReason::Mutex),
            begin("reader", WaitReason::RwLockRead),
            begin("reader", WaitReason::RwLockRead),
        ];
        assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
        drop(reads);
        all.into_iter().for_each(|one| one.join());
        assert_eq!(order.try_iter().collect::<Vec<_>>(), ["first", "reader", "reader", "second"]);
    });
}

#[test]
fn a_writer_that_is_cancelled_lets_readers_in() {
    in_goroutines(|place| {
        let lock = Arc::new(RwLock::new(3));
        let reads = lock.read().unwrap();
        let theirs = Arc::clone(&lock);
        let (writes, cancel) = start(place, move || theirs.write_or_cancelled().map(drop));
        writes.until_waiting(WaitReason::RwLockWrite);
        let [also_writes, also_reads] = [WaitReason::Mutex, WaitReason::RwLockRead].map(|reason| {
            let theirs = Arc::clone(&lock);
            let one = start(place, move || match reason {
                WaitReason::Mutex => theirs.write_or_cancelled().map(drop),
                _ => theirs.read_or_cancelled().map(drop),
            });
            one.0.until_waiting(reason);
            one
        });
        // Of two writers, the one that has not come so far goes first.
        also_writes.1.cancel();
        assert!(also_writes.0.join().unwrap_err().is_cancelled());
        assert!(!also_reads.0.is_finished());
        cancel.cancel();
        assert!(writes.join().unwrap_err().is_cancelled());
        also_reads.0.join().unwrap();
        assert_eq!(*lock.try_read().unwrap(), 3);
        drop(reads);
        let held = lock.try_write().unwrap();
        let theirs = Arc::clone(&lock);
        let error = cancelled(place, WaitReason::RwLockRead, move || theirs.read_or_cancelled().map(drop)).unwrap_err();
        assert!(error.is_cancelled());
        assert!(too_late(|| lock.read_or_cancelled().map(drop)).is_err());
        drop(held);
        assert!(too_late(|| lock.write_or_cancelled().map(drop)).is_err());
        assert_eq!(*lock.write_or_cancelled().unwrap().unwrap(), 3);
    });
}

#[test]
fn who_downgrades_lets_readers_in_and_no_writer() {
    everywhere(|place| {
        let lock = Arc::new(RwLock::new(0));
        let mut writes = lock.write().unwrap();
        let theirs = Arc::clone(&lock);
        let reads = place.start(move || *theirs.read().unwrap());
        reads.until_waiting(WaitReason::RwLockRead);
        *writes = 1;
        let held = RwLockWriteGuard::downgrade(writes);
        assert_eq!(reads.join(), 1);
        let theirs = Arc::clone(&lock);
        let next = place.start(move || *theirs.write().unwrap() += 1);
        next.until_waiting(WaitReason::RwLockWrite);
        assert_eq!(*held, 1);
        drop(held);
        next.join();
        drop(RwLockWriteGuard::downgrade(lock.write().unwrap()));
        assert_eq!(*lock.try_write().unwrap(), 2);
    });
}

#[test]
fn a_writers_panic_poisons_and_a_readers_does_not() {
    everywhere(|_| {
        let mut lock = RwLock::new(1);
        panics(|| lock.read().unwrap());
        assert!(!lock.is_poisoned());
        panics(|| RwLockWriteGuard::downgrade(lock.write().unwrap()));
        assert!(!lock.is_poisoned());
        panics(|| lock.write().unwrap());
        assert!(lock.is_poisoned());
        assert_eq!(**lock.read().unwrap_err().get_ref(), 1);
        assert_eq!(**lock.write().unwrap_err().get_ref(), 1);
        assert!(matches!(lock.try_read(), Err(TryLockError::Poisoned(_))));
        assert!(matches!(lock.try_write(), Err(TryLockError::Poisoned(_))));
        assert_eq!(**lock.get_mut().unwrap_err().get_ref(), 1);
        lock.clear_poison();
        assert_eq!(*lock.get_mut().unwrap(), 1);
        panics(|| lock.write().unwrap());
        assert_eq!(lock.into_inner().unwrap_err().into_inner(), 1);
    });
}

#[test]
fn a_lock_shows_what_is_in_it() {
    let lock = RwLock::<u32>::from(5);
    let reads = lock.read().unwrap();
    assert_eq!(format!("{reads} {reads:?} {lock:?}"), "5 5 RwLock { data: 5, poisoned: false, .. }");
    drop(reads);
    let writes = lock.write().unwrap();
    assert_eq!(format!("{writes} {writes:?} {lock:?}"), "5 5 RwLock { data: <locked>, poisoned: false, .. }");
    drop(writes);
    let unsized_lock: &RwLock<[u8]> = &RwLock::new([1, 2]);
    unsized_lock.write().unwrap()[0] = 9;
    assert_eq!(*unsized_lock.read().unwrap(), [9, 2]);
    fn is_shared<T: Sync>(_: &T) {}
    is_shared(&lock.read().unwrap());
    /// What is read may live for less long than it is guarded for.
    fn shorter<'a>(guard: RwLockReadGuard<'a, &'static str>) -> RwLockReadGuard<'a, &'a str> {
        guard
    }
    assert_eq!(*shorter(RwLock::new("text").read().unwrap()), "text");
    let cell = OnceLock::from(2);
    assert_eq!(format!("{cell:?} {:?}", OnceLock::<u8>::new()), "OnceLock(2) OnceLock(<uninit>)");
    let lazy = LazyLock::new(|| 3);
    assert_eq!(
        (format!("{lazy:?}"), *lazy, format!("{lazy:?}")),
        ("LazyLock(<uninit>)".into(), 3, "LazyLock(3)".into())
    );
    assert_eq!(format!("{:?}", Semaphore::new(4)), "Semaphore { available_permits: 4, .. }");
}

// ---- conditions ----

#[test]
fn conditions_are_notified_one_by_one_in_order_or_all_at_once() {
    in_goroutines(|place| {
        let (pair, (told, order)) = (Arc::new((Mutex::new(()), Condvar::new())), mpsc::channel());
        let begin = |number: u32| {
            let (pair, told) = (Arc::clone(&pair), told.clone());
            let one = place.start(move || {
                let held = pair.1.wait(pair.0.lock().unwrap()).unwrap();
                told.send(number).unwrap();
                drop(held);
            });
            one.until_waiting(WaitReason::Condvar);
            one
        };
        pair.1.notify_one();
        pair.1.notify_all();
        let all: Vec<_> = (0..5).map(begin).collect();
        for number in 0..2 {
            pair.1.notify_one();
            until(|| order.try_recv() == Ok(number));
        }
        assert!(order.try_recv().is_err());
        pair.1.notify_all();
        all.into_iter().for_each(|one| one.join());
        let mut rest: Vec<_> = order.try_iter().collect();
        rest.sort_unstable();
        assert_eq!(rest, [2, 3, 4]);
    });
}

#[test]
fn a_condition_is_waited_for_while_it_does_not_hold() {
    everywhere(|place| {
        let pair = Arc::new((Mutex::new(0), Condvar::new()));
        let theirs = Arc::clone(&pair);
        let counts = place.start(move || {
            for _ in 0..5 {
                *theirs.0.lock().unwrap() += 1;
                theirs.1.notify_all();
                marmot::yield_now();
            }
        });
        let (lock, changed) = &*pair;
        let held = changed.wait_while(lock.lock().unwrap(), |count| *count < 3).unwrap();
        let (held, result) = changed.wait_timeout_while(held, LIMIT, |count| *count < 5).unwrap();
        assert!(*held == 5 && !result.timed_out());
        let begun = Instant::now();
        let (held, result) = changed.wait_timeout_while(held, ms(3), |count| *count < 6).unwrap();
        assert!(result.timed_out() && begun.elapsed() >= ms(3));
        let (held, result) = changed.wait_timeout(held, ms(3)).unwrap();
        assert!(result.timed_out() && begun.elapsed() >= ms(6));
        let held = changed.wait_while_or_cancelled(held, |count| *count < 5).unwrap().unwrap();
        let (held, result) = changed.wait_timeout_or_cancelled(held, ms(1)).unwrap().unwrap();
        assert!(result.timed_out());
        drop(held);
        counts.join();
    });
}

#[test]
fn a_wait_for_a_condition_ends_with_the_context_without_the_lock() {
    in_goroutines(|place| {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = Arc::clone(&pair);
        let wait = move || theirs.1.wait_while_or_cancelled(theirs.0.lock().unwrap(), |is_set| !*is_set).map(drop);
        assert!(cancelled(place, WaitReason::Condvar, wait.clone()).unwrap_err().is_cancelled());
        drop(pair.0.try_lock().unwrap());
        assert!(too_late(wait.clone()).is_err());
        // What has `std`'s signature waits for its time.
        let (held, result) = too_late(|| pair.1.wait_timeout(pair.0.lock().unwrap(), ms(2))).unwrap();
        assert!(result.timed_out());
        drop(held);
        // It was notified, and then cancelled while it waits for the lock: somebody else is notified.
        let (first, cancel) = start(place, wait.clone());
        first.until_waiting(WaitReason::Condvar);
        let (second, _cancel) = start(place, wait);
        second.until_waiting(WaitReason::Condvar);
        let mut held = pair.0.lock().unwrap();
        pair.1.notify_one();
        first.until_waiting(WaitReason::Mutex);
        cancel.cancel();
        *held = true;
        assert!(first.join().unwrap_err().is_cancelled());
        drop(held);
        second.join().unwrap();
    });
}

#[test]
fn a_panic_poisons_what_a_condition_goes_with() {
    in_goroutines(|place| {
        let pair = Arc::new((Mutex::new(0), Condvar::new()));
        let theirs = Arc::clone(&pair);
        let waits = place.start(move || theirs.1.wait(theirs.0.lock().unwrap()).map(drop).is_err());
        waits.until_waiting(WaitReason::Condvar);
        panics(|| pair.0.lock().unwrap());
        pair.1.notify_one();
        assert!(waits.join());
        assert!(
            pair.1.wait_timeout(pair.0.lock().unwrap_err().into_inner(), ms(1)).unwrap_err().get_ref().1.timed_out()
        );
    });
}

// ---- what is done once ----

#[test]
fn what_is_done_once_may_park_and_others_wait_for_it() {
    in_goroutines(|place| {
        let (once, count) = (Arc::new(Once::new()), Arc::new(AtomicUsize::new(0)));
        let go_on = Arc::new(Semaphore::new(0));
        let call = || {
            let (once, count, go_on) = (Arc::clone(&once), Arc::clone(&count), Arc::clone(&go_on));
            move || {
                once.call_once(|| {
                    drop(go_on.acquire().unwrap());
                    count.fetch_add(1, Relaxed);
                });
                count.load(Relaxed)
            }
        };
        let theirs = Arc::clone(&once);
        let waits = place.start(move || theirs.wait());
        waits.until_waiting(WaitReason::Once);
        let first = place.start(call());
        first.until_waiting(WaitReason::Semaphore);
        let others = [(); 3].map(|()| place.start(call()));
        others.iter().for_each(|other| other.until_waiting(WaitReason::Once));
        let theirs = Arc::clone(&once);
        let late = cancelled(place, WaitReason::Once, move || theirs.call_once_or_cancelled(|| unreachable!()));
        assert!(late.unwrap_err().is_cancelled());
        let theirs = Arc::clone(&once);
        assert!(cancelled(place, WaitReason::Once, move || theirs.wait_or_cancelled()).unwrap_err().is_cancelled());
        assert!(!once.is_completed());
        go_on.add_permits(1);
        assert!([first].into_iter().chain(others).all(|one| one.join() == 1));
        waits.join();
        assert!(once.is_completed());
        // What is done can be seen at any time.
        too_late(|| once.call_once_or_cancelled(|| unreachable!()).and(once.wait_or_cancelled())).unwrap();
    });
}

#[test]
fn a_panic_poisons_what_is_done_once_until_it_is_forced() {
    everywhere(|place| {
        let once = Arc::new(Once::new());
        let theirs = Arc::clone(&once);
        let forced = place.start(move || theirs.wait_force());
        let theirs = Arc::clone(&once);
        let waits = place.start(move || catch_unwind(AssertUnwindSafe(|| theirs.wait())).is_err());
        waits.until_waiting(WaitReason::Once);
        forced.until_waiting(WaitReason::Once);
        let fails = || resume_unwind(Box::new("it is part of the test"));
        assert!(catch_unwind(AssertUnwindSafe(|| once.call_once(fails))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| once.call_once(|| ()))).is_err());
        assert!(waits.join() && !forced.is_finished());
        once.call_once_force(|state| assert!(state.is_poisoned()));
        once.call_once_force(|_| unreachable!());
        once.wait();
        forced.join();
    });
}

#[test]
fn what_is_done_once_cannot_do_itself() {
    everywhere(|_| {
        let once = Once::new();
        assert!(catch_unwind(AssertUnwindSafe(|| once.call_once(|| once.call_once(|| ())))).is_err());
        let cell = OnceLock::new();
        assert!(catch_unwind(AssertUnwindSafe(|| *cell.get_or_init(|| *cell.get_or_init(|| 1)))).is_err());
        assert_eq!(*cell.get_or_init(|| 2), 2);
    });
}

#[test]
fn a_cell_is_written_once() {
    everywhere(|place| {
        let cell = Arc::new(OnceLock::new());
        let theirs = Arc::clone(&cell);
        let waits = place.start(move || *theirs.wait());
        waits.until_waiting(WaitReason::Once);
        let theirs = Arc::clone(&cell);
        let error = cancelled(place, WaitReason::Once, move || theirs.wait_or_cancelled().map(drop)).unwrap_err();
        assert!(error.is_cancelled());
        panics(|| cell.get_or_init(|| resume_unwind(Box::new(()))));
        assert_eq!(cell.get_or_try_init(|| Err("no")), Err("no"));
        assert_eq!(cell.get(), None);
        let all: Vec<_> = (1..9)
            .map(|n| {
                let cell = Arc::clone(&cell);
                place.start(move || {
                    *cell.get_or_init(|| {
                        marmot::yield_now();
                        n
                    })
                })
            })
            .collect();
        let found: Vec<_> = all.into_iter().map(|one| one.join()).collect();
        assert!((1..9).contains(&found[0]) && found.iter().all(|n| *n == found[0]));
        assert_eq!((waits.join(), cell.set(10)), (found[0], Err(10)));
        assert_eq!(cell.get_or_init_or_cancelled(|| unreachable!()).copied().unwrap(), found[0]);
        assert_eq!(*cell, OnceLock::clone(&cell));
    });
}

#[test]
fn a_cell_owns_what_is_in_it() {
    let counted = Arc::new(());
    let mut cell = OnceLock::from(Arc::clone(&counted));
    cell.get_mut().unwrap();
    assert_eq!(Arc::strong_count(&counted), 2);
    drop(cell.take().unwrap());
    assert!(cell.get().is_none() && cell.take().is_none());
    cell.set(Arc::clone(&counted)).unwrap();
    drop(cell.clone());
    assert_eq!(Arc::strong_count(&counted), 2);
    drop(cell);
    assert_eq!(Arc::strong_count(&counted), 1);
    drop(OnceLock::from(Arc::clone(&counted)).into_inner());
    let theirs = Arc::clone(&counted);
    drop(LazyLock::new(move || theirs));
    assert_eq!(Arc::strong_count(&counted), 1);
}

#[test]
fn a_lazy_value_is_made_once_while_others_wait() {
    static LAZY: LazyLock<u64> = LazyLock::new(|| {
        marmot::sleep(ms(2));
        41
    });
    everywhere(|place| {
        let all: Vec<_> = (0..4).map(|_| place.start(|| *LAZY)).collect();
        assert!(all.into_iter().all(|one| one.join() == 41));
        let mut lazy = LazyLock::new(|| 1);
        assert_eq!((LazyLock::get(&lazy), LazyLock::force_or_cancelled(&lazy).copied().unwrap()), (None, 1));
        *lazy += 1;
        assert_eq!(LazyLock::get_mut(&mut lazy), Some(&mut 2));
        let fails: LazyLock<u32> = LazyLock::new(|| resume_unwind(Box::new("it is part of the test")));
        panics(|| *fails);
        let again = catch_unwind(AssertUnwindSafe(|| *fails)).unwrap_err();
        assert!(again.downcast_ref::<&str>().is_none_or(|text| *text != "it is part of the test"));
    });
}

// ---- barriers, semaphores, groups ----

#[test]
fn a_barrier_has_one_leader_a_round() {
    everywhere(|place| {
        let (barrier, leaders) = (Arc::new(Barrier::new(5)), Arc::new(AtomicUsize::new(0)));
        let all: Vec<_> = (0..5)
            .map(|_| {
                let (barrier, leaders) = (Arc::clone(&barrier), Arc::clone(&leaders));
                place.start(move || {
                    for round in 1..=10 {
                        leaders.fetch_add(usize::from(barrier.wait().is_leader()), Relaxed);
                        barrier.wait();
                        assert_eq!(leaders.load(Relaxed), round);
                        barrier.wait();
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|one| one.join());
        assert!(Barrier::new(0).wait().is_leader() && Barrier::new(1).wait().is_leader());
    });
}

#[test]
fn who_is_cancelled_has_not_come_to_the_barrier() {
    in_goroutines(|place| {
        let barrier = Arc::new(Barrier::new(3));
        let begin = || {
            let barrier = Arc::clone(&barrier);
            let one = start(place, move || barrier.wait_or_cancelled().map(|result| result.is_leader()));
            one.0.until_waiting(WaitReason::Barrier);
            one
        };
        let (stays, (leaves, cancel)) = (begin(), begin());
        cancel.cancel();
        assert!(leaves.join().unwrap_err().is_cancelled());
        let also_stays = begin();
        assert!(!stays.0.is_finished() && too_late(|| barrier.wait_or_cancelled()).is_err());
        assert!(barrier.wait().is_leader());
        assert!(!stays.0.join().unwrap() && !also_stays.0.join().unwrap());
    });
}

#[test]
fn permits_go_to_those_who_wait_in_order() {
    in_goroutines(|place| {
        let (limit, (told, order)) = (Arc::new(Semaphore::new(3)), mpsc::channel());
        let held = limit.acquire_many(2).unwrap();
        assert_eq!((held.count(), limit.available_permits()), (2, 1));
        let begin = |number: usize| {
            let (limit, told) = (Arc::clone(&limit), told.clone());
            let one = start(place, move || limit.acquire_many_owned(number).inspect(|_| told.send(number).unwrap()));
            one.0.until_waiting(WaitReason::Semaphore);
            one
        };
        let (three, one, two) = (begin(3), begin(1), begin(2));
        // There is one, but it is not the turn of who wants one.
        assert!(limit.try_acquire().is_none() && order.try_recv().is_err());
        drop(held);
        let permits = three.0.join().unwrap();
        assert_eq!((order.try_recv(), permits.count(), limit.available_permits()), (Ok(3), 3, 0));
        drop(permits);
        assert_eq!(one.0.join().unwrap().count() + two.0.join().unwrap().count(), 3);
        assert_eq!(limit.available_permits(), 3);

        // Who leaves lets those behind it come.
        let held = limit.acquire_many_owned(2).unwrap();
        let (three, one) = (begin(3), begin(1));
        three.1.cancel();
        assert!(three.0.join().unwrap_err().is_cancelled());
        drop(one.0.join().unwrap());
        drop(held);
        assert!(limit.acquire_many_timeout(4, ms(2)).unwrap_err().is_deadline_exceeded());
        assert!(too_late(|| limit.acquire().map(drop)).unwrap_err().is_cancelled());
        assert_eq!(limit.available_permits(), 3);
    });
}

#[test]
fn who_wants_more_permits_than_there_ever_were_keeps_nobody_waiting() {
    in_goroutines(|place| {
        let semaphore = Arc::new(Semaphore::new(2));
        let take = |n| {
            let semaphore = Arc::clone(&semaphore);
            move || semaphore.acquire_many(n).map(|permit| permit.count())
        };
        let (three, four) = (place.start(take(3)), place.start(take(4)));
        let (ended, cancel) = start(place, take(3));
        [&three, &four, &ended].into_iter().for_each(|waits| waits.until_waiting(WaitReason::Semaphore));
        // Others come and go, whether they have to wait or not.
        drop(semaphore.try_acquire_many(2).unwrap());
        let held = semaphore.acquire_many_timeout(2, LIMIT).unwrap();
        let waits = place.start(take(2));
        waits.until_waiting(WaitReason::Semaphore);
        drop(held);
        assert_eq!(waits.join().unwrap(), 2);
        cancel.cancel();
        assert!(ended.join().unwrap_err().is_cancelled());
        // There are as many as the one wants, of which one is lent: it is in order now, and the other is not.
        let held = semaphore.acquire().unwrap();
        semaphore.add_permits(1);
        assert!(semaphore.try_acquire().is_none());
        assert!(!three.is_finished());
        drop(held);
        assert_eq!(three.join().unwrap(), 3);
        drop(semaphore.try_acquire_many(3).unwrap());
        // What was forgotten does not count for those that come after.
        semaphore.acquire_many(3).unwrap().forget();
        assert_eq!(semaphore.forget_permits(1), 0);
        semaphore.add_permits(3);
        drop(semaphore.try_acquire_many(3).unwrap());
        assert!(!four.is_finished());
        semaphore.add_permits(1);
        assert_eq!(four.join().unwrap(), 4);
        assert_eq!(semaphore.available_permits(), 4);
    });
}

#[test]
fn who_wants_no_more_than_there_were_is_not_overtaken_though_some_are_forgotten() {
    in_goroutines(|place| {
        let semaphore = Arc::new(Semaphore::new(2));
        semaphore.acquire_many(2).unwrap().forget();
        let theirs = Arc::clone(&semaphore);
        let waits = place.start(move || theirs.acquire_many(2).map(|permit| permit.count()));
        waits.until_waiting(WaitReason::Semaphore);
        semaphore.add_permits(1);
        assert!(semaphore.try_acquire().is_none());
        semaphore.add_permits(1);
        assert_eq!(waits.join().unwrap(), 2);
    });
}

#[test]
fn permits_are_added_and_forgotten() {
    let limit = Arc::new(Semaphore::new(0));
    assert!(limit.try_acquire().is_none() && limit.try_acquire_many_owned(1).is_none());
    drop(limit.try_acquire_many(0).unwrap());
    limit.add_permits(5);
    limit.acquire().unwrap().forget();
    limit.acquire_owned().unwrap().forget();
    assert_eq!(Arc::strong_count(&limit), 1);
    assert_eq!((limit.forget_permits(2), limit.forget_permits(2), limit.available_permits()), (2, 1, 0));
    limit.add_permits(Semaphore::MAX_PERMITS);
    assert!(catch_unwind(AssertUnwindSafe(|| limit.add_permits(1))).is_err());
    assert_eq!(limit.available_permits(), Semaphore::MAX_PERMITS);
    assert!(catch_unwind(|| Semaphore::new(Semaphore::MAX_PERMITS + 1)).is_err());
}

#[test]
fn a_permit_that_finds_no_room_is_dropped_without_a_panic() {
    let limit = Arc::new(Semaphore::new(3));
    let (one, two) = (limit.try_acquire_many_owned(1).unwrap(), limit.try_acquire_many(2).unwrap());
    limit.add_permits(Semaphore::MAX_PERMITS - 1);
    drop(two);
    assert_eq!(limit.available_permits(), Semaphore::MAX_PERMITS);
    drop(one);
    assert_eq!(limit.available_permits(), Semaphore::MAX_PERMITS);
    assert!(catch_unwind(AssertUnwindSafe(|| limit.add_permits(1))).is_err());
    drop(limit.try_acquire_many(Semaphore::MAX_PERMITS).unwrap());
    assert_eq!(limit.available_permits(), Semaphore::MAX_PERMITS);
}

#[test]
fn a_group_waits_for_all() {
    with_procs(2, || {
        let (group, count) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
        group.wait().unwrap();
        too_late(|| group.wait()).unwrap();
        for _ in 0..3 {
            for i in 0..10 {
                let count = Arc::clone(&count);
                group.go(move || {
                    marmot::yield_now();
                    count.fetch_add(1, Relaxed);
                    if i == 0 {
                        panic_any("read this (it is part of the test)");
                    }
                });
            }
            group.wait().unwrap();
            assert_eq!((count.swap(0, Relaxed), group.count()), (10, 0));
        }
        assert_eq!(group.go(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn a_group_counts() {
    in_goroutines(|place| {
        let group = WaitGroup::new();
        assert!(catch_unwind(AssertUnwindSafe(|| group.done())).is_err());
        group.add(3);
        assert!(catch_unwind(AssertUnwindSafe(|| group.add(-4))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| group.add(isize::MAX))).is_err());
        assert_eq!(group.count(), 3);
        assert!(group.wait_timeout(ms(2)).unwrap_err().is_deadline_exceeded());
        let theirs = group.clone();
        assert!(cancelled(place, WaitReason::WaitGroup, move || theirs.wait()).unwrap_err().is_cancelled());
        let waits = [(); 3].map(|()| {
            let theirs = group.clone();
            let waits = place.start(move || theirs.wait());
            waits.until_waiting(WaitReason::WaitGroup);
            waits
        });
        group.add(-2);
        assert!(waits.iter().all(|one| !one.is_finished()));
        group.done();
        // What is added now is for others.
        group.add(1);
        waits.into_iter().for_each(|one| one.join().unwrap());
        group.done();
    });
}
