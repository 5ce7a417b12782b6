//! Pools under a runtime: its timer gives their memory back, and is armed no longer than there is something to give.

mod common;

use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use common::{LIMIT, runtime, until};
use marmot::Pool;
use marmot::pool::INTERVAL;

/// The objects that there are.
static LIVING: AtomicIsize = AtomicIsize::new(0);

struct Object;

impl Object {
    fn new() -> Object {
        LIVING.fetch_add(1, Relaxed);
        Object
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, Relaxed);
    }
}

static POOL: Pool<Object> = Pool::with_reset(Object::new, |_| {}).named("of a runtime");

fn burst() {
    let objects: Vec<_> = (0..1000).map(|_| POOL.get()).collect();
    drop(objects);
}

/// One test, for there is one timer: each part begins with what the one before has left.
#[test]
fn a_burst_is_given_back_by_whichever_runtime_there_is() {
    let first = runtime(2);
    let begun = Instant::now();
    first.run(burst);
    assert_eq!((LIVING.load(Relaxed), POOL.stats().kept), (1000, 1000));
    until(|| LIVING.load(Relaxed) == 0);
    let took = begun.elapsed();
    assert!(took > INTERVAL, "after {took:?}");
    assert_eq!(POOL.stats().dropped, 0);

    // The runtime that has the timer goes. What another one's goroutines do with pools brings it back.
    let second = runtime(1);
    second.run(burst);
    second.shutdown(LIMIT).expect("nothing runs there");
    let third = runtime(1);
    let begun = Instant::now();
    let other: &Pool<Vec<u8>> = Box::leak(Box::new(Pool::new(Vec::new)));
    while LIVING.load(Relaxed) > 0 {
        third.run(|| (0..2000).for_each(|_| drop(other.get())));
        assert!(begun.elapsed() < LIMIT, "{} objects are left", LIVING.load(Relaxed));
        marmot::sleep(Duration::from_millis(20));
    }

    // It goes again, and nobody uses any pool from then on: the timer keeps its time.
    let last = runtime(1);
    last.run(burst);
    last.shutdown(LIMIT).expect("nothing runs there");
    until(|| LIVING.load(Relaxed) == 0);

    first.shutdown(LIMIT).expect("nothing runs there");
    third.shutdown(LIMIT).expect("nothing runs there");
}
