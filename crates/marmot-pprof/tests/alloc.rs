//! The sampling allocator against programs whose allocations are known.
//!
//! A function's name tells its allocations apart, so that the tests of this program do not disturb each other. The rate is
//! the same for all: 4 KiB, at which 64 MiB are some ten thousand samples, and 5 % are several standard deviations.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![allow(clippy::vec_box, reason = "each piece is to be an allocation of its own")]

mod common;

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::frames;
use marmot_pprof::Allocator;
use marmot_pprof::alloc::{counts, heap, set_rate};
use marmot_pprof::raw::Profile;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator::counting();

const RATE: usize = 4096;
const MIB: usize = 1 << 20;

/// The sums of the values of all stacks with a function of that name.
fn sums(profile: &Profile, function: &str) -> [f64; 5] {
    let profile = profile.to_proto();
    let mut sums = [0.0; 5];
    for sample in &profile.sample {
        if frames(&profile, sample).iter().any(|(name, ..)| name.ends_with(function)) {
            sums.iter_mut().zip(&sample.value).for_each(|(sum, value)| *sum += *value as f64);
        }
    }
    sums
}

#[track_caller]
fn assert_near(value: f64, truth: usize) {
    let truth = truth as f64;
    assert!((value - truth).abs() <= 0.05 * truth, "{value} is not {truth} give or take 5 %");
}

#[inline(never)]
fn small_pieces(count: usize) -> Vec<Box<[u8; 1024]>> {
    (0..count).map(|_| black_box(Box::new([1; 1024]))).collect()
}

#[inline(never)]
fn large_pieces(count: usize) -> Vec<Box<[u8; 4096]>> {
    (0..count).map(|_| black_box(Box::new([1; 4096]))).collect()
}

#[test]
fn totals_are_true() {
    set_rate(RATE);
    let (small, large) = (64 * MIB / 1024, 192 * MIB / 4096);
    // The list of pieces is one piece more of eight bytes each.
    let kept = small_pieces(small);
    let mut dropped = 0;
    for _ in 0..large / 1024 {
        dropped += large_pieces(1024).len();
    }
    let profile = heap();
    let [objects, bytes, live, live_bytes, _] = sums(&profile, "::small_pieces");
    assert_near(objects, small);
    assert_near(bytes, 64 * MIB + 8 * small);
    assert_near(live, small);
    assert_near(live_bytes, 64 * MIB + 8 * small);
    let [objects, bytes, live, live_bytes, lifetime] = sums(&profile, "::large_pieces");
    assert_near(objects, dropped);
    assert_near(bytes, 192 * MIB + 8 * dropped);
    assert_eq!((live, live_bytes), (0.0, 0.0));
    assert!(lifetime > 0.0);
    drop(kept);
    let [_, bytes, live, live_bytes, _] = sums(&heap(), "::small_pieces");
    assert_near(bytes, 64 * MIB + 8 * small);
    assert_eq!((live, live_bytes), (0.0, 0.0), "all of it is freed");
}

#[inline(never)]
fn short_lived() -> Vec<Box<[u8; 8192]>> {
    (0..1000).map(|_| black_box(Box::new([1; 8192]))).collect()
}

#[test]
fn lifetimes_are_true() {
    set_rate(RATE);
    let start = Instant::now();
    let kept = short_lived();
    let made = start.elapsed();
    // Not a wait for something: it is the length of a life, whatever it turns out to be.
    while start.elapsed() < made + Duration::from_millis(50) {
        black_box(());
    }
    let least = start.elapsed() - made;
    drop(kept);
    let most = start.elapsed();
    let [objects, _, live, _, lifetime] = sums(&heap(), "::short_lived");
    let mean = lifetime / (objects - live);
    assert!(mean >= least.as_nanos() as f64 && mean <= most.as_nanos() as f64, "{least:?} {mean} {most:?}");
}

#[inline(never)]
fn growing(count: usize) {
    for _ in 0..count {
        let mut list: Vec<u8> = Vec::with_capacity(1024);
        for size in [2048, 4096, 8192] {
            list.reserve_exact(size);
            // The capacity is what was asked for: the length stays nothing.
            black_box(&mut list);
        }
        list.shrink_to(16);
        black_box(list);
    }
}

#[test]
fn what_is_reallocated_is_freed_and_allocated() {
    set_rate(RATE);
    growing(2000);
    let [_, bytes, live, live_bytes, _] = sums(&heap(), "::growing");
    assert_near(bytes, 2000 * (1024 + 2048 + 4096 + 8192 + 16));
    assert_eq!((live, live_bytes), (0.0, 0.0));
}

