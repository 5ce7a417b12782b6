//! One thread: what comes back, what is kept and for how long, and what is counted.
//!
//! `tick` ages the pools of all tests, so those whose objects must not age meanwhile take turns with those that tick.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use marmot_buf::Pool;
use marmot_buf::pool::{self, Reset};

use crate::counted::{Counted, Living};

static TICKS: RwLock<()> = RwLock::new(());

/// Nobody ticks meanwhile.
pub fn quiet() -> RwLockReadGuard<'static, ()> {
    TICKS.read().unwrap_or_else(|e| e.into_inner())
}

/// Nobody but the caller ticks, and nobody relies on its not doing so.
pub fn ticking() -> RwLockWriteGuard<'static, ()> {
    TICKS.write().unwrap_or_else(|e| e.into_inner())
}

#[test]
fn an_object_comes_back_reset() {
    let _quiet = quiet();
    let pool: Pool<Vec<u8>> = Pool::new(Vec::new);
    let mut first = pool.get();
    first.extend_from_slice(b"some bytes");
    let (place, capacity) = (first.as_ptr(), first.capacity());
    drop(first);
    let second = pool.get();
    assert!(second.is_empty());
    assert_eq!((second.as_ptr(), second.capacity()), (place, capacity));
}

#[test]
fn two_at_a_time_are_different() {
    let _quiet = quiet();
    static LIVING: Living = Living::new();
    static POOL: Pool<Counted> = Pool::new(|| LIVING.object());
    for round in 0..3 {
        let (mut one, mut other) = (POOL.get(), POOL.get());
        one.begin();
        other.begin();
        assert_ne!(one.number, other.number);
        assert_eq!(LIVING.count(), 2, "in round {round}");
    }
}

#[test]
fn what_is_taken_out_stays_out() {
    let _quiet = quiet();
    let pool: Pool<String> = Pool::new(String::new);
    let mut word = pool.get();
    word.push_str("taken");
    let word = word.into_inner();
    let capacity = word.capacity();
    assert_eq!(word, "taken");
    assert!(pool.get().capacity() == 0);
    assert_eq!((pool.stats().misses, pool.stats().hits), (2, 0));
    drop(pool.get());
    pool.put(word);
    // The one that came last is behind the one that was there.
    let (first, second) = (pool.get(), pool.get());
    assert!(first.is_empty() && second.is_empty());
    assert_eq!(first.capacity().max(second.capacity()), capacity);
}

#[test]
fn thousands_are_kept_and_all_come_back() {
    let _quiet = quiet();
    const COUNT: usize = 3000;
    static LIVING: Living = Living::new();
    let pool: Pool<Counted> = Pool::new(|| LIVING.object());
    let all: Vec<_> = (0..COUNT).map(|_| pool.get()).collect();
    let numbers: BTreeSet<u64> = all.iter().map(|object| object.number).collect();
    drop(all);
    assert_eq!(pool.stats().kept, COUNT);
    let again: Vec<_> = (0..COUNT).map(|_| pool.get()).collect();
    assert_eq!(again.iter().map(|object| object.number).collect::<BTreeSet<_>>(), numbers);
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.misses, stats.kept, stats.dropped), (COUNT as u64, COUNT as u64, 0, 0));
    drop(again);
    drop(pool);
    assert_eq!(LIVING.count(), 0);
}

#[test]
fn there_is_an_end_to_what_is_kept() {
    let _quiet = quiet();
    static LIVING: Living = Living::new();
    let bounded: Pool<Counted> = Pool::new(|| LIVING.object()).max_kept(20);
    let all: Vec<_> = (0..50).map(|_| bounded.get()).collect();
    drop(all);
    assert_eq!((bounded.stats().kept, bounded.stats().dropped, LIVING.count()), (20, 30, 20));
    let unbounded: Pool<Counted> = Pool::new(|| LIVING.object());
    let all: Vec<_> = (0..10_000).map(|_| unbounded.get()).collect();
    drop(all);
    let stats = unbounded.stats();
    assert_eq!(stats.kept as u64 + stats.dropped, 10_000);
    assert!(stats.dropped > 0, "{stats}");
    assert_eq!(LIVING.count(), 20 + stats.kept as isize);
}

#[test]
fn giants_are_dropped() {
    let _quiet = quiet();
    let pool: Pool<Vec<u32>> = Pool::new(Vec::new).max_size(400);
    pool.get().reserve_exact(100);
    assert_eq!((pool.stats().kept, pool.stats().dropped), (1, 0));
    pool.get().reserve_exact(101);
    assert_eq!((pool.stats().kept, pool.stats().dropped), (0, 1));
    let measured: Pool<(Vec<u8>, u8)> =
        Pool::with_reset(|| (Vec::new(), 0), |pair| pair.1 = 0).sized_by(|pair| pair.0.len()).max_size(3);
    measured.get().0.extend([1, 2, 3]);
    assert_eq!(measured.stats().kept, 1);
    measured.get().0.push(4);
    assert_eq!((measured.stats().kept, measured.stats().dropped), (0, 1));
}

