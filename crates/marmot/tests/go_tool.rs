//! What `go tool pprof -top -lines` says of programs of which is known what they do: the right lines, and within 5 % the true
//! values. The tests need Go, and those of times an idle machine, so they are run by name.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![allow(clippy::vec_box, reason = "each piece is to be an allocation of its own")]

mod common;
#[path = "../../marmot-pprof/tests/common/mod.rs"]
mod tool;

use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use common::{listener, ms, until, with_procs};
use marmot::net::TcpStream;
use marmot::pprof::{self, alloc};
use marmot::sync::Mutex;
use marmot::{JoinHandle, WaitReason};
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static ALLOCATOR: alloc::Allocator = alloc::Allocator::new();

/// How far from the truth a value may be.
const TOLERANCE: f64 = 0.05;

/// A function that does something in one line, and which line that is.
type Site = (&'static str, u32);

/// A function whose body is in one line, and a constant that says which line that is. What follows the body keeps its last call
/// from taking over the frame, and the linker from making one function of two that are alike.
macro_rules! site {
    ($site:ident = fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? { $($body:tt)* }) => {
        const $site: Site = (stringify!($name), line!());

        #[inline(never)]
        fn $name($($argument: $type),*) $(-> $result)? {
            let result = { $($body)* };
            black_box(line!());
            result
        }
    };
}

/// The tool's table of a profile, with the values of a type, in a unit.
struct Top {
    text: String,
    unit: &'static str,
}

impl Top {
    /// None if there is no tool.
    fn of(file: &Path, kind: &str, unit: &'static str, more: &[&str]) -> Option<Top> {
        let (index, unit_argument) = (format!("-sample_index={kind}"), format!("-unit={unit}"));
        let mut arguments = vec!["-top", "-lines", "-nodecount=100000", "-nodefraction=0", "-edgefraction=0"];
        arguments.extend([&*index, &*unit_argument]);
        arguments.extend(more);
        Some(Top { text: tool::pprof(file, &arguments)?, unit })
    }

    /// The values of a line, its own and with those of what it calls; none if it is not in the table.
    fn find(&self, (name, line): Site) -> Option<[f64; 2]> {
        let place = format!("tests/go_tool.rs:{line}");
        // flat flat% sum% cum cum% name file:line, where a line that was inlined says so besides.
        let is_it = |row: &&str| {
            let row = row.strip_suffix(" (inline)").unwrap_or(row);
            row.ends_with(&place) && row.contains(&format!("::{name} "))
        };
        let mut rows = self.text.lines().filter(is_it);
        let row: Vec<&str> = rows.next()?.split_whitespace().collect();
        assert!(rows.next().is_none(), "{name} has one row: {}", self.text);
        Some([row[0], row[3]].map(|value| {
            let number = value.strip_suffix(self.unit).unwrap_or(value);
            number.parse().unwrap_or_else(|_| panic!("{value} is a number of {}: {}", self.unit, self.text))
        }))
    }

    /// That the line is in the table, and innermost there, with the true value.
    #[track_caller]
    fn assert_flat(&self, site: Site, truth: f64) {
        let [flat, _] = self.find(site).unwrap_or_else(|| panic!("{site:?} has no row: {}", self.text));
        self.assert_near(site, flat, truth);
    }

    /// That the line, and what it calls, have the true value.
    #[track_caller]
    fn assert_with_calls(&self, site: Site, truth: f64) {
        let [_, all] = self.find(site).unwrap_or_else(|| panic!("{site:?} has no row: {}", self.text));
        self.assert_near(site, all, truth);
    }

    #[track_caller]
    fn assert_near(&self, site: Site, value: f64, truth: f64) {
        let error = (value - truth) / truth;
        assert!(error.abs() <= TOLERANCE, "{site:?}: {value} instead of {truth} {}: {}", self.unit, self.text);
    }
}

/// Writes a profile as a program does, into a folder of this test's own.
fn write(name: &str) -> PathBuf {
    let file = tool::folder(&format!("go_tool_{name}")).join(format!("{name}.pb.gz"));
    pprof::write(name, &file).unwrap();
    file
}

site!(SMALL = fn allocates_small() -> usize { for _ in 0..1_000_000 { black_box(Box::new([1_u8; 100])); } 100_000_000 });
site!(ZEROED = fn allocates_zeroed() -> usize { for _ in 0..30_000 { black_box(vec![0_u8; 5_000]); } 150_000_000 });
site!(LARGE = fn allocates_large() -> usize { for _ in 0..200 { black_box(Vec::<u8>::with_capacity(1 << 20)); } 200 << 20 });
site!(KEPT = fn allocates_and_keeps(kept: &mut Vec<Box<[u8; 2_000]>>) -> usize { for _ in 0..50_000 { kept.push(Box::new([1; 2_000])); } 100_000_000 });
site!(GROWN = fn grows(list: &mut Vec<u8>) -> usize { let mut sum = 0; for n in 1..=1_000 { list.reserve_exact(200); list.resize(200 * n, 1); sum += list.capacity(); } sum });

#[test]
#[ignore = "needs Go: cargo test --test go_tool -- --ignored --test-threads=1"]
fn bytes_and_objects_of_known_allocations() {
    // Before there are threads: the samples are so many that chance is far below the tolerance.
    alloc::set_rate(4096);
    with_procs(2, || {
        let drops = [(SMALL, 100, allocates_small as fn() -> usize), (ZEROED, 5_000, allocates_zeroed)];
        let drops = drops.map(|(site, size, allocates)| (site, size, marmot::go(allocates)));
        let large = marmot::go(allocates_large);
        let mut kept = Vec::with_capacity(50_000);
        let keeps = allocates_and_keeps(&mut kept);
        let grown = grows(&mut Vec::new());

        let mut truths = vec![(KEPT, keeps, 50_000), (LARGE, large.join().unwrap(), 200), (GROWN, grown, 1_000)];
        for (site, size, goroutine) in drops {
            let bytes = goroutine.join().unwrap();
            truths.push((site, bytes, bytes / size));
        }
        for name in ["heap", "allocs"] {
            let file = write(name);
            let Some(space) = Top::of(&file, "alloc_space", "B", &[]) else { return };
            let objects = Top::of(&file, "alloc_objects", "count", &[]).unwrap();
            let in_use = Top::of(&file, "inuse_space", "B", &[]).unwrap();
            for &(site, bytes, count) in &truths {
                space.assert_flat(site, bytes as f64);
                objects.assert_flat(site, count as f64);
            }
            in_use.assert_flat(KEPT, keeps as f64);
            for site in [SMALL, ZEROED, LARGE, GROWN] {
                assert_eq!(in_use.find(site), None, "all of it is freed: {}", in_use.text);
            }
        }
        drop(kept);
        let Some(in_use) = Top::of(&write("heap"), "inuse_space", "B", &[]) else { return };
        assert_eq!(in_use.find(KEPT), None, "all of it is freed: {}", in_use.text);
    });
}

site!(READS = fn waits_for_bytes(stream: &mut TcpStream) { assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0); });
site!(LOCKS = fn waits_for_a_lock(lock: &Mutex<u32>) { *lock.lock().unwrap() += 1; });
site!(PARKS = fn parks(is_over: &AtomicBool) { while !is_over.load(Relaxed) { marmot::park(); } });

