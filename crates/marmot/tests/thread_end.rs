//! Plain threads that use the library while their thread-locals are destroyed: they are who they were, to their end.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::Instant;

use common::*;
use marmot::Goroutine;

/// Counts the bytes in use.
struct Counting;

static IN_USE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: it hands everything on.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller's word.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

type AtEnd = Box<dyn FnOnce()>;

struct Calls(RefCell<Option<AtEnd>>);

impl Drop for Calls {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static CALLS: Calls = const { Calls(RefCell::new(None)) };
}

/// Runs `first` on a new thread, and `last` in the destructor of a thread-local that was there before the library was used.
fn thread(first: impl FnOnce() + Send + 'static, last: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        CALLS.with(|calls| *calls.0.borrow_mut() = Some(Box::new(last)));
        first();
    })
    .join()
    .unwrap();
}

#[test]
fn a_thread_is_the_same_in_its_destructors() {
    let _alone = alone();
    bounded(|| {
        let (tell, told) = mpsc::channel::<Goroutine>();
        let later = tell.clone();
        thread(
            move || tell.send(marmot::current()).unwrap(),
            move || {
                let own = marmot::current();
                later.send(own.clone()).unwrap();
                // A notification is there for the next park.
                own.unpark();
                let begun = Instant::now();
                marmot::park_timeout(LIMIT);
                assert!(begun.elapsed() < LIMIT / 2, "the notification was lost");
            },
        );
        let ids: Vec<_> = told.iter().map(|g| g.id()).collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1]);
    });
}

#[test]
fn one_that_is_used_first_in_a_destructor_is_somebody_too() {
    let _alone = alone();
    bounded(|| {
        thread(
            || {},
            || {
                let (one, other) = (marmot::current().id(), marmot::current().id());
                assert_eq!(one, other);
                marmot::current().unpark();
                marmot::park();
            },
        );
    });
}

#[test]
fn nothing_is_left_of_threads_that_wait_in_destructors() {
    let _alone = alone();
    bounded(|| {
        let round = || {
            thread(marmot::yield_now, || {
                for _ in 0..100 {
                    marmot::current().unpark();
                    marmot::park();
                }
            });
        };
        round();
        let before = IN_USE.load(Relaxed);
        (0..50).for_each(|_| round());
        // A head has some hundred bytes.
        let left = IN_USE.load(Relaxed) - before;
        assert!(left < 4096, "{left} bytes are left of 50 threads");
    });
}
