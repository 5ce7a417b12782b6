//! What the user's functions may do wrong: panic, or reset too little. Also what they may do with the pool itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use marmot_buf::Pool;
use marmot_buf::pool::{self, Reset};

use crate::behaviour::{quiet, ticking};
use crate::counted::{Counted, Living};

fn panic_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()))
        .expect("it has a text")
}

struct Forgetful(u32);

impl Reset for Forgetful {
    fn reset(&mut self) {}

    fn is_reset(&self) -> bool {
        self.0 == 0
    }
}

#[test]
#[cfg(debug_assertions)]
fn what_was_not_reset_is_caught_and_the_pool_is_named() {
    let _quiet = quiet();
    let pool: Pool<Forgetful> = Pool::new(|| Forgetful(0)).named("forgetful");
    drop(pool.get());
    let text = panic_of(|| pool.get().0 = 1);
    assert_eq!(
        text,
        "an object of the pool \"forgetful\" was not as good as new after it was reset; it is not used again"
    );
    let stats = pool.stats();
    assert_eq!((stats.kept, stats.dropped), (0, 1));
    assert_eq!(pool.get().0, 0);
}

#[test]
fn a_check_can_be_asked_for() {
    let _quiet = quiet();
    let pool: Pool<u32> = Pool::with_reset(|| 0, |_| {}).named("checked").checked_by(|number| *number == 0);
    drop(pool.get());
    assert!(panic_of(|| *pool.get() = 1).contains("\"checked\""));
    // While the thread panics for another reason, that one is what is told.
    let text = panic_of(|| {
        let mut number = pool.get();
        *number = 1;
        panic!("the reason");
    });
    assert_eq!(text, "the reason");
    assert_eq!((pool.stats().kept, pool.stats().dropped), (0, 2));
}

#[test]
fn an_object_whose_reset_panics_is_dropped() {
    let _quiet = quiet();
    static LIVING: Living = Living::new();
    static FAILS: AtomicBool = AtomicBool::new(true);
    let pool: Pool<Counted> =
        Pool::with_reset(|| LIVING.object(), |_| assert!(!FAILS.load(SeqCst), "it cannot be reset"));
    assert_eq!(panic_of(|| drop(pool.get())), "it cannot be reset");
    assert_eq!((LIVING.count(), pool.stats().kept, pool.stats().dropped), (0, 0, 1));
    FAILS.store(false, SeqCst);
    drop(pool.get());
    assert_eq!((LIVING.count(), pool.stats().kept), (1, 1));
}

#[test]
fn an_object_comes_back_from_a_panic() {
    let _quiet = quiet();
    let pool: Pool<Vec<u8>> = Pool::new(Vec::new);
    panic_of(|| {
        let mut bytes = pool.get();
        bytes.push(1);
        panic!("while it is in use");
    });
    assert_eq!(pool.stats().kept, 1);
    assert!(pool.get().is_empty());
}

#[test]
fn making_may_panic() {
    let _quiet = quiet();
    static FAILS: AtomicBool = AtomicBool::new(true);
    let pool: Pool<String> = Pool::new(|| {
        assert!(!FAILS.load(SeqCst), "it cannot be made");
        String::new()
    });
    assert_eq!(panic_of(|| drop(pool.get())), "it cannot be made");
    FAILS.store(false, SeqCst);
    assert!(pool.get().is_empty());
}

/// It panics when it is dropped, and counts that.
struct Bad(&'static AtomicUsize);

impl Drop for Bad {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
        panic!("a destructor's panic");
    }
}

#[test]
fn a_destructor_that_panics_does_not_keep_a_tick_from_the_others() {
    let _ticking = ticking();
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<Bad> = Pool::with_reset(|| Bad(&DROPPED), |_| {});
    drop([(); 3].map(|()| pool.get()));
    pool::tick();
    pool::tick();
    assert_eq!((DROPPED.load(SeqCst), pool.stats().kept), (3, 0));
    drop([(); 2].map(|()| pool.get()));
    pool::collect();
    assert_eq!(DROPPED.load(SeqCst), 5);
    drop([(); 2].map(|()| pool.get()));
    drop(pool);
    assert_eq!(DROPPED.load(SeqCst), 7);
}

#[test]
fn a_destructor_that_panics_where_there_is_no_room_is_the_callers() {
    let _quiet = quiet();
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<Bad> = Pool::with_reset(|| Bad(&DROPPED), |_| {}).max_kept(0);
    assert_eq!(panic_of(|| drop(pool.get())), "a destructor's panic");
    assert_eq!((DROPPED.load(SeqCst), pool.stats().dropped), (1, 1));
    std::mem::forget(pool.get().into_inner());
}

/// Its destructor and its reset use its own pool, and the destructor ticks.
struct Inner(bool);

static NESTED: Pool<Inner> = Pool::with_reset(
    || Inner(false),
    |inner| {
        if std::mem::take(&mut inner.0) {
            drop(NESTED.get());
        }
    },
);

impl Drop for Inner {
    fn drop(&mut self) {
        NESTED.put(Inner(false));
        pool::tick();
    }
}

#[test]
fn a_pool_may_be_used_by_its_own_objects() {
    let _ticking = ticking();
    let mut objects = [(); 3].map(|()| NESTED.get());
    objects.iter_mut().for_each(|object| object.0 = true);
    drop(objects);
    pool::tick();
    pool::tick();
    pool::collect();
    // Three were lent at the same time, and the first one's reset had one more made. Each that is dropped puts another in.
    assert_eq!(NESTED.stats().kept, 4);
}