#[test]
#[ignore = "needs Go: cargo test --test go_tool -- --ignored --test-threads=1"]
fn ten_thousand_goroutines_parked_in_three_places() {
    with_procs(2, || {
        let (listener, lock) = (listener(), Arc::new(Mutex::new(0)));
        let held = lock.lock().unwrap();
        let addr = listener.local_addr().unwrap();
        let mut clients = Vec::new();
        let mut parked: Vec<(WaitReason, JoinHandle<()>)> = Vec::new();
        for _ in 0..200 {
            clients.push(TcpStream::connect(addr).unwrap());
            let mut stream = listener.accept().unwrap().0;
            parked.push((WaitReason::IoRead, marmot::go(move || waits_for_bytes(&mut stream))));
        }
        for _ in 0..3_000 {
            let lock = Arc::clone(&lock);
            parked.push((WaitReason::Mutex, marmot::go(move || waits_for_a_lock(&lock))));
        }
        let is_over = Arc::new(AtomicBool::new(false));
        for _ in 0..6_800 {
            let is_over = Arc::clone(&is_over);
            parked.push((WaitReason::Parked, marmot::go(move || parks(&is_over))));
        }
        assert_eq!(parked.len(), 10_000);
        for (reason, goroutine) in &parked {
            until(|| goroutine.goroutine().wait_reason() == Some(*reason));
        }

        let top = Top::of(&write("goroutine"), "goroutine", "count", &[]);
        drop((held, clients));
        is_over.store(true, Relaxed);
        parked.iter().for_each(|(_, goroutine)| goroutine.goroutine().unpark());
        parked.into_iter().for_each(|(_, goroutine)| goroutine.join().unwrap());
        if let Some(top) = top {
            // None is missing, and none is counted twice.
            for (site, count) in [(READS, 200.0), (LOCKS, 3_000.0), (PARKS, 6_800.0)] {
                assert_eq!(top.find(site), Some([count, count]), "{}", top.text);
            }
        }
    });
}

