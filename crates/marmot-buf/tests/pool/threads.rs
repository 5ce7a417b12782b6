//! Several threads: stealing, guards that travel, threads that end, pools that end first.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use marmot_buf::pool;
use marmot_buf::{Pool, Pooled};

use crate::behaviour::{quiet, ticking};
use crate::counted::{Counted, Living};

const fn assert_send<T: Send>() {}
const fn assert_sync<T: Sync>() {}

// A `Cell` is not `Sync`, and need not be: one thread at a time has it.
const _: () = {
    assert_sync::<Pool<Cell<u8>>>();
    assert_send::<Pool<Cell<u8>>>();
    assert_send::<Pooled<'static, Cell<u8>>>();
    assert_sync::<Pooled<'static, u8>>();
};

#[test]
fn what_another_thread_has_too_much_of_is_stolen() {
    let _quiet = quiet();
    static LIVING: Living = Living::new();
    let pool: Pool<Counted> = Pool::new(|| LIVING.object());
    drop((0..10).map(|_| pool.get()).collect::<Vec<_>>());
    thread::scope(|scope| {
        scope.spawn(|| {
            // All but those in the private slots, of which there are four.
            let taken: Vec<_> = (0..10).map(|_| pool.get()).collect();
            let stats = pool.stats();
            assert_eq!((stats.steals, stats.misses, stats.kept), (6, 14, 4));
            drop(taken);
        });
    });
    assert_eq!(LIVING.count(), 14);
}

#[test]
fn a_victim_is_stolen_from_its_private_slot_too() {
    let _ticking = ticking();
    let pool: Pool<Vec<u8>> = Pool::new(Vec::new);
    pool.get().push(1);
    pool::tick();
    thread::scope(|scope| {
        scope.spawn(|| assert!(pool.get().capacity() > 0));
    });
    assert_eq!(pool.stats().steals, 1);
}

#[test]
fn a_guard_may_be_dropped_on_another_thread() {
    let _quiet = quiet();
    static POOL: Pool<Vec<u8>> = Pool::new(Vec::new).named("travelling");
    let (sender, receiver) = mpsc::channel::<Pooled<'static, Vec<u8>>>();
    let far = thread::spawn(move || {
        let mut sum = 0;
        for mut bytes in receiver {
            sum += bytes.drain(..).map(u64::from).sum::<u64>();
        }
        sum
    });
    for _ in 0..1000 {
        let mut bytes = POOL.get();
        assert!(bytes.is_empty());
        bytes.push(1);
        sender.send(bytes).expect("it receives to the end");
    }
    drop(sender);
    assert_eq!(far.join().expect("it does not panic"), 1000);
    let stats = POOL.stats();
    assert_eq!(stats.hits + stats.steals + stats.misses, 1000);
    assert_eq!(stats.kept as u64 + stats.dropped, stats.misses);
}

#[test]
fn shards_of_threads_that_have_ended_are_used_again() {
    let _quiet = quiet();
    static LIVING: Living = Living::new();
    let pool: Pool<Counted> = Pool::new(|| LIVING.object());
    for _ in 0..2000 {
        thread::scope(|scope| {
            scope.spawn(|| pool.get().begin());
        });
    }
    // Other tests take numbers meanwhile, so it is not one object for all.
    assert!(LIVING.count() < 500, "{} for 2000 threads", LIVING.count());
}

/// Gives back and takes when its thread's other destructors have run, or before.
struct AtTheEnd(RefCell<Vec<Pooled<'static, Counted>>>);

static ENDING: Living = Living::new();
static AT_THE_END: Pool<Counted> = Pool::new(|| ENDING.object());
static SEEN: AtomicBool = AtomicBool::new(false);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        self.0.get_mut().clear();
        let mut object = AT_THE_END.get();
        object.begin();
        drop(object);
        SEEN.store(true, SeqCst);
    }
}

thread_local! {
    static KEEPER: AtTheEnd = const { AtTheEnd(RefCell::new(Vec::new())) };
}

#[test]
fn a_destructor_of_a_thread_may_use_a_pool() {
    let _quiet = quiet();
    for keeper_first in [true, false] {
        SEEN.store(false, SeqCst);
        // Which one registers first is destroyed last.
        let thread = thread::spawn(move || {
            if keeper_first {
                KEEPER.with(|_| {});
            }
            let object = AT_THE_END.get();
            KEEPER.with(|keeper| keeper.0.borrow_mut().push(object));
        });
        thread.join().expect("it does not panic");
        assert!(SEEN.load(SeqCst));
        let stats = AT_THE_END.stats();
        assert_eq!(ENDING.count(), stats.kept as isize);
    }
}

#[test]
fn a_shared_pool_ends_with_its_last_owner() {
    let _quiet = quiet();
    static LIVING: Living = Living::new();
    let pool = Arc::new(Pool::<Counted>::new(|| LIVING.object()));
    let all_have_one = Arc::new(Barrier::new(5));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (pool, all_have_one) = (Arc::clone(&pool), Arc::clone(&all_have_one));
            thread::spawn(move || {
                for _ in 0..20 {
                    drop((pool.get(), pool.get()));
                }
                // This thread's shard has objects, and the thread outlives the pool.
                drop(pool);
                all_have_one.wait();
                all_have_one.wait();
            })
        })
        .collect();
    all_have_one.wait();
    assert_eq!(LIVING.count(), pool.stats().kept as isize);
    assert!(LIVING.count() > 0);
    drop(pool);
    assert_eq!(LIVING.count(), 0);
    all_have_one.wait();
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
}
