//! Nothing is given to a waiter whose context has ended before: it goes to the next one, or stays, and the waiter returns the error.
//!
//! A goroutine hears of the end of its context when its M comes to that, which is after whoever ended it has gone on. So each test holds
//! the only P from the end to the gift.

mod common;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use common::{LIMIT, ms, until, with_procs};
use marmot::context::{Cancel, Context};
use marmot::sync::chan::{self, RecvError, SendError};
use marmot::sync::{Barrier, Condvar, Mutex, Once, OnceLock, RwLock, Semaphore, WaitGroup};
use marmot::{LocalJoinHandle, WaitReason, context, select};

thread_local! {
    /// Ends the contexts of those that wait.
    static ENDS: RefCell<Vec<Cancel>> = const { RefCell::new(Vec::new()) };
}

/// Runs `test` on the only P, and on others besides.
fn with_all_procs(test: fn()) {
    for procs in [1, 2, 8] {
        with_procs(procs, test);
    }
}

/// A goroutine that waits in `f`, for this reason.
fn waits<T: Send + 'static>(reason: WaitReason, f: impl FnOnce() -> T + Send + 'static) -> LocalJoinHandle<T> {
    // It settles here, so that it hears of its end when the caller has parked, and not before.
    let waits = marmot::go_local(f);
    until(|| waits.goroutine().wait_reason() == Some(reason));
    waits
}

/// The same, under a context that [`end`] ends.
fn waits_within<T: Send + 'static>(reason: WaitReason, f: impl FnOnce() -> T + Send + 'static) -> LocalJoinHandle<T> {
    let (context, cancel) = Context::background().with_cancel();
    let waits = waits(reason, move || context.run(f));
    ENDS.with_borrow_mut(|ends| ends.push(cancel));
    waits
}

/// Ends the contexts of all that wait so far.
fn end() {
    ENDS.take().into_iter().for_each(|cancel| cancel.cancel());
}

#[track_caller]
fn assert_cancelled<T>(waits: LocalJoinHandle<Result<T, context::Error>>) {
    let error = waits.join().unwrap().map(drop).expect_err("it was given what came after the end");
    assert!(error.is_cancelled());
}