#[test]
fn what_is_not_wanted_for_two_ticks_is_dropped() {
    let _ticking = ticking();
    static LIVING: Living = Living::new();
    let pool: Pool<Counted> = Pool::new(|| LIVING.object());
    let burst: Vec<_> = (0..100).map(|_| pool.get()).collect();
    drop(burst);
    pool::tick();
    assert_eq!(LIVING.count(), 100);
    // It is a victim, and comes back.
    drop(pool.get());
    assert_eq!((pool.stats().misses, pool.stats().hits), (100, 1));
    pool::tick();
    assert_eq!((LIVING.count(), pool.stats().kept), (1, 1));
    for _ in 0..5 {
        drop(pool.get());
        pool::tick();
    }
    assert_eq!((LIVING.count(), pool.stats().misses), (1, 100), "what is used stays");
    pool::tick();
    assert_eq!((LIVING.count(), pool.stats().kept, pool.stats().dropped), (0, 0, 0));
    // It begins anew.
    drop(pool.get());
    assert_eq!((LIVING.count(), pool.stats().misses), (1, 101));
    pool::tick();
    pool::tick();
    assert_eq!(LIVING.count(), 0);
}

#[test]
fn a_collection_drops_all_that_is_kept() {
    let _ticking = ticking();
    static LIVING: Living = Living::new();
    let pool: Pool<Counted> = Pool::new(|| LIVING.object());
    let (kept, in_use) = ((0..30).map(|_| pool.get()).collect::<Vec<_>>(), pool.get());
    drop(kept);
    pool::collect();
    assert_eq!((LIVING.count(), pool.stats().kept), (1, 0));
    drop(in_use);
    assert_eq!((LIVING.count(), pool.stats().kept), (1, 1));
}

#[test]
fn a_pool_that_is_dropped_drops_its_objects() {
    let _ticking = ticking();
    static LIVING: Living = Living::new();
    let pool: Pool<Counted> = Pool::new(|| LIVING.object());
    let all: Vec<_> = (0..40).map(|_| pool.get()).collect();
    drop(all);
    pool::tick();
    drop((pool.get(), pool.get()));
    drop(pool);
    assert_eq!(LIVING.count(), 0);
    // One that was never used has nothing to drop.
    drop(Pool::<String>::new(String::new));
}

#[test]
fn pools_are_listed_by_name_while_they_exist() {
    let _quiet = quiet();
    let named: Pool<u64> = Pool::with_reset(|| 7, |_| {}).named("a pool with a name");
    let find = || pool::stats().into_iter().find(|stats| stats.name == "a pool with a name");
    assert_eq!(find(), None);
    assert_eq!(*named.get(), 7);
    let stats = find().expect("it has been used");
    assert_eq!(stats, named.stats());
    assert_eq!(stats.to_string(), "a pool with a name: 0 hits, 0 steals, 1 misses, 0 dropped, 1 kept");
    drop(named);
    assert_eq!(find(), None);
    let nameless: Pool<VecDeque<(u8, i64)>> = Pool::new(VecDeque::new);
    assert!(nameless.stats().name.contains("VecDeque<(u8, i64)>"));
}

/// Resets `dirty`, which is not as good as new before and is after.
#[track_caller]
fn reset<T: Reset>(mut dirty: T) -> T {
    assert!(!dirty.is_reset());
    let size = dirty.size();
    dirty.reset();
    assert!(dirty.is_reset());
    assert_eq!(dirty.size(), size, "the memory stays");
    dirty
}

#[test]
fn what_std_has_is_reset_and_keeps_its_memory() {
    assert!(reset(vec![1, 2, 3]).is_empty());
    assert!(reset(VecDeque::from([1])).is_empty());
    assert!(reset(BinaryHeap::from([1])).is_empty());
    assert!(reset(HashMap::from([(1, 2)])).is_empty());
    assert!(reset(HashSet::from([1])).is_empty());
    assert!(reset(String::from("x")).is_empty());
    assert!(reset(OsString::from("x")).is_empty());
    assert!(reset(PathBuf::from("x")).as_os_str().is_empty());
    assert!(reset(BTreeMap::from([(1, 2)])).is_empty());
    assert!(reset(BTreeSet::from([1])).is_empty());
    assert!(reset(Box::new(vec![1])).is_empty());
    assert_eq!(reset(Some(vec![1])), Some(vec![]));
    assert_eq!(reset((vec![1], String::from("x"))), (vec![], String::new()));
    assert_eq!(reset((vec![1], vec![2], vec![3], vec![4])), (vec![], vec![], vec![], vec![]));
    assert!(!(vec![1], Vec::<u8>::new()).is_reset() && !(Vec::<u8>::new(), vec![1]).is_reset());
    assert!(None::<Vec<u8>>.is_reset());
    let sized = Vec::<u32>::with_capacity(10);
    assert_eq!((sized.size(), String::with_capacity(9).size()), (sized.capacity() * 4, 9));
    assert_eq!((Vec::<u32>::with_capacity(10), String::with_capacity(9)).size(), sized.capacity() * 4 + 9);
}

#[test]
fn a_guard_shows_its_object() {
    let _quiet = quiet();
    let pool: Pool<String> = Pool::new(String::new).named("shown");
    let mut word = pool.get();
    word.push('x');
    assert_eq!(format!("{word} {word:?} {pool:?}"), "x \"x\" Pool { name: \"shown\", .. }");
}
