//! One mutex that goroutines and plain threads want at the same time, with and without parking while they hold it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, TryLockError};
use std::thread;

use marmot_runtime::sync::Mutex;
use marmot_runtime::{sleep, yield_now};

use crate::support::{Chance, on_each_size};

/// Adds to what two mutexes guard in all ways, until it has done so `turns` times; how often.
fn add(locks: &[Mutex<usize>; 2], seed: usize, turns: usize) -> usize {
    let mut chance = Chance::new(seed);
    let mut added = 0;
    for _ in 0..turns {
        let lock = &locks[chance.below(2) as usize];
        let mut value = match chance.below(4) {
            0 => match lock.try_lock() {
                Ok(value) => value,
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Poisoned(e)) => panic!("{e}"),
            },
            _ => lock.lock().unwrap(),
        };
        let before = *value;
        match chance.below(64) {
            0 => sleep(chance.micros(20)),
            1..8 => yield_now(),
            _ => {}
        }
        *value = before + 1;
        added += 1;
    }
    added
}

#[test]
fn goroutines_and_threads_add_up() {
    const GOROUTINES: usize = 64;
    const THREADS: usize = 4;
    const TURNS: usize = 3000;
    on_each_size("goroutines_and_threads_add_up", |rt| {
        let locks = Arc::new([Mutex::new(0), Mutex::new(0)]);
        let added = Arc::new(AtomicUsize::new(0));
        let run = |seed: usize| {
            let (locks, added) = (Arc::clone(&locks), Arc::clone(&added));
            move || {
                added.fetch_add(add(&locks, seed, TURNS), Relaxed);
            }
        };
        let goroutines: Vec<_> = (0..GOROUTINES).map(|i| rt.go(run(i))).collect();
        let threads: Vec<_> = (0..THREADS).map(|i| thread::spawn(run(GOROUTINES + i))).collect();
        goroutines.into_iter().for_each(|goroutine| goroutine.join().unwrap());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let sum: usize = locks.iter().map(|lock| *lock.lock().unwrap()).sum();
        assert_eq!(sum, added.load(Relaxed));
    });
}

#[test]
fn a_mutex_goes_with_its_last_turn() {
    const TURNS: usize = 2000;
    on_each_size("a_mutex_goes_with_its_last_turn", |rt| {
        for turn in 0..TURNS {
            let lock = Arc::new(Mutex::new(Box::new(0)));
            let all: Vec<_> = (0..3)
                .map(|_| {
                    let lock = Arc::clone(&lock);
                    rt.go(move || {
                        **lock.lock().unwrap() += 1;
                        // Whoever is the last frees it, and has seen all the others' turns.
                        Arc::into_inner(lock).map(|lock| *lock.into_inner().unwrap())
                    })
                })
                .collect();
            if turn % 2 == 0 {
                **lock.lock().unwrap() += 1;
            }
            let expected = 3 + usize::from(turn % 2 == 0);
            let own = Arc::into_inner(lock).map(|lock| *lock.into_inner().unwrap());
            let ends: Vec<_> =
                all.into_iter().map(|goroutine| goroutine.join().unwrap()).chain([own]).flatten().collect();
            assert_eq!(ends, [expected]);
        }
    });
}
