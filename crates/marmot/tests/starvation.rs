//! Nobody starves: of a hundred goroutines and four plain threads that all want the same thing all the time, the one who gets it
//! least often gets it at least a tenth as often as the mean; of a read-write lock, as most.
//!
//! Each test takes a second, or as many as `MARMOT_STARVATION_SECONDS` says.

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::{Duration, Instant};
use std::{env, thread};

use common::{LIMIT, alone, runtime, until};
use marmot::sync::chan;
use marmot::sync::{Mutex, RwLock, Semaphore};
use marmot::{Runtime, WaitReason};

const GOROUTINES: usize = 100;
const THREADS: usize = 4;
/// So many times, at least, one is served on average: fewer would say nothing.
const FEW: u64 = 20;

/// How long they compete.
fn span() -> Duration {
    let seconds = env::var("MARMOT_STARVATION_SECONDS").ok().map(|text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds.unwrap_or(1))
}

/// How often one was served.
type Count = Arc<AtomicU64>;

/// Those who want the same, and until when.
struct Contest {
    rt: Runtime,
    is_over: Arc<AtomicBool>,
    /// Nobody begins before this is dropped.
    gate: chan::Sender<()>,
    begun: chan::Receiver<()>,
    goroutines: Vec<(Count, marmot::JoinHandle<()>)>,
    threads: Vec<(Count, thread::JoinHandle<()>)>,
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
            let count = Count::default();
            let theirs = Arc::clone(&count);
            let compete = move || {
                assert!(begun.recv().is_err());
                while !is_over.load(Acquire) && serve() {
                    theirs.fetch_add(1, Relaxed);
                }
            };
            (count, compete)
        };
        let goroutines: Vec<_> = (0..goroutines)
            .map(|_| {
                let (count, compete) = competitor();
                (count, self.rt.go(compete))
            })
            .collect();
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                let (count, compete) = competitor();
                (count, thread::spawn(compete))
            })
            .collect();
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
        until(|| goroutines.iter().all(|(_, one)| one.goroutine().wait_reason() == Some(WaitReason::Receive)));
        drop((gate, begun));
        let begun = Instant::now();
        while let Some(left) = span.checked_sub(begun.elapsed()) {
            thread::park_timeout(left);
        }
        // What watches memory or races makes all of it slow.
        until(|| {
            let mut few = goroutines.iter().map(|(count, _)| count.load(Relaxed)).filter(|count| *count < FEW);
            few.next().is_none() || begun.elapsed() > LIMIT / 4
        });
        is_over.store(true, Release);
        let (mut served, handles): (Vec<Count>, Vec<_>) = goroutines.into_iter().unzip();
        handles.into_iter().for_each(|one| one.join().unwrap());
        let (counts, handles): (Vec<Count>, Vec<_>) = threads.into_iter().unzip();
        handles.into_iter().for_each(|one: thread::JoinHandle<()>| one.join().unwrap());
        served.extend(counts);
        let served = served.iter().map(|count| count.load(Relaxed)).collect();
        other.join().unwrap();
        rt.shutdown(LIMIT).unwrap();
        served
    }
}

/// Nobody got much less than the mean.
#[track_caller]
fn assert_fair(what: &str, served: &[u64]) {
    let mean = served.iter().sum::<u64>() as f64 / served.len() as f64;
    let least = *served.iter().min().unwrap() as f64;
    println!("{what}: the least served {least} times, the mean {mean:.0}, the most {}", served.iter().max().unwrap());
    assert!(mean >= FEW as f64, "{what}: served {mean:.1} times on average");
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
    for (procs, threads) in [(2, THREADS), (1, THREADS), (1, 0)] {
        let mut contest = Contest::new(procs);
        let lock = Arc::new(Mutex::new(0));
        contest.join(GOROUTINES, threads, || {
            let (lock, mut turns) = (Arc::clone(&lock), 0u32);
            move || {
                turns = turns.wrapping_add(1);
                let mut number = lock.lock().unwrap();
                work(&mut number);
                // Alone on its M, one that never waits would keep that, as one that computes does.
                if procs == 1 && turns.is_multiple_of(64) {
                    marmot::yield_now();
                }
                true
            }
        });
        assert_fair("mutex", &contest.run());
    }
}

/// Those who read exclude nobody who reads, and a thread needs no M to go on. So how often one is served is compared with its like,
/// and nobody is left out.
#[test]
fn at_a_read_write_lock() {
    const READERS: usize = GOROUTINES / 2;
    const READING: usize = THREADS / 2;

    let _alone = alone();
    let mut contest = Contest::new(2);
    let lock = Arc::new(RwLock::new(0));
    contest.join(READERS, 0, || {
        let lock = Arc::clone(&lock);
        move || {
            work(&mut { *lock.read().unwrap() });
            // Without this, each would read for a whole turn of its M, be a writer's turn or not.
            marmot::yield_now();
            true
        }
    });
    contest.join(0, READING, || {
        let lock = Arc::clone(&lock);
        move || {
            work(&mut { *lock.read().unwrap() });
            true
        }
    });
    contest.join(GOROUTINES - READERS, THREADS - READING, || {
        let lock = Arc::clone(&lock);
        move || {
            work(&mut lock.write().unwrap());
            true
        }
    });
    let served = contest.run();
    let (goroutines, threads) = served.split_at(GOROUTINES);
    assert_fair("rwlock, goroutines that read", &goroutines[..READERS]);
    assert_fair("rwlock, threads that read", &threads[..READING]);
    assert_fair("rwlock, goroutines that write", &goroutines[READERS..]);
    assert_fair("rwlock, threads that write", &threads[READING..]);
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