site!(JOINS = fn waits_for_another(other: JoinHandle<()>) { other.join().unwrap(); });
site!(DELAYED = fn waits_for_a_holder(lock: &Mutex<u32>) { *lock.lock().unwrap() += 1; });

/// Makes what walks of stacks need, which the first of them would do within the time that is measured.
fn make_ready() {
    pprof::goroutine();
}

/// The time that `f` takes, in addition to that in `sum`.
fn timed(sum: &AtomicU64, f: impl FnOnce()) {
    let start = Instant::now();
    f();
    sum.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
}

#[test]
#[ignore = "needs Go, and an idle machine for its times: cargo test --test go_tool -- --ignored --test-threads=1"]
fn delays_of_goroutines_that_wait_for_others() {
    with_procs(2, || {
        make_ready();
        pprof::set_block_rate(1);
        let (joins, locks) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
        for _ in 0..10 {
            let other = marmot::go(|| marmot::sleep(ms(80)));
            timed(&joins, || waits_for_another(other));
        }
        for _ in 0..4 {
            let lock = Arc::new(Mutex::new(0));
            let held = lock.lock().unwrap();
            let waiters: Vec<_> = (0..3)
                .map(|_| {
                    let (lock, sum) = (Arc::clone(&lock), Arc::clone(&locks));
                    marmot::go(move || timed(&sum, || waits_for_a_holder(&lock)))
                })
                .collect();
            marmot::sleep(ms(100));
            drop(held);
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        }
        pprof::set_block_rate(0);
        let file = write("block");
        let Some(delay) = Top::of(&file, "delay", "ns", &[]) else { return };
        let contentions = Top::of(&file, "contentions", "count", &[]).unwrap();
        delay.assert_flat(JOINS, joins.load(Relaxed) as f64);
        delay.assert_flat(DELAYED, locks.load(Relaxed) as f64);
        contentions.assert_flat(JOINS, 10.0);
        contentions.assert_flat(DELAYED, 12.0);
    });
}

