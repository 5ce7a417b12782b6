//! Loops that ask again and again for what another goroutine of the same M is to do: they end, whatever they call.
//!
//! Each kind runs in a child of its own, for a loop that does not end cannot be stopped.

mod common;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use common::*;
use marmot::Pool;
use marmot::context::{self, Context};
use marmot::sync::{Condvar, Mutex, Once, OnceLock, RwLock, Semaphore, WaitGroup, chan, singleflight};

/// How long the flag takes to be set: longer than a loop can take by chance.
const WHILE: Duration = Duration::from_millis(5);

type Kind = (&'static str, fn(&dyn Fn() -> bool));

/// Bodies of loops, each of which is to be repeated until its argument says that it is over.
const KINDS: &[Kind] = &[
    ("Mutex::lock", |over| {
        let lock = Mutex::new(());
        while !over() {
            drop(lock.lock());
        }
    }),
    ("Mutex::try_lock", |over| {
        let lock = Mutex::new(());
        let _held = lock.lock();
        while !over() {
            assert!(lock.try_lock().is_err());
        }
    }),
    ("Mutex::lock_or_cancelled", |over| {
        let lock = Mutex::new(());
        while !over() {
            drop(lock.lock_or_cancelled());
        }
    }),
    ("Mutex::try_lock_for", |over| {
        let lock = Mutex::new(());
        while !over() {
            drop(lock.try_lock_for(LIMIT));
        }
    }),
    ("Mutex::is_poisoned", |over| {
        let lock = Mutex::new(());
        while !over() {
            assert!(!lock.is_poisoned());
        }
    }),
    ("RwLock::read", |over| {
        let lock = RwLock::new(());
        while !over() {
            drop(lock.read());
        }
    }),
    ("RwLock::write", |over| {
        let lock = RwLock::new(());
        while !over() {
            drop(lock.write());
        }
    }),
    ("RwLock::try_read", |over| {
        let lock = RwLock::new(());
        while !over() {
            drop(lock.try_read());
        }
    }),
    ("RwLock::try_write", |over| {
        let lock = RwLock::new(());
        while !over() {
            drop(lock.try_write());
        }
    }),
    ("Semaphore::acquire", |over| {
        let permits = Semaphore::new(1);
        while !over() {
            drop(permits.acquire());
        }
    }),
    ("Semaphore::try_acquire", |over| {
        let permits = Semaphore::new(0);
        while !over() {
            assert!(permits.try_acquire().is_none());
        }
    }),
    ("Semaphore::available_permits", |over| {
        let permits = Semaphore::new(0);
        while !over() {
            assert_eq!(permits.available_permits(), 0);
        }
    }),
    ("JoinHandle::is_finished", |over| {
        let other = marmot::go(|| marmot::sleep(LIMIT));
        while !over() {
            assert!(!other.is_finished());
        }
    }),
    ("Goroutine::wait_reason", |over| {
        let other = marmot::go(|| marmot::sleep(LIMIT));
        while !over() {
            let _ = other.goroutine().wait_reason();
        }
    }),
    ("go", |over| {
        while !over() {
            marmot::go(|| ());
        }
    }),
    ("go_local", |over| {
        while !over() {
            marmot::go_local(|| ());
        }
    }),
    ("scope", |over| {
        while !over() {
            marmot::scope(|_| ());
        }
    }),
    ("scope with a goroutine that nobody joins", |over| {
        marmot::scope(|s| {
            while !over() {
                s.go(|| ());
            }
        });
    }),
    ("context::check", |over| {
        while !over() {
            assert!(context::check().is_ok());
        }
    }),
    ("Context::err", |over| {
        let (ctx, _cancel) = Context::background().with_cancel();
        while !over() {
            assert!(ctx.err().is_none());
        }
    }),
    ("TcpStream::wait_readable", |over| {
        let (near, mut far) = pair();
        far.write_all(b"x").unwrap();
        while !over() {
            near.wait_readable().unwrap();
        }
    }),
    ("TcpStream::peek", |over| {
        let (near, mut far) = pair();
        far.write_all(b"x").unwrap();
        while !over() {
            assert_eq!(near.peek(&mut [0; 8]).unwrap(), 1);
        }
    }),
    ("unpark", |over| {
        let other = marmot::go(marmot::park);
        while !over() {
            other.goroutine().unpark();
        }
    }),
    ("park with a token", |over| {
        let own = marmot::current();
        while !over() {
            own.unpark();
            marmot::park();
        }
    }),
    ("park_timeout with a token", |over| {
        let own = marmot::current();
        while !over() {
            own.unpark();
            marmot::park_timeout(LIMIT);
        }
    }),
    ("WaitGroup::wait", |over| {
        let group = WaitGroup::new();
        while !over() {
            group.wait().unwrap();
        }
    }),
    ("WaitGroup::count", |over| {
        let group = WaitGroup::new();
        group.add(1);
        while !over() {
            assert_eq!(group.count(), 1);
        }
    }),
    ("OnceLock::get", |over| {
        let value = OnceLock::<u8>::new();
        while !over() {
            assert!(value.get().is_none());
        }
    }),
    ("Once::is_completed", |over| {
        let once = Once::new();
        while !over() {
            assert!(!once.is_completed());
        }
    }),
    ("Condvar::notify_one", |over| {
        let condition = Condvar::new();
        while !over() {
            condition.notify_one();
        }
    }),
    ("Condvar::notify_all", |over| {
        let condition = Condvar::new();
        while !over() {
            condition.notify_all();
        }
    }),
    ("singleflight", |over| {
        let calls = singleflight::Group::<u8, u8>::new();
        while !over() {
            assert_eq!(calls.run(&1, || 2).unwrap().0, 2);
        }
    }),
    ("Pool::get", |over| {
        let pool = Pool::<Vec<u8>>::new(Vec::new);
        while !over() {
            drop(pool.get());
        }
    }),
    ("a channel's is_empty", |over| {
        let (_sender, receiver) = chan::bounded::<u8>(1);
        while !over() {
            assert!(receiver.is_empty());
        }
    }),
    ("a channel's try_recv", |over| {
        let (_sender, receiver) = chan::bounded::<u8>(1);
        while !over() {
            assert!(receiver.try_recv().is_err());
        }
    }),
    ("select with default", |over| {
        let (_sender, receiver) = chan::bounded::<u8>(1);
        while !over() {
            marmot::select! {
                recv(receiver) -> _ => unreachable!("nobody sends"),
                default => {}
            }
        }
    }),
    ("a linked buffer's len", |over| {
        let (_producer, consumer) = marmot::buf::linked::Options::new().build::<marmot::Goroutines>();
        while !over() {
            assert_eq!(consumer.len(), 0);
        }
    }),
    ("a sleep that is over", |over| {
        while !over() {
            marmot::sleep(Duration::ZERO);
        }
    }),
];

/// Runs a loop, and a goroutine of the same M that has started, and ends it.
fn ends(body: fn(&dyn Fn() -> bool)) {
    let flag = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&flag);
    let other = marmot::go_local(move || {
        marmot::sleep(WHILE);
        theirs.store(true, Relaxed);
    });
    // It has started and sleeps.
    while other.goroutine().wait_reason().is_none() {
        marmot::yield_now();
    }
    body(&|| flag.load(Relaxed));
    other.join().unwrap();
}

