//! Nobody starves: of a hundred goroutines and four plain threads that all want the same thing all the time, the one who gets it
//! least often gets it at least a tenth as often as the mean.
//!
//! Each test takes a second, or as many as `MARMOT_STARVATION_SECONDS` says.

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::time::{Duration, Instant};
use std::{env, thread};

use common::{alone, runtime, until};
use marmot::sync::chan;
use marmot::sync::{Mutex, RwLock, Semaphore};
use marmot::{Runtime, WaitReason};

const GOROUTINES: usize = 100;
const THREADS: usize = 4;
/// So many times, at least, one is served on average: fewer would say nothing.
const FEW: f64 = 20.0;

/// How long they compete.
fn span() -> Duration {
    let seconds = env::var("MARMOT_STARVATION_SECONDS").ok().map(|text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds.unwrap_or(1))
}

/// Those who want the same, and until when.
struct Contest {
    rt: Runtime,
    is_over: Arc<AtomicBool>,
    /// Nobody begins before this is dropped.
    gate: chan::Sender<()>,
    begun: chan::Receiver<()>,
    goroutines: Vec<marmot::JoinHandle<u64>>,
    threads: Vec<thread::JoinHandle<u64>>,
}

impl Contest {
    fn new(procs: usize) -> Contest {
        let (is_over, (gate, begun)) = (Arc::new(AtomicBool::new(false)), chan::rendezvous());
        Contest { rt: runtime(procs), is_over, gate, begun, goroutines: Vec::new(), threads: Vec::new() }
    }

    /// Lets so many more goroutines and threads call what `make` makes, until it is over or it says that nothing comes any more.
    fn join<F: FnMut() -> bool + Send + 'static>(&mut self, goroutines: usize, threads: usize, make: impl Fn() -> F) {
        let competitor = || {
            let (mut serve, is_over, begun) = (make(), Arc::clone(&self.is_over), self.begun.clone());
            move || {
                let mut served = 0;
                assert!(begun.recv().is_err());
                while !is_over.load(Acquire) && serve() {
                    served += 1;
                }
                served
            }
        };
        let goroutines: Vec<_> = (0..goroutines).map(|_| self.rt.go(competitor())).collect();
        let threads: Vec<_> = (0..threads).map(|_| thread::spawn(competitor())).collect();
        self.goroutines.extend(goroutines);
        self.threads.extend(threads);
    }

    /// Lets them compete for a while; how often each was served, goroutines first.
    fn run(self) -> Vec<u64> {
        let nobody = self.rt.go(|| ());
        self.run_beside(nobody, span())
    }

    /// The same, with another who serves them and ends when they have gone.
    fn run_beside(self, other: marmot::JoinHandle<()>, span: Duration) -> Vec<u64> {
        let Contest { rt, is_over, gate, begun, goroutines, threads } = self;
        // All of them are there: whoever starts before the others would have it all alone for a while.
        until(|| goroutines.iter().all(|one| one.goroutine().wait_reason() == Some(WaitReason::Receive)));
        drop((gate, begun));
        let begun = Instant::now();
        while let Some(left) = span.checked_sub(begun.elapsed()) {
            thread::park_timeout(left);
        }
        is_over.store(true, Release);
        let served = goroutines.into_iter().map(|one| one.join().unwrap());
        let served = served.chain(threads.into_iter().map(|one| one.join().unwrap())).collect();
        other.join().unwrap();
        rt.shutdown(common::LIMIT).unwrap();
        served
    }
}

/// Nobody got much less than the mean.
#[track_caller]
fn assert_fair(what: &str, served: &[u64]) {
    let mean = served.iter().sum::<u64>() as f64 / served.len() as f64;
    let least = *served.iter().min().unwrap() as f64;
    println!("{what}: the least served {least} times, the mean {mean:.0}, the most {}", served.iter().max().unwrap());
    assert!(mean >= FEW, "{what}: served {mean:.1} times on average");
    assert!(least >= mean / 10.0, "{what}: {least} is less than a tenth of the mean, {mean:.1}: {served:?}");
}