#[inline(never)]
fn handed_over() -> Box<[u8; 2048]> {
    black_box(Box::new([1; 2048]))
}

#[test]
fn one_thread_frees_what_another_has_allocated() {
    set_rate(RATE);
    const THREADS: usize = 4;
    const EACH: usize = 4000;
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(64);
        for _ in 0..THREADS {
            let sender = sender.clone();
            scope.spawn(move || {
                set_rate(RATE);
                for _ in 0..EACH {
                    sender.send(handed_over()).expect("the receiver takes all");
                }
            });
        }
        drop(sender);
        scope.spawn(move || assert_eq!(receiver.into_iter().count(), THREADS * EACH));
    });
    let [objects, bytes, live, live_bytes, _] = sums(&heap(), "::handed_over");
    assert_near(objects, THREADS * EACH);
    assert_near(bytes, THREADS * EACH * 2048);
    assert_eq!((live, live_bytes), (0.0, 0.0));
}

#[inline(never)]
fn at_the_end() -> Vec<Box<[u8; 65536]>> {
    (0..20).map(|_| black_box(Box::new([1; 65536]))).collect()
}

#[test]
fn destructors_of_thread_locals_are_sampled() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            drop(at_the_end());
        }
    }
    thread_local! {
        static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
    }
    thread::spawn(|| {
        set_rate(RATE);
        LAST.set(Some(Last));
    })
    .join()
    .unwrap();
    let [_, bytes, live, ..] = sums(&heap(), "::at_the_end");
    // Of pieces sixteen times as large as the rate hardly any is missed. (The list of them rarely counts, but then as many.)
    assert_near(bytes, 20 * 65536);
    assert_eq!(live, 0.0);
}

#[inline(never)]
fn every_one() -> Vec<Box<u64>> {
    (0..1000).map(|n| black_box(Box::new(n))).collect()
}

#[inline(never)]
fn not_one() -> Vec<Box<u64>> {
    (0..100_000).map(|n| black_box(Box::new(n))).collect()
}

#[test]
fn all_or_nothing() {
    // In a process of its own, for the rate is everybody's.
    if std::env::var_os("MARMOT_PPROF_TEST_CHILD").is_none() {
        let program = std::env::current_exe().expect("a test binary has a path");
        let status = std::process::Command::new(program)
            .args(["--exact", "all_or_nothing", "--test-threads=1"])
            .env("MARMOT_PPROF_TEST_CHILD", "1")
            .status()
            .expect("the test binary runs again");
        assert!(status.success());
        return;
    }
    set_rate(1);
    let kept = every_one();
    set_rate(0);
    let none = not_one();
    let profile = heap();
    assert_eq!(sums(&profile, "::every_one")[..4], [1001.0, 16_000.0, 1001.0, 16_000.0]);
    assert_eq!(sums(&profile, "::not_one"), [0.0; 5]);
    assert_eq!(profile.period, 0);
    drop((kept, none));
    assert_eq!(sums(&heap(), "::every_one")[2..4], [0.0, 0.0], "what was noted is followed to its end");
}

#[test]
fn threads_allocate_and_free_at_once() {
    // Many addresses in each chain, which come and go at the same time.
    thread::scope(|scope| {
        for seed in 0..4_usize {
            scope.spawn(move || {
                set_rate(RATE);
                let mut kept: Vec<Vec<u8>> = Vec::new();
                let mut random = seed + 1;
                for _ in 0..10_000 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    if kept.len() > 500 || random & (1 << 40) != 0 && !kept.is_empty() {
                        let index = (random >> 33) % kept.len();
                        kept.swap_remove(index);
                    } else {
                        kept.push(stressed((random >> 50) + 1));
                    }
                }
            });
        }
    });
    let [objects, _, live, live_bytes, _] = sums(&heap(), "::stressed");
    assert!(objects > 1000.0);
    assert_eq!((live, live_bytes), (0.0, 0.0), "no note is lost");
}

#[inline(never)]
fn stressed(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(size))
}

#[test]
fn counts_are_exact_at_least() {
    let before = counts();
    for _ in 0..100 {
        drop(black_box(Box::new([0_u8; 1000])));
    }
    let after = counts();
    // Other tests allocate at the same time.
    assert!(after.allocations - before.allocations >= 100);
    assert!(after.bytes - before.bytes >= 100_000);
}
