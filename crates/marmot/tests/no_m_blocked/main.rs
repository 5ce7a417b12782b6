//! No call that waits blocks the M: on one P, beside goroutines that wait in it, another one goes on ticking.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../cancel_all/connections.rs"]
mod connections;
#[path = "../cancel_all/kinds.rs"]
mod kinds;
#[path = "../cancel_all/locks.rs"]
mod locks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use common::{LIMIT, bounded, ms, runtime, until};
use kinds::{Holder, Kind};
use marmot::context::Context;
use marmot::sync::{Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, chan};
use marmot::{JoinHandle, Runtime, WaitReason};

/// So many ticks have to come while a call waits.
const TICKS: u64 = 5;

/// One P, on which somebody ticks every millisecond.
struct Ticking {
    rt: Runtime,
    ticks: Arc<AtomicU64>,
    is_over: chan::Sender<()>,
}

impl Ticking {
    fn new() -> Ticking {
        let rt = runtime(1);
        let (ticks, (is_over, over)) = (Arc::new(AtomicU64::new(0)), chan::rendezvous::<()>());
        let counted = Arc::clone(&ticks);
        rt.go(move || {
            while over.try_recv() != Err(chan::TryRecvError::Disconnected) {
                counted.fetch_add(1, Relaxed);
                marmot::sleep(ms(1));
            }
        });
        Ticking { rt, ticks, is_over }
    }

    /// Sees from outside that the ticks go on while those wait.
    #[track_caller]
    fn beside<T>(&self, name: &str, waiting: &[JoinHandle<T>]) {
        let goes_on = |ticks: u64| {
            let begun = std::time::Instant::now();
            let before = self.ticks.load(Relaxed);
            while self.ticks.load(Relaxed) < before + ticks {
                assert!(begun.elapsed() < LIMIT / 2, "nothing goes on beside {name}");
                std::thread::park_timeout(ms(1));
            }
        };
        until(|| {
            goes_on(1);
            waiting.iter().all(|one| one.goroutine().wait_reason().is_some())
        });
        goes_on(TICKS);
        for one in waiting {
            assert!(one.goroutine().wait_reason().is_some(), "{name} has not waited");
        }
    }

    fn end(self) {
        drop(self.is_over);
        self.rt.shutdown(LIMIT).unwrap();
    }
}

/// What hears of the end of its context is ended by that.
#[test]
fn beside_calls_that_can_be_cancelled() {
    bounded(|| {
        let ticking = Ticking::new();
        // A few of each kind, because of several forms.
        for kind in ticking.rt.run(|| kinds::each(4)) {
            let Kind { name, calls, after } = kind;
            let (ctx, cancel) = Context::background().with_cancel();
            let waiting: Vec<_> = calls
                .into_iter()
                .map(|call| {
                    let ctx = ctx.clone();
                    ticking.rt.go(move || ctx.run(call))
                })
                .collect();
            ticking.beside(name, &waiting);
            cancel.cancel();
            waiting.into_iter().for_each(|one| one.join().unwrap().unwrap());
            ticking.rt.run(after);
        }
        ticking.end();
    });
}

/// A call, and what ends it.
type Pair = (Box<dyn FnOnce() + Send>, Box<dyn FnOnce() + Send>);

/// How both are made, in a goroutine.
type Named = (&'static str, fn() -> Pair);

fn pair(call: impl FnOnce() + Send + 'static, end: impl FnOnce() + Send + 'static) -> Pair {
    (Box::new(call), Box::new(end))
}

/// A call that waits for somebody who `hold`s what two share.
fn held<T: Send + Sync + 'static>(
    shared: T,
    hold: impl FnOnce(&T, &dyn Fn()) + Send + 'static,
    call: impl FnOnce(&T) + Send + 'static,
) -> Pair {
    let shared = Arc::new(shared);
    let theirs = Arc::clone(&shared);
    let holder = Holder::new(move |wait| hold(&theirs, wait));
    pair(move || call(&shared), move || holder.end())
}

