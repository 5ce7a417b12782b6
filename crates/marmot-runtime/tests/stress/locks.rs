//! All that one can wait for in `sync`, by goroutines and plain threads at the same time, with limits and cancellations that come at
//! any moment.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex as StdMutex};
use std::thread;
use std::time::Duration;

use marmot_runtime::Runtime;
use marmot_runtime::context::{Cancel, Context};
use marmot_runtime::sync::{Barrier, Condvar, Mutex, OnceLock, RwLock, RwLockWriteGuard, Semaphore};
use marmot_runtime::{sleep, yield_now};

use crate::support::{Chance, on_each_size};

const GOROUTINES: usize = 24;
const THREADS: usize = 3;
const TURNS: usize = 300;

/// Contexts that are cancelled at any moment, and replaced.
struct Contexts(StdMutex<Vec<(Context, Cancel)>>);

impl Contexts {
    fn new() -> Arc<Contexts> {
        Arc::new(Contexts(StdMutex::new((0..4).map(|_| Context::background().with_cancel()).collect())))
    }

    fn any(&self, chance: &mut Chance) -> Context {
        let mut all = self.0.lock().unwrap();
        let one = &mut all[chance.below(4) as usize];
        if chance.below(16) == 0 {
            let (_, cancel) = std::mem::replace(one, Context::background().with_cancel());
            cancel.cancel();
        }
        one.0.clone()
    }
}

/// Runs `turn` by goroutines and threads, so many turns each; none may be left waiting at the end.
fn by_all(rt: &Runtime, turn: impl Fn(&mut Chance) + Clone + Send + 'static) {
    let run = |seed: usize| {
        let turn = turn.clone();
        move || {
            let mut chance = Chance::new(seed);
            (0..TURNS).for_each(|_| turn(&mut chance));
        }
    };
    let goroutines: Vec<_> = (0..GOROUTINES).map(|i| rt.go(run(i))).collect();
    let threads: Vec<_> = (0..THREADS).map(|i| thread::spawn(run(GOROUTINES + i))).collect();
    goroutines.into_iter().for_each(|goroutine| goroutine.join().unwrap());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// What somebody may do while he holds something.
fn hold(chance: &mut Chance) {
    match chance.below(32) {
        0 => sleep(chance.micros(20)),
        1..6 => yield_now(),
        _ => {}
    }
}

#[test]
fn a_mutex_with_limits() {
    on_each_size("a_mutex_with_limits", |rt| {
        let (lock, contexts, added) = (Arc::new(Mutex::new(0)), Contexts::new(), Arc::new(AtomicUsize::new(0)));
        let (theirs, sum) = (Arc::clone(&lock), Arc::clone(&added));
        by_all(rt, move |chance| {
            let context = contexts.any(chance);
            let held = match chance.below(3) {
                0 => context.run(|| theirs.lock_or_cancelled()).ok().map(Result::unwrap),
                1 => theirs.try_lock_for(chance.micros(50)).ok(),
                _ => Some(theirs.lock().unwrap()),
            };
            let Some(mut held) = held else { return };
            let before = *held;
            hold(chance);
            *held = before + 1;
            sum.fetch_add(1, Relaxed);
        });
        assert_eq!(*lock.try_lock().unwrap(), added.load(Relaxed));
    });
}

#[test]
fn a_read_write_lock_with_limits() {
    on_each_size("a_read_write_lock_with_limits", |rt| {
        let (lock, contexts, added) = (Arc::new(RwLock::new((0, 0))), Contexts::new(), Arc::new(AtomicUsize::new(0)));
        let (theirs, sum) = (Arc::clone(&lock), Arc::clone(&added));
        by_all(rt, move |chance| {
            let context = contexts.any(chance);
            let is_limited = chance.below(2) == 0;
            if chance.below(3) > 0 {
                let held = match is_limited {
                    true => context.run(|| theirs.read_or_cancelled()).ok().map(Result::unwrap),
                    false => Some(theirs.read().unwrap()),
                };
                if let Some(held) = held {
                    hold(chance);
                    assert_eq!(held.0, held.1);
                }
                return;
            }
            let held = match is_limited {
                true => context.run(|| theirs.write_or_cancelled()).ok().map(Result::unwrap),
                false => Some(theirs.write().unwrap()),
            };
            let Some(mut held) = held else { return };
            held.0 += 1;
            hold(chance);
            held.1 += 1;
            sum.fetch_add(1, Relaxed);
            if chance.below(4) == 0 {
                let value = *held;
                let held = RwLockWriteGuard::downgrade(held);
                hold(chance);
                assert_eq!(*held, value);
            }
        });
        assert_eq!(*lock.try_write().unwrap(), (added.load(Relaxed), added.load(Relaxed)));
    });
}

#[test]
fn permits_with_limits() {
    const ALL: usize = 5;
    on_each_size("permits_with_limits", |rt| {
        let (limit, contexts) = (Arc::new(Semaphore::new(ALL)), Contexts::new());
        let out = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&limit);
        by_all(rt, move |chance| {
            let (context, n) = (contexts.any(chance), 1 + chance.below(ALL as u64) as usize);
            let permit = match chance.below(3) {
                0 => context.run(|| theirs.acquire_many(n)).ok(),
                1 => theirs.acquire_many_timeout(n, chance.micros(50)).ok(),
                _ => Some(theirs.acquire_many(n).unwrap()),
            };
            let Some(permit) = permit else { return };
            assert!(out.fetch_add(n, Relaxed) + n <= ALL);
            hold(chance);
            out.fetch_sub(n, Relaxed);
            drop(permit);
        });
        assert_eq!(limit.try_acquire_many(ALL).unwrap().count(), ALL);
    });
}

