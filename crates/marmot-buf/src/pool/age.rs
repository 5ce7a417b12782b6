//! The tick, under which pools age; and who sees to it that it comes.
//!
//! A tick is due [`INTERVAL`] after something was first kept, and again as long as something is. Nobody waits for it where
//! nothing is kept. Whoever puts the first object in asks for it ([`ask`]). A runtime, if there is one, arms a timer: that is
//! the hook of [`set_timer`]. Without one, or if its timer went down with it, pools that are in use look at the clock now and
//! then ([`look`]); memory that is kept in a process without a runtime that uses no pool any more stays where it is.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::{Duration, Instant};

use super::atomic::{AtomicBool, AtomicU64};
use super::due::{Due, INTERVAL, PATIENCE};
use super::stats::Stats;

/// What ages: the shards of a pool, whatever its type.
pub(super) trait Aged: Send + Sync {
    /// Drops the victims and makes victims of the others. Called by one at a time.
    fn age(&self);

    /// Whether a tick is to come.
    fn wants_a_tick(&self) -> bool;

    /// Drops all that is kept.
    fn collect(&self);

    fn stats(&self) -> Stats;
}

static POOLS: Mutex<Vec<Weak<dyn Aged>>> = Mutex::new(Vec::new());

fn lock() -> MutexGuard<'static, Vec<Weak<dyn Aged>>> {
    // Nothing that panics runs under the lock.
    POOLS.lock().unwrap_or_else(|e| e.into_inner())
}

/// Lets a pool age until it is dropped.
pub(super) fn register(pool: Weak<dyn Aged>) {
    let mut pools = lock();
    if pools.len() == pools.capacity() {
        // Where there is no room, so that each pool pays for a few others only, however many there are.
        pools.retain(|pool| pool.strong_count() > 0);
        let as_many = pools.len() + 1;
        pools.reserve(as_many);
    }
    pools.push(pool);
}

/// Those that there are. They are used without the lock: destructors run then, and they may use pools, too.
fn pools() -> Vec<Arc<dyn Aged>> {
    let mut living = Vec::new();
    // What pools that have been dropped occupied is freed on the way.
    lock().retain(|pool| pool.upgrade().map(|pool| living.push(pool)).is_some());
    living
}

static DUE: Due = Due { at: AtomicU64::new(0), is_ticking: AtomicBool::new(false) };

/// The runtime's timer.
static TIMER: OnceLock<fn(Duration) -> bool> = OnceLock::new();

fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    // Never 0, which has a meaning of its own.
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64 + 1
}

/// Names whoever is to call [`tick`] when a time has passed: `arm(after)` arms one timer, and says whether it could. The
/// first one stays. For runtimes.
///
/// It is called by threads that put something into a pool, also while they end, so it must neither wait nor use pools.
pub fn set_timer(arm: fn(after: Duration) -> bool) {
    // A second runtime of the process brings the same.
    let _ = TIMER.set(arm);
}

/// The hook of [`set_get_hook`].
static GET_HOOK: OnceLock<fn(u32)> = OnceLock::new();

/// Registers a hook that is called from time to time with the number of objects that the calling thread has got without waiting.
/// Only the first registration counts. It is for runtimes whose tasks share a thread: the hook may let other tasks run.
pub fn set_get_hook(hook: fn(gets: u32)) {
    // A second runtime of the process brings the same.
    let _ = GET_HOOK.set(hook);
}

fn arm() {
    if let Some(arm) = TIMER.get() {
        arm(INTERVAL);
    }
}

/// Asks for a tick, after something was put into a pool that did not age.
#[cold]
pub(super) fn ask() {
    DUE.ask(now(), arm);
}

/// A look at the clock after so many gets: the tick, if it is due and no timer has come.
#[cold]
#[inline(never)]
pub(super) fn look(gets: u32) {
    if let Some(hook) = GET_HOOK.get() {
        hook(gets);
    }
    let patience = if TIMER.get().is_some() { PATIENCE } else { Duration::ZERO };
    if DUE.is_overdue(now(), patience) {
        tick();
    }
}

/// Lets all pools age: drops what has not been used since the last tick but one. Runtimes call it when the time has come
/// for which their timer was armed; the next one is armed from here, as long as something is kept.
///
/// Destructors run in it. Panics of theirs are caught. If a tick is under way already, this does nothing; so a destructor that
/// never returns is the end of all ticks.
pub fn tick() {
    DUE.tick(
        now,
        || pools().iter().for_each(|pool| pool.age()),
        || pools().iter().any(|pool| pool.wants_a_tick()),
        arm,
    );
}

/// Drops all that is kept in all pools, at once. What is in use stays, and comes back when it is given back.
///
/// # Examples
///
/// ```
/// use marmot_buf::Pool;
///
/// static WORDS: Pool<String> = Pool::new(String::new).named("words");
///
/// drop(WORDS.get());
/// marmot_buf::pool::collect();
/// assert_eq!(WORDS.stats().kept, 0);
/// ```
pub fn collect() {
    pools().iter().for_each(|pool| pool.collect());
}

/// What each pool has done that has been used and not been dropped, in the order of their first use.
///
/// # Examples
///
/// ```
/// use marmot_buf::Pool;
///
/// static FRAMES: Pool<Vec<u8>> = Pool::new(Vec::new).named("frames");
///
/// drop(FRAMES.get());
/// drop(FRAMES.get());
/// let frames = marmot_buf::pool::stats().into_iter().find(|stats| stats.name == "frames").unwrap();
/// assert_eq!((frames.misses, frames.hits), (1, 1));
/// ```
pub fn stats() -> Vec<Stats> {
    pools().iter().map(|pool| pool.stats()).collect()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::ptr::NonNull;

    use super::super::shards::Shards;
    use super::*;
    use crate::Pool;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("as it is to");
        }
    }

    /// As a tick does that has looked at a pool while that was dropped.
    #[test]
    fn whoever_drops_the_last_shards_meets_no_panic() {
        let shards = Arc::new(Shards::new("bombs"));
        for _ in 0..3 {
            assert!(shards.put(NonNull::from(Box::leak(Box::new(Bomb))), usize::MAX).is_ok());
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(shards))).is_ok());
    }

    #[test]
    fn a_tick_that_panics_is_not_the_last() {
        let due = Due { at: AtomicU64::new(0), is_ticking: AtomicBool::new(false) };
        let tick = |age: &mut dyn FnMut()| due.tick(|| 1, age, || false, || {});
        assert!(catch_unwind(AssertUnwindSafe(|| tick(&mut || panic!("as it is to")))).is_err());
        let mut has_aged = false;
        tick(&mut || has_aged = true);
        assert!(has_aged);
    }

    #[test]
    fn pools_that_have_been_dropped_leave_nothing_behind() {
        for _ in 0..10_000 {
            let pool: Pool<String> = Pool::new(String::new);
            drop(pool.get());
        }
        // Those of other tests are there, too, and some that were dropped since the list was last full.
        let pools = lock().len();
        assert!(pools < 1000, "{pools} are listed");
        stats();
        let dropped = lock().iter().filter(|pool| pool.strong_count() == 0).count();
        assert!(dropped < 100, "{dropped} that have been dropped are listed");
    }
}