/// What one does with what it has got.
fn work(number: &mut u64) {
    for _ in 0..20 {
        *number = black_box(number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31));
    }
}

#[test]
fn at_a_mutex() {
    let _alone = alone();
    let mut contest = Contest::new(2);
    let lock = Arc::new(Mutex::new(0));
    contest.join(GOROUTINES, THREADS, || {
        let lock = Arc::clone(&lock);
        move || {
            work(&mut lock.lock().unwrap());
            true
        }
    });
    assert_fair("mutex", &contest.run());
}

#[test]
fn at_a_read_write_lock() {
    let _alone = alone();
    let mut contest = Contest::new(2);
    let lock = Arc::new(RwLock::new(0));
    // A writer excludes all others, so what is fair for readers is not what is fair for writers.
    contest.join(GOROUTINES / 2, THREADS / 2, || {
        let lock = Arc::clone(&lock);
        move || {
            work(&mut { *lock.read().unwrap() });
            // Readers do not wait for each other; without this, each would read for a whole turn of its M, be a writer's turn or not.
            marmot::yield_now();
            true
        }
    });
    contest.join(GOROUTINES / 2, THREADS / 2, || {
        let lock = Arc::clone(&lock);
        move || {
            work(&mut lock.write().unwrap());
            true
        }
    });
    let (readers, writers) = halves(&contest.run());
    // What readers get of the cores is all that they compete for, and threads get that from the system.
    let (goroutines, threads) = readers.split_at(GOROUTINES / 2);
    assert_fair("rwlock, reading goroutines", goroutines);
    assert_fair("rwlock, reading threads", threads);
    assert_fair("rwlock, writers", &writers);
}

/// Those of the first half of the goroutines and of the threads, and the others.
fn halves(served: &[u64]) -> (Vec<u64>, Vec<u64>) {
    let (goroutines, threads) = served.split_at(GOROUTINES);
    let (first, second) = (goroutines.split_at(GOROUTINES / 2), threads.split_at(THREADS / 2));
    ([first.0, second.0].concat(), [first.1, second.1].concat())
}

#[test]
fn at_a_semaphore() {
    let _alone = alone();
    let mut contest = Contest::new(2);
    let semaphore = Arc::new(Semaphore::new(3));
    contest.join(GOROUTINES, THREADS, || {
        let (semaphore, mut number) = (Arc::clone(&semaphore), 0);
        move || {
            number += 1;
            // Who wants more waits longer, and is not passed by who wants less.
            let _permits = semaphore.acquire_many(1 + number as usize % 3).unwrap();
            work(&mut { number });
            true
        }
    });
    assert_fair("semaphore", &contest.run());
}

/// All receive from one who sends, and then all send to one who receives: so there is always somebody who waits.
#[test]
fn at_a_channel() {
    let _alone = alone();
    for capacity in [0, 16] {
        let mut contest = Contest::new(2);
        let (sender, receiver) = chan::bounded::<u64>(capacity);
        let sending = contest.rt.go(move || while sender.send(1).is_ok() {});
        contest.join(GOROUTINES, THREADS, || {
            let receiver = receiver.clone();
            move || receiver.recv().is_ok()
        });
        drop(receiver);
        assert_fair("channel, receivers", &contest.run_beside(sending, span() / 4));

        let mut contest = Contest::new(2);
        let (sender, receiver) = chan::bounded::<u64>(capacity);
        let receiving = contest.rt.go(move || receiver.iter().for_each(drop));
        contest.join(GOROUTINES, THREADS, || {
            let sender = sender.clone();
            move || sender.send(1).is_ok()
        });
        drop(sender);
        assert_fair("channel, senders", &contest.run_beside(receiving, span() / 4));
    }
}