#[test]
fn no_notification_is_lost() {
    /// How many things there are; who wants one waits for it, and puts it back.
    const THINGS: usize = 2;
    on_each_size("no_notification_is_lost", |rt| {
        let (pair, contexts) = (Arc::new((Mutex::new(THINGS), Condvar::new())), Contexts::new());
        let theirs = Arc::clone(&pair);
        by_all(rt, move |chance| {
            let (things, changed) = &*theirs;
            let context = contexts.any(chance);
            let held = things.lock().unwrap();
            let is_none = |things: &mut usize| *things == 0;
            let held = match chance.below(3) {
                0 => context.run(|| changed.wait_while_or_cancelled(held, is_none)).ok().map(Result::unwrap),
                1 => {
                    let (held, result) = changed.wait_timeout_while(held, chance.micros(50), is_none).unwrap();
                    (!result.timed_out()).then_some(held)
                }
                _ => Some(changed.wait_while(held, is_none).unwrap()),
            };
            let Some(mut held) = held else { return };
            *held -= 1;
            drop(held);
            hold(chance);
            *things.lock().unwrap() += 1;
            // Each thing is told of once, so that nobody may be told in vain.
            changed.notify_one();
        });
        assert_eq!(*pair.0.try_lock().unwrap(), THINGS);
    });
}

#[test]
fn cells_and_barriers() {
    const ROUNDS: usize = 60;
    const ALL: usize = 6;
    on_each_size("cells_and_barriers", |rt| {
        let cells: Arc<Vec<OnceLock<usize>>> = Arc::new((0..ROUNDS).map(|_| OnceLock::new()).collect());
        let (barrier, made) = (Arc::new(Barrier::new(ALL)), Arc::new(AtomicUsize::new(0)));
        let run = |i: usize| {
            let (cells, barrier, made) = (Arc::clone(&cells), Arc::clone(&barrier), Arc::clone(&made));
            move || {
                let mut chance = Chance::new(i);
                let mut led = 0;
                for round in 0..ROUNDS {
                    // Who comes late does not keep the others: it tries again.
                    let (context, cancel) = Context::background().with_cancel();
                    if chance.below(4) == 0 {
                        cancel.cancel();
                    }
                    let _late = context
                        .run(|| barrier.wait_or_cancelled())
                        .map(|result| led += usize::from(result.is_leader()));
                    if _late.is_err() {
                        led += usize::from(barrier.wait().is_leader());
                    }
                    let make = || {
                        hold(&mut chance);
                        made.fetch_add(1, Relaxed);
                        round
                    };
                    assert_eq!(*cells[round].get_or_init(make), round);
                }
                led
            }
        };
        let goroutines: Vec<_> = (1..ALL).map(|i| rt.go(run(i))).collect();
        let own = thread::spawn(run(0)).join().unwrap();
        let led: usize = goroutines.into_iter().map(|goroutine| goroutine.join().unwrap()).sum();
        assert_eq!((led + own, made.load(Relaxed)), (ROUNDS, ROUNDS));
    });
}

#[test]
fn runtimes_that_stop_keep_nothing_from_others() {
    const ROUNDS: usize = 12;
    on_each_size("runtimes_that_stop_keep_nothing_from_others", |rt| {
        let (lock, shared) = (Arc::new(Mutex::new(0)), Arc::new(RwLock::new(0)));
        let limit = Arc::new(Semaphore::new(2));
        let turn = {
            let (lock, shared, limit) = (Arc::clone(&lock), Arc::clone(&shared), Arc::clone(&limit));
            // Nobody parks with a lock: who has one when its runtime stops keeps it.
            move || {
                *lock.lock().unwrap() += 1;
                drop(shared.read().unwrap());
                *shared.write().unwrap() += 1;
                drop(limit.acquire_many(2).unwrap());
            }
        };
        for _ in 0..ROUNDS {
            let ending = crate::support::runtime(2);
            for _ in 0..8 {
                let turn = turn.clone();
                ending.go(move || {
                    loop {
                        turn();
                        yield_now();
                    }
                });
            }
            let others: Vec<_> = (0..4)
                .map(|_| {
                    let turn = turn.clone();
                    rt.go(move || (0..50).for_each(|_| turn()))
                })
                .collect();
            // It ends at any moment.
            thread::park_timeout(Duration::from_micros(300));
            drop(ending);
            others.into_iter().for_each(|other| other.join().unwrap());
        }
        turn();
    });
}