#[test]
fn every_loop_lets_others_run() {
    for procs in ["1", "2", "8"] {
        let now = Arc::new(AtomicUsize::new(0));
        let outcome = in_child_with(
            "every_loop_lets_others_run",
            |command| command.env("MARMOT_MAXPROCS", procs),
            move || {
                let at = Arc::clone(&now);
                // What does not end is named before the child is given up.
                std::thread::spawn(move || {
                    let (_never, silent) = std::sync::mpsc::channel::<()>();
                    let _ = silent.recv_timeout(LIMIT * 3 / 4);
                    let kind = at.load(Relaxed);
                    eprintln!("a loop over {} has kept its M to itself", KINDS[kind].0);
                    std::process::abort();
                });
                marmot::go(move || {
                    for (number, (_, body)) in KINDS.iter().enumerate() {
                        now.store(number, Relaxed);
                        ends(*body);
                    }
                })
                .join()
                .unwrap();
            },
        );
        outcome.assert_success();
    }
}

/// Those that make goroutines in a loop make as many as run.
#[test]
fn goroutines_that_spawn_do_not_queue_more_and_more() {
    for procs in [1, 2] {
        with_procs(procs, || {
            let (made, ran) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let most = AtomicUsize::new(0);
            marmot::scope(|s| {
                for _ in 0..2 {
                    s.go(|| {
                        marmot::scope(|inner| {
                            for _ in 0..20_000 {
                                let waiting = made.fetch_add(1, Relaxed) + 1 - ran.load(Relaxed);
                                most.fetch_max(waiting, Relaxed);
                                inner.go(|| ran.fetch_add(1, Relaxed));
                            }
                        });
                    });
                }
            });
            assert_eq!(ran.load(Relaxed), 40_000);
            // A ring for each P, and what is on its way.
            assert!(most.load(Relaxed) < 2_000, "{} had been made and had not run", most.load(Relaxed));
        });
    }
}