/// What has `std`'s signatures waits until it has what it waits for.
#[test]
fn beside_calls_that_cannot_be_cancelled() {
    type Lazy = LazyLock<u32, Box<dyn FnOnce() -> u32 + Send>>;

    let all: [Named; 16] = [
        ("Mutex::lock", || {
            held(Mutex::new(0), |lock, wait| (lock.lock().unwrap(), wait()).1, |lock| drop(lock.lock().unwrap()))
        }),
        ("Mutex::try_lock_for", || {
            let call = |lock: &Mutex<_>| drop(lock.try_lock_for(LIMIT).unwrap());
            held(Mutex::new(0), |lock, wait| (lock.lock().unwrap(), wait()).1, call)
        }),
        ("RwLock::read", || {
            held(RwLock::new(0), |lock, wait| (lock.write().unwrap(), wait()).1, |lock| drop(lock.read().unwrap()))
        }),
        ("RwLock::write", || {
            held(RwLock::new(0), |lock, wait| (lock.read().unwrap(), wait()).1, |lock| drop(lock.write().unwrap()))
        }),
        ("Condvar::wait", || condition(|changed, number| drop(changed.wait(number).unwrap()))),
        ("Condvar::wait_while", || {
            condition(|changed, number| drop(changed.wait_while(number, |number| *number == 0).unwrap()))
        }),
        ("Condvar::wait_timeout", || condition(|changed, number| drop(changed.wait_timeout(number, LIMIT).unwrap()))),
        ("Barrier::wait", || {
            let barrier = Arc::new(Barrier::new(2));
            let theirs = Arc::clone(&barrier);
            pair(move || _ = barrier.wait(), move || _ = theirs.wait())
        }),
        ("Once::call_once", || {
            held(Once::new(), |once, wait| once.call_once(wait), |once| once.call_once(|| unreachable!()))
        }),
        ("Once::wait", || held(Once::new(), |once, wait| once.call_once(wait), Once::wait)),
        ("OnceLock::get_or_init", || {
            let hold = |cell: &OnceLock<()>, wait: &dyn Fn()| *cell.get_or_init(wait);
            held(OnceLock::new(), hold, |cell| *cell.get_or_init(|| unreachable!()))
        }),
        ("LazyLock", || {
            let (tell, told) = chan::rendezvous::<()>();
            let lazy: Arc<Lazy> = Arc::new(LazyLock::new(Box::new(move || u32::from(told.recv().is_ok()))));
            let theirs = Arc::clone(&lazy);
            let first = marmot::go(move || **theirs);
            until(|| first.goroutine().wait_reason() == Some(WaitReason::Receive));
            pair(move || assert_eq!(**lazy, 0), move || drop(tell))
        }),
        ("the end of a scope", || {
            let (tell, told) = chan::rendezvous::<()>();
            pair(move || marmot::scope(|s| drop(s.go(|| told.recv()))), move || drop(tell))
        }),
        ("ScopedJoinHandle::join", || {
            let (tell, told) = chan::rendezvous::<()>();
            pair(move || marmot::scope(|s| drop(s.go(|| told.recv()).join())), move || drop(tell))
        }),
        ("the end of a group", || {
            let (tell, told) = chan::rendezvous::<()>();
            let group = move || {
                let result = marmot::group(|g| {
                    g.go(|| told.recv());
                    Ok(())
                });
                assert_eq!(result, Err(chan::RecvError::Disconnected));
            };
            pair(group, move || drop(tell))
        }),
        ("blocking", || {
            let (tell, told) = std::sync::mpsc::channel::<()>();
            pair(move || assert!(marmot::blocking(move || told.recv()).is_err()), move || drop(tell))
        }),
    ];
    bounded(move || {
        let ticking = Ticking::new();
        for (name, make) in all {
            let (call, end) = ticking.rt.run(make);
            let waiting = [ticking.rt.go(call)];
            ticking.beside(name, &waiting);
            ticking.rt.run(end);
            waiting.into_iter().for_each(|one| one.join().unwrap());
        }
        ticking.end();
    });
}

/// A wait at a condition variable, until somebody changes the number.
fn condition(wait: impl FnOnce(&Condvar, marmot::sync::MutexGuard<'_, u32>) + Send + 'static) -> Pair {
    let condition = Arc::new((Mutex::new(0), Condvar::new()));
    let theirs = Arc::clone(&condition);
    let call = move || wait(&condition.1, condition.0.lock().unwrap());
    pair(call, move || {
        *theirs.0.lock().unwrap() = 1;
        theirs.1.notify_all();
    })
}

/// Files that block are the business of `blocking`; a sleep that is over is no wait.
#[test]
fn beside_short_sleeps() {
    bounded(|| {
        let ticking = Ticking::new();
        let sleeper = ticking.rt.go(|| (0..50).for_each(|_| marmot::sleep(Duration::from_micros(500))));
        let before = ticking.ticks.load(Relaxed);
        sleeper.join().unwrap();
        assert!(ticking.ticks.load(Relaxed) > before);
        ticking.end();
    });
}
