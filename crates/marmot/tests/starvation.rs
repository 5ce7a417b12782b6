//! Nobody starves: of a hundred goroutines and four plain threads that all want the same thing all the time, the one that gets it
//! least often gets it at least a tenth as often as the mean does.
//!
//! That is promised to those that wait, so turns count only while all of them compete. At first they do not: one that comes before the
//! others, which its M or the machine has yet to run, has the lock to itself, and takes some ten thousand turns meanwhile.
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
        until(|| goroutines.iter().all(|(_, one)| one.goroutine().wait_reason() == Some(WaitReason::Receive)));
        drop((gate, begun));
        let (mut counts, goroutines): (Vec<Count>, Vec<_>) = goroutines.into_iter().unzip();
        let (more, threads): (Vec<Count>, Vec<_>) = threads.into_iter().unzip();
        counts.extend(more);
        let counted = || counts.iter().map(|count| count.load(Relaxed)).collect::<Vec<_>>();
        // Whoever has had a turn wants the next one at once: from here on all compete.
        until(|| counted().iter().all(|count| *count > 0));
        let (before, begun) = (counted(), Instant::now());
        let since = || counted().iter().zip(&before).map(|(now, before)| now - before).collect::<Vec<_>>();
        while let Some(left) = span.checked_sub(begun.elapsed()) {
            thread::park_timeout(left);
        }
        // On a machine that is busy, or watches memory or races, all of it is slow.
        until(|| since().iter().all(|count| *count >= FEW) || begun.elapsed() > span + LIMIT / 4);
        let served = since();
        is_over.store(true, Release);
        goroutines.into_iter().for_each(|one| one.join().unwrap());
        threads.into_iter().for_each(|one| one.join().unwrap());
        other.join().unwrap();
        rt.shutdown(LIMIT).unwrap();
        served
    }
}

/// Nobody got much less than the mean.
#[track_caller]
fn assert_fair(what: &str, served: &[u64]) {
    assert_as_often(what, served, mean(served));
}

/// Nobody got much less than `mean`.
#[track_caller]
fn assert_as_often(what: &str, served: &[u64], mean: f64) {
    let (least, most) = (*served.iter().min().unwrap() as f64, *served.iter().max().unwrap());
    println!("{what}: the least served {least} times, beside a mean of {mean:.0}, the most {most}");
    assert!(mean >= FEW as f64, "{what}: served {mean:.1} times on average");
    assert!(least >= mean / 10.0, "{what}: {least} is less than a tenth of the mean, {mean:.1}: {served:?}");
}

fn mean(served: &[u64]) -> f64 {
    served.iter().sum::<u64>() as f64 / served.len() as f64
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

/// Those that write exclude each other, so they are compared. One that reads excludes no other, and reads as often as its M or its
/// core lets it; it waits for one that writes at most, so it is served as often as those are.
#[test]
fn at_a_read_write_lock() {
    const READERS: usize = GOROUTINES / 2;
    const READING: usize = THREADS / 2;

    let _alone = alone();
    for procs in [1, 2, 8] {
        let mut contest = Contest::new(procs);
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
        // Goroutines are counted first.
        let served = contest.run();
        let (goroutines, threads) = served.split_at(GOROUTINES);
        let writers = [&goroutines[READERS..], &threads[READING..]].concat();
        assert_fair("rwlock, those that write", &writers);
        assert_as_often("rwlock, goroutines that read", &goroutines[..READERS], mean(&writers));
        assert_as_often("rwlock, threads that read", &threads[..READING], mean(&writers));
    }
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

/// All receive from one that sends, and then all send to one that receives: so there is always somebody who waits.
///
/// One that was given its message excludes nobody while it waits for its M to run it, as it does where the machine is busy. So what counts is
/// how many messages go to others while one waits.
#[test]
fn at_a_channel() {
    let _alone = alone();
    for capacity in [0, 16] {
        let mut contest = Contest::new(2);
        let (sender, receiver) = chan::bounded::<u64>(capacity);
        let passed = Arc::new(AtomicU64::new(0));
        let sent = Arc::clone(&passed);
        let sending = contest.rt.go(move || while sender.send(sent.fetch_add(1, Relaxed)).is_ok() {});
        contest.join(GOROUTINES, THREADS, || {
            let (receiver, passed, mut turns) = (receiver.clone(), Arc::clone(&passed), Turns::default());
            move || {
                let before = passed.load(Relaxed);
                receiver.recv().is_ok_and(|number| turns.count(number.saturating_sub(before), capacity))
            }
        });
        drop(receiver);
        assert_nobody_is_left_out("channel, receivers", &contest.run_beside(sending, span() / 4));

        let mut contest = Contest::new(2);
        let (sender, receiver) = chan::bounded::<(u64, chan::Sender<u64>)>(capacity);
        let passed = Arc::new(AtomicU64::new(0));
        let received = Arc::clone(&passed);
        let receiving = contest.rt.go(move || {
            for (before, tell) in &receiver {
                // It has gone, or has room for it.
                let _told = tell.try_send(received.fetch_add(1, Relaxed) - before);
            }
        });
        contest.join(GOROUTINES, THREADS, || {
            let (sender, passed, mut turns) = (sender.clone(), Arc::clone(&passed), Turns::default());
            let (tell, told) = chan::unbounded();
            move || {
                let sent = sender.send((passed.load(Relaxed), tell.clone())).is_ok();
                sent && told.try_iter().all(|between| turns.count(between, capacity))
            }
        });
        drop(sender);
        assert_nobody_is_left_out("channel, senders", &contest.run_beside(receiving, span() / 4));
    }
}

/// How often one has waited for its turn.
#[derive(Default)]
struct Turns {
    all: u64,
    /// Others have overtaken it.
    late: u64,
}

impl Turns {
    /// Notes a turn, with the number of messages of others since it was wanted. Always true.
    fn count(&mut self, between: u64, capacity: usize) -> bool {
        self.all += 1;
        // It may have been interrupted before it came into the list, and so once in a while there are many.
        self.late += u64::from(between > 2 * (GOROUTINES + THREADS + capacity) as u64);
        let Turns { all, late } = *self;
        assert!(late <= FEW + all / 2, "overtaken in {late} of {all} turns");
        true
    }
}

#[track_caller]
fn assert_nobody_is_left_out(what: &str, served: &[u64]) {
    println!(
        "{what}: the least served {} times, the most {}",
        served.iter().min().unwrap(),
        served.iter().max().unwrap()
    );
    assert!(served.iter().all(|count| *count >= FEW), "{what}: {served:?}");
}