#[test]
fn a_permit() {
    with_all_procs(|| {
        let semaphore = Arc::new(Semaphore::new(2));
        let held = semaphore.acquire_many(2).unwrap();
        let take = |n| {
            let semaphore = Arc::clone(&semaphore);
            move || semaphore.acquire_many(n).map(|permit| permit.count())
        };
        let ended = [2, 1].map(|n| waits_within(WaitReason::Semaphore, take(n)));
        let next = waits(WaitReason::Semaphore, take(1));
        let timed = {
            let semaphore = Arc::clone(&semaphore);
            waits(WaitReason::Semaphore, move || semaphore.acquire_timeout(LIMIT).map(|permit| permit.count()))
        };
        end();
        drop(held);
        // Nobody waits any more.
        assert_eq!(semaphore.available_permits(), 0);
        assert_eq!((next.join().unwrap().unwrap(), timed.join().unwrap().unwrap()), (1, 1));
        ended.into_iter().for_each(assert_cancelled);
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn a_permit_that_nobody_else_waits_for() {
    with_all_procs(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let held = semaphore.acquire().unwrap();
        let theirs = Arc::clone(&semaphore);
        let ended = waits_within(WaitReason::Semaphore, move || theirs.acquire().map(drop));
        end();
        drop(held);
        assert_eq!(semaphore.available_permits(), 1);
        drop(semaphore.try_acquire().expect("nobody waits for it any more"));
        assert_cancelled(ended);
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn a_lock() {
    with_all_procs(|| {
        let lock = Arc::new(Mutex::new(0));
        let held = lock.lock().unwrap();
        let add = |n| {
            let lock = Arc::clone(&lock);
            move || lock.lock_or_cancelled().map(|guard| *guard.unwrap() += n)
        };
        let ended = [(); 2].map(|()| waits_within(WaitReason::Mutex, add(1)));
        let next = waits(WaitReason::Mutex, add(10));
        // What ignores the context has the lock all the same.
        let theirs = Arc::clone(&lock);
        let ignores = waits_within(WaitReason::Mutex, move || *theirs.lock().unwrap() += 100);
        end();
        drop(held);
        next.join().unwrap().unwrap();
        ignores.join().unwrap();
        ended.into_iter().for_each(assert_cancelled);
        assert_eq!(*lock.lock().unwrap(), 110);
    });
}

#[test]
fn a_lock_that_another_has_taken_before_the_woken_one() {
    with_all_procs(|| {
        let lock = Arc::new(Mutex::new(0));
        let held = lock.lock().unwrap();
        let theirs = Arc::clone(&lock);
        let ended =
            waits_within(WaitReason::Mutex, move || theirs.lock_or_cancelled().map(|guard| *guard.unwrap() += 1));
        let theirs = Arc::clone(&lock);
        let next = waits(WaitReason::Mutex, move || *theirs.lock().unwrap() += 10);
        // It is woken, and comes too late.
        drop(held);
        if let Ok(held) = lock.try_lock() {
            end();
            drop(held);
            assert_cancelled(ended);
        }
        next.join().unwrap();
        end();
    });
}

#[test]
fn a_lock_that_is_handed_on_in_order() {
    with_procs(1, || {
        let lock = Arc::new(Mutex::new(0));
        let held = lock.lock().unwrap();
        let add = |n| {
            let lock = Arc::clone(&lock);
            move || lock.lock_or_cancelled().map(|guard| *guard.unwrap() += n)
        };
        let first = waits(WaitReason::Mutex, add(1));
        let ended = waits_within(WaitReason::Mutex, add(10));
        let next = waits(WaitReason::Mutex, add(100));
        // The first is woken, comes too late, and has waited for long: from now on the lock is fair.
        marmot::sleep(ms(2));
        drop(held);
        let held = lock.try_lock().unwrap();
        until(|| first.goroutine().wait_reason() == Some(WaitReason::Mutex));
        end();
        drop(held);
        for one in [first, next] {
            one.join().unwrap().unwrap();
        }
        assert_cancelled(ended);
        assert_eq!(*lock.lock().unwrap(), 101);
    });
}

#[test]
fn a_lock_to_read_or_to_write() {
    with_all_procs(|| {
        let lock = Arc::new(RwLock::new(0));
        let held = lock.write().unwrap();
        let read = || {
            let lock = Arc::clone(&lock);
            move || lock.read_or_cancelled().map(|guard| *guard.unwrap())
        };
        let ended = waits_within(WaitReason::RwLockRead, read());
        let next = waits(WaitReason::RwLockRead, read());
        end();
        drop(held);
        // The other one reads; if it has not done so yet, nobody writes meanwhile.
        next.join().unwrap().unwrap();
        assert!(lock.try_write().is_ok());
        assert_cancelled(ended);

        let held = lock.read().unwrap();
        let theirs = Arc::clone(&lock);
        let ended = waits_within(WaitReason::RwLockWrite, move || {
            theirs.write_or_cancelled().map(|guard| *guard.unwrap() += 1)
        });
        let theirs = Arc::clone(&lock);
        let next = waits(WaitReason::Mutex, move || *theirs.write().unwrap() += 10);
        end();
        drop(held);
        next.join().unwrap();
        assert_cancelled(ended);
        assert_eq!(*lock.read().unwrap(), 10);
    });
}

#[test]
fn a_notification() {
    with_all_procs(|| {
        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let wait = || {
            let pair = Arc::clone(&pair);
            move || pair.1.wait_or_cancelled(pair.0.lock().unwrap()).map(drop)
        };
        let ended = waits_within(WaitReason::Condvar, wait());
        let next = waits(WaitReason::Condvar, wait());
        end();
        pair.1.notify_one();
        next.join().unwrap().unwrap();
        assert_cancelled(ended);

        let ended = waits_within(WaitReason::Condvar, wait());
        let next = waits(WaitReason::Condvar, wait());
        end();
        pair.1.notify_all();
        next.join().unwrap().unwrap();
        assert_cancelled(ended);
    });
}

#[test]
fn the_end_of_a_count_or_of_what_is_done_once() {
    with_all_procs(|| {
        let group = WaitGroup::new();
        group.add(1);
        let wait = || {
            let group = group.clone();
            move || group.wait()
        };
        let ended = waits_within(WaitReason::WaitGroup, wait());
        let next = waits(WaitReason::WaitGroup, wait());
        end();
        group.done();
        next.join().unwrap().unwrap();
        assert_cancelled(ended);

        let once = Arc::new(Once::new());
        let wait = || {
            let once = Arc::clone(&once);
            move || once.wait_or_cancelled()
        };
        let ended = waits_within(WaitReason::Once, wait());
        let next = waits(WaitReason::Once, wait());
        end();
        once.call_once(|| ());
        next.join().unwrap().unwrap();
        assert_cancelled(ended);

        let cell = Arc::new(OnceLock::new());
        let theirs = Arc::clone(&cell);
        let ended = waits_within(WaitReason::Once, move || theirs.wait_or_cancelled().copied());
        let theirs = Arc::clone(&cell);
        let next = waits(WaitReason::Once, move || *theirs.wait());
        end();
        cell.set(7).unwrap();
        assert_eq!(next.join().unwrap(), 7);
        assert_cancelled(ended);
    });
}

#[test]
fn the_others_at_a_barrier() {
    with_all_procs(|| {
        let barrier = Arc::new(Barrier::new(2));
        let come = || {
            let barrier = Arc::clone(&barrier);
            move || barrier.wait_or_cancelled()
        };
        let ended = waits_within(WaitReason::Barrier, come());
        end();
        // It has not come: the other one has to wait for a third.
        let second = waits(WaitReason::Barrier, come());
        assert!(barrier.wait().is_leader());
        assert!(!second.join().unwrap().unwrap().is_leader());
        assert_cancelled(ended);
    });
}

#[test]
fn a_message() {
    with_all_procs(|| {
        for capacity in [0, 1] {
            let (sender, receiver) = chan::bounded(capacity);
            let receive = || {
                let receiver = receiver.clone();
                move || receiver.recv()
            };
            let ended = waits_within(WaitReason::Receive, receive());
            let timed = {
                let receiver = receiver.clone();
                waits_within(WaitReason::Receive, move || receiver.recv_timeout(LIMIT))
            };
            let next = waits(WaitReason::Receive, receive());
            end();
            sender.send(7).unwrap();
            assert_eq!(next.join().unwrap(), Ok(7));
            assert_eq!(ended.join().unwrap(), Err(RecvError::Cancelled));
            assert!(timed.join().unwrap().is_err());

            // If nobody else waits for it, it stays.
            let ended = waits_within(WaitReason::Receive, receive());
            end();
            let sent = sender.try_send(8);
            assert_eq!(sent.is_ok(), capacity > 0);
            assert_eq!(ended.join().unwrap(), Err(RecvError::Cancelled));
            assert_eq!(receiver.try_recv().is_ok(), capacity > 0);

            // The end of the other side comes after that of the context.
            let ended = waits_within(WaitReason::Receive, receive());
            end();
            drop(sender);
            assert_eq!(ended.join().unwrap(), Err(RecvError::Cancelled));
        }
    });
}

#[test]
fn room_for_a_message() {
    with_all_procs(|| {
        for capacity in [0, 1, 2] {
            let (sender, receiver) = chan::bounded(capacity);
            (0..capacity).for_each(|_| sender.send(0).unwrap());
            let send = |message| {
                let sender = sender.clone();
                move || sender.send(message)
            };
            let ended = waits_within(WaitReason::Send, send(1));
            let next = waits(WaitReason::Send, send(2));
            end();
            let received: Vec<_> = (0..capacity).map(|_| receiver.recv().unwrap()).collect();
            assert_eq!(received, vec![0; capacity]);
            assert_eq!(receiver.recv(), Ok(2));
            assert_eq!(next.join().unwrap(), Ok(()));
            assert_eq!(ended.join().unwrap(), Err(SendError::Cancelled(1)));
            assert!(receiver.try_recv().is_err());
        }
    });
}

#[test]
fn a_message_for_a_select() {
    with_all_procs(|| {
        let (sender, receiver) = chan::rendezvous();
        let (other, others) = chan::rendezvous::<i32>();
        let choose = || {
            let (receiver, others) = (receiver.clone(), others.clone());
            move || {
                select! {
                    recv(receiver) -> message => message.ok(),
                    recv(others) -> message => message.ok(),
                    cancelled => None,
                }
            }
        };
        let ended = waits_within(WaitReason::Select, choose());
        let next = waits(WaitReason::Select, choose());
        end();
        assert!(sender.try_send(1).is_ok());
        assert!(other.try_send(2).is_err());
        assert_eq!(next.join().unwrap(), Some(1));
        assert_eq!(ended.join().unwrap(), None);

        let ended = waits_within(WaitReason::Select, choose());
        end();
        assert!(sender.try_send(1).is_err() && other.try_send(2).is_err());
        assert_eq!(ended.join().unwrap(), None);
    });
}

#[test]
fn what_comes_before_the_end_is_given() {
    with_all_procs(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let theirs = Arc::clone(&semaphore);
        let taken = waits_within(WaitReason::Semaphore, move || theirs.acquire().map(|permit| permit.forget()));
        let (sender, receiver) = chan::rendezvous();
        let received = waits_within(WaitReason::Receive, move || receiver.recv());
        semaphore.add_permits(1);
        sender.send(1).unwrap();
        end();
        taken.join().unwrap().unwrap();
        assert_eq!(received.join().unwrap(), Ok(1));
    });
}

/// A thousand take turns in being given something and cancelled, from all sides; nothing is lost, and nobody waits for ever.
#[test]
fn permits_and_ends_at_the_same_time() {
    for procs in [1, 2, 8] {
        with_procs(procs, || {
            let semaphore = Arc::new(Semaphore::new(3));
            let all: Vec<_> = (0..1000)
                .map(|i| {
                    let (context, cancel) = Context::background().with_cancel();
                    let theirs = Arc::clone(&semaphore);
                    let takes = marmot::go(move || {
                        context.run(|| {
                            for n in 0..10 {
                                let Ok(_permit) = theirs.acquire_many(1 + (i + n) % 3) else { return };
                                marmot::yield_now();
                            }
                        });
                    });
                    (takes, cancel)
                })
                .collect();
            for (i, (takes, cancel)) in all.into_iter().enumerate() {
                if i % 2 == 0 {
                    cancel.cancel();
                    marmot::yield_now();
                }
                takes.join().unwrap();
            }
            assert_eq!(semaphore.available_permits(), 3);
            assert!(semaphore.acquire_many_timeout(3, Duration::ZERO).is_ok());
        });
    }
}

/// Whoever passes a barrier has all the others with it, also if contexts end while they are counted.
#[test]
fn a_barrier_lets_all_through_or_nobody() {
    const ALL: usize = 100;
    for _ in 0..40 {
        with_procs(2, || {
            let barrier = Arc::new(Barrier::new(ALL));
            let (context, cancel) = Context::background().with_cancel();
            let others: Vec<_> = (1..ALL)
                .map(|_| {
                    let (barrier, context) = (Arc::clone(&barrier), context.clone());
                    marmot::go(move || context.run(|| barrier.wait_or_cancelled().is_ok()))
                })
                .collect();
            until(|| others.iter().all(|other| other.goroutine().wait_reason().is_some()));
            let canceller = std::thread::spawn(move || cancel.cancel());
            let (own, _end) = Context::background().with_timeout(ms(20));
            let leads = own.run(|| barrier.wait_or_cancelled().is_ok());
            canceller.join().unwrap();
            let passed = others.into_iter().map(|other| other.join().unwrap()).filter(|&ok| ok).count();
            assert_eq!(passed, if leads { ALL - 1 } else { 0 });
        });
    }
}
