//! Waits and contention: who waits for others, and for how long.
//!
//! Both are sampled, and what is recorded stands for what is not, so that sums are right on average. Of waits one is
//! taken for so many nanoseconds: a wait of at least the rate is always recorded, as it is; a shorter one with the
//! probability `length / rate`, and then counts as one of that length for each `length / rate`. (Go does the same since
//! 1.17; before that, short waits were underrated.) Of contentions every n-th is taken on average, and counts as n.
//!
//! Which waits are recorded: those for other goroutines. A sleep is nobody's fault and never recorded. A wait for a
//! descriptor, for a buffered connection or for a blocking call is one for the world outside, and a server with idle connections would see nothing
//! else: these are recorded only if [`set_block_io`] says so.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::store::{Store, Tally};
use crate::sched::{WaitReason, blocked as waits, stack};

/// How many places are told apart, in each of the two profiles.
const PLACES: usize = 8192;

/// Somebody who waits, or makes others wait, at one place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Blocked {
    /// The stack: of who waited, or, for contention, of who let the lock go.
    pub stack: Vec<usize>,
    /// What was waited for; none for contention.
    pub reason: Option<WaitReason>,
    /// How often, estimated if samples were taken.
    pub count: u64,
    /// For how many nanoseconds in all, estimated likewise.
    pub nanos: u64,
}

type Key = (Vec<usize>, Option<WaitReason>);

static BLOCK_RATE: AtomicU64 = AtomicU64::new(0);
static BLOCK_IO: AtomicBool = AtomicBool::new(false);
static MUTEX_FRACTION: AtomicU64 = AtomicU64::new(0);
static BLOCKED: Mutex<Store<Key>> = Mutex::new(Store::new(PLACES));
static CONTENDED: Mutex<Store<Key>> = Mutex::new(Store::new(PLACES));