site!(ONE_WAITED = fn lets_go_of_one(held: marmot::sync::MutexGuard<'_, u32>) { drop(held); });
site!(TWO_WAITED = fn lets_go_of_two(held: marmot::sync::MutexGuard<'_, u32>) { drop(held); });

#[test]
#[ignore = "needs Go, and an idle machine for its times: cargo test --test go_tool -- --ignored --test-threads=1"]
fn delays_by_who_has_held_the_lock() {
    with_procs(2, || {
        make_ready();
        pprof::set_mutex_fraction(1);
        let lets_go: [fn(marmot::sync::MutexGuard<'_, u32>); 2] = [lets_go_of_one, lets_go_of_two];
        let sums = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
        for _ in 0..5 {
            for (waiters, (lets_go, sum)) in lets_go.iter().zip(&sums).enumerate() {
                let lock = Arc::new(Mutex::new(0));
                let held = lock.lock().unwrap();
                let waiters: Vec<_> = (0..=waiters)
                    .map(|_| {
                        let (lock, sum, lets_go) = (Arc::clone(&lock), Arc::clone(sum), *lets_go);
                        marmot::go(move || {
                            let start = Instant::now();
                            let held = lock.lock().unwrap();
                            sum.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
                            lets_go(held);
                        })
                    })
                    .collect();
                for waiter in &waiters {
                    until(|| waiter.goroutine().wait_reason() == Some(WaitReason::Mutex));
                }
                marmot::sleep(ms(100));
                lets_go(held);
                waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
            }
        }
        pprof::set_mutex_fraction(0);
        let file = write("mutex");
        let Some(delay) = Top::of(&file, "delay", "ns", &[]) else { return };
        let contentions = Top::of(&file, "contentions", "count", &[]).unwrap();
        for ((site, sum), count) in [ONE_WAITED, TWO_WAITED].into_iter().zip(&sums).zip([5.0, 10.0]) {
            delay.assert_flat(site, sum.load(Relaxed) as f64);
            contentions.assert_flat(site, count);
        }
    });
}

/// The CPU time of the calling thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

site!(SPINS = fn spins(end: Instant) -> u64 { let mut n = 1_u64; while Instant::now() < end { for i in 0..10_000 { n = black_box(n.wrapping_mul(31).wrapping_add(i)); } } n });
site!(TURNS = fn turns(end: Instant) -> u64 { let mut n = 1_u64; while Instant::now() < end { for i in 0..10_000 { n = black_box(n.rotate_left(9) ^ i); } } n });

/// Computes until then.
type Runs = fn(Instant) -> u64;

#[test]
#[ignore = "needs Go, and an idle machine for its times: cargo test --test go_tool -- --ignored --test-threads=1"]
fn cpu_time_by_line_and_label() {
    with_procs(2, || {
        let start = Instant::now();
        let profile = marmot::go(|| pprof::cpu(ms(4500)));
        let parts = [("spinner", spins as Runs), ("turner", turns)];
        let parts = parts.map(|(name, runs)| {
            marmot::go(move || {
                // It keeps its thread, which has a timer by then.
                while start.elapsed() < ms(500) {
                    black_box(name);
                }
                pprof::with_labels(&[("part", name)], || {
                    let before = cpu_time();
                    runs(start + ms(3500));
                    (cpu_time() - before).as_nanos() as f64
                })
            })
        });
        let truths = parts.map(|part| part.join().unwrap());
        let profile = profile.join().unwrap().unwrap();
        let file = tool::write(&profile, &tool::folder("go_tool_cpu"), "cpu.pb.gz");
        for (site, truth, name) in [(SPINS, truths[0], "spinner"), (TURNS, truths[1], "turner")] {
            let Some(top) = Top::of(&file, "cpu", "ns", &[]) else { return };
            top.assert_with_calls(site, truth);
            let focus = format!("-tagfocus=part={name}");
            let labelled = Top::of(&file, "cpu", "ns", &[&focus]).unwrap();
            labelled.assert_with_calls(site, truth);
            for other in [SPINS, TURNS].into_iter().filter(|other| *other != site) {
                assert_eq!(labelled.find(other), None, "{}", labelled.text);
            }
        }
    });
}