fn lock(store: &'static Mutex<Store<Key>>) -> MutexGuard<'static, Store<Key>> {
    // Nothing that panics runs under the lock.
    store.lock().unwrap_or_else(|e| e.into_inner())
}

/// Sets how waits are recorded: one for so many nanoseconds of waiting on average. 1 records every wait, 0 none, which is
/// so at the start. Returns what was set before.
///
/// While it is not 0, a [snapshot](super::goroutines) also says for how long goroutines have been waiting.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::{WaitReason, profile};
///
/// profile::set_block_rate(1);
/// marmot::go(|| marmot::go(marmot::yield_now).join().unwrap()).join().unwrap();
/// profile::set_block_rate(0);
/// assert!(profile::blocked().iter().any(|wait| wait.reason == Some(WaitReason::Join)));
/// ```
pub fn set_block_rate(nanos: u64) -> u64 {
    let before = BLOCK_RATE.swap(nanos, Relaxed);
    waits::time_waits(nanos != 0, waited);
    before
}

/// Sets whether waits for descriptors, for buffered connections and for blocking calls are recorded, too. Returns what was set before: `false` at
/// the start.
pub fn set_block_io(on: bool) -> bool {
    BLOCK_IO.swap(on, Relaxed)
}

/// Sets which share of the contentions of locks is recorded: one in `n` on average. 1 records every one, 0 none, which is
/// so at the start. Returns what was set before.
pub fn set_mutex_fraction(n: u64) -> u64 {
    MUTEX_FRACTION.swap(n, Relaxed)
}

/// Where goroutines have waited for others since the program began, as far as it was recorded: see [`set_block_rate`].
pub fn blocked() -> Vec<Blocked> {
    records(&BLOCKED)
}

/// Where locks were let go for which others waited, and for how long they did, as far as it was recorded: see
/// [`set_mutex_fraction`].
pub fn contention() -> Vec<Blocked> {
    records(&CONTENDED)
}

/// How many events found no room in [`blocked`] and in [`contention`], because they happened at too many different places.
pub fn lost() -> u64 {
    (lock(&BLOCKED).lost().count + lock(&CONTENDED).lost().count) as u64
}

fn records(store: &'static Mutex<Store<Key>>) -> Vec<Blocked> {
    let all = lock(store).all();
    let record = |((stack, reason), tally): (Key, Tally)| {
        // Estimates are fractions of events.
        Blocked { stack, reason, count: tally.count.round() as u64, nanos: tally.nanos.round() as u64 }
    };
    all.into_iter().map(record).collect()
}

/// Whether waits for this reason are recorded.
fn is_of_interest(reason: WaitReason) -> bool {
    match reason {
        WaitReason::Sleep | WaitReason::Snapshot => false,
        WaitReason::IoRead
        | WaitReason::IoWrite
        | WaitReason::IoTurn
        | WaitReason::BufferedIo
        | WaitReason::Blocking => BLOCK_IO.load(Relaxed),
        _ => true,
    }
}

/// What a goroutine, or a thread, calls that has waited.
#[inline(never)]
fn waited(reason: WaitReason, nanos: u64) {
    if !is_of_interest(reason) {
        return;
    }
    if let Some(tally) = sampled_by_length(nanos, BLOCK_RATE.load(Relaxed), random) {
        lock(&BLOCKED).add((stack::here(), Some(reason)), tally);
    }
}

/// Whether contentions are recorded at all. Who makes a lock of its own need not look at the clock otherwise.
#[inline]
pub fn watches_contention() -> bool {
    MUTEX_FRACTION.load(Relaxed) != 0
}

/// Records that the caller has let a lock go for which others had waited, for `delay` altogether. Locks call it; it is for
/// whoever makes another one.
#[inline(never)]
pub fn contended(delay: Duration) {
    let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
    if let Some(tally) = sampled_by_number(nanos, MUTEX_FRACTION.load(Relaxed), random) {
        lock(&CONTENDED).add((stack::here(), None), tally);
    }
}

/// What a wait of this length stands for, if it is recorded.
fn sampled_by_length(nanos: u64, rate: u64, random: impl FnOnce() -> u64) -> Option<Tally> {
    let nanos = nanos.max(1);
    if rate == 0 {
        return None;
    }
    if nanos >= rate {
        return Some(Tally { count: 1.0, nanos: nanos as f64 });
    }
    (random() % rate < nanos).then(|| Tally { count: rate as f64 / nanos as f64, nanos: rate as f64 })
}

/// What a contention stands for, if it is recorded.
fn sampled_by_number(nanos: u64, n: u64, random: impl FnOnce() -> u64) -> Option<Tally> {
    (n != 0 && random().is_multiple_of(n)).then_some(Tally { count: n as f64, nanos: nanos as f64 * n as f64 })
}

/// A number that nobody can foresee who does not want to. Only called while something is recorded.
fn random() -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(0);
    // SplitMix64 (Steele, Lea and Flood, 2014): a counter, stirred.
    let mut z = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_waits_are_recorded_as_they_are() {
        let never = || unreachable!("nothing is left to chance");
        assert_eq!(sampled_by_length(500, 0, never), None);
        assert_eq!(sampled_by_length(500, 1, never), Some(Tally { count: 1.0, nanos: 500.0 }));
        assert_eq!(sampled_by_length(500, 500, never), Some(Tally { count: 1.0, nanos: 500.0 }));
        assert_eq!(sampled_by_number(500, 0, never), None);
    }

    /// The sum of what is recorded, over so many events of that length.
    fn sum(events: u64, sample: impl Fn() -> Option<Tally>) -> Tally {
        (0..events)
            .filter_map(|_| sample())
            .fold(Tally::default(), |sum, t| Tally { count: sum.count + t.count, nanos: sum.nanos + t.nanos })
    }

    #[track_caller]
    fn assert_near(found: f64, right: f64) {
        assert!((found / right - 1.0).abs() < 0.05, "{found} is not {right}");
    }

    #[test]
    fn short_waits_are_recorded_without_bias() {
        for nanos in [1, 10, 300, 999] {
            let all = sum(1_000_000, || sampled_by_length(nanos, 1000, random));
            // At 1 ns a thousand are expected, and so the deviation is 3 %.
            let slack = if nanos == 1 { 4.0 } else { 1.0 };
            assert_near(1.0 + (all.count / 1e6 - 1.0) / slack, 1.0);
            assert_near(1.0 + (all.nanos / (1e6 * nanos as f64) - 1.0) / slack, 1.0);
        }
    }

    #[test]
    fn contentions_are_recorded_without_bias() {
        let all = sum(1_000_000, || sampled_by_number(70, 10, random));
        assert_near(all.count, 1e6);
        assert_near(all.nanos, 7e7);
    }

    #[test]
    fn a_contention_is_found_with_its_delay() {
        let before = set_mutex_fraction(1);
        let sums = || contention().iter().fold((0, 0), |sum, c| (sum.0 + c.count, sum.1 + c.nanos));
        let (count, nanos) = sums();
        assert!(watches_contention());
        contended(Duration::from_nanos(1234));
        assert_eq!(sums(), (count + 1, nanos + 1234));
        set_mutex_fraction(before);
    }
}
