//! The timer of a descriptor: armed by who waits, fired by an M, left alone when it fires early
//! enough for the next waiter. The steps are those of `netpoll::desc`.

#[path = "limit.rs"]
pub mod limit;

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::slot::Slot;
use crate::support::{Bell, explore};

const WAITER: usize = 8;
const NEVER: usize = usize::MAX;

struct Side {
    slot: Slot,
    /// When the waiter wants to be woken at the latest.
    wanted: AtomicUsize,
    /// When the timer fires; `NEVER` when it is not armed. Written under the heap's lock.
    when: AtomicUsize,
    heap: Mutex<()>,
    armed: Condvar,
    /// The time, which everybody sees alike.
    now: Mutex<usize>,
    /// Nobody waits any more. Written under the heap's lock.
    over: AtomicBool,
    waiter: Bell,
}

impl Side {
    fn new() -> Arc<Side> {
        Arc::new(Side {
            slot: Slot::new(),
            wanted: AtomicUsize::new(NEVER),
            when: AtomicUsize::new(NEVER),
            heap: Mutex::new(()),
            armed: Condvar::new(),
            now: Mutex::new(0),
            over: AtomicBool::new(false),
            waiter: Bell::new(),
        })
    }

    fn now(&self) -> usize {
        *self.now.lock().unwrap()
    }

    fn arm(&self, when: usize) {
        let _heap = self.heap.lock().unwrap();
        self.when.store(when, Relaxed);
        self.armed.notify_one();
    }

    /// The M: fires the timer whenever its time has come, until nobody waits any more.
    fn run(&self) {
        let mut heap = self.heap.lock().unwrap();
        while !self.over.load(Relaxed) {
            let due = self.when.load(Relaxed);
            if due == NEVER {
                heap = self.armed.wait(heap).unwrap();
                continue;
            }
            let now = self.now().max(due);
            *self.now.lock().unwrap() = now;
            self.when.store(NEVER, Relaxed);
            if let Some(again) = self.fire(now) {
                self.when.store(again, Relaxed);
            }
        }
    }

    fn stop(&self) {
        let _heap = self.heap.lock().unwrap();
        self.over.store(true, Relaxed);
        self.armed.notify_one();
    }

    fn fire(&self, now: usize) -> Option<usize> {
        if !self.slot.has_waiter() {
            return None;
        }
        let wanted = self.wanted.load(Relaxed);
        if wanted > now {
            return (wanted != NEVER).then_some(wanted);
        }
        if self.slot.evict().is_some() {
            self.waiter.ready();
        }
        None
    }

    fn event(&self) {
        if self.slot.notify().is_some() {
            self.waiter.ready();
        }
    }

    /// Waits until `until`; true if an event came first.
    fn wait(&self, until: usize) -> bool {
        loop {
            if until <= self.now() {
                return false;
            }
            self.wanted.store(until, Relaxed);
            if self.when.load(Relaxed) > until {
                self.arm(until);
            }
            if !self.slot.publish(WAITER) {
                return true;
            }
            if self.when.load(Relaxed) > until && self.slot.retract(WAITER) {
                continue;
            }
            self.waiter.wait();
            if self.slot.take_ready() {
                return true;
            }
        }
    }
}

/// Runs `waits` while an M fires the timer and, if `with_event`, an event comes.
fn model(with_event: bool, waits: impl FnOnce(&Side)) {
    let side = Side::new();
    let m = {
        let side = Arc::clone(&side);
        thread::spawn(move || side.run())
    };
    let poller = with_event.then(|| {
        let side = Arc::clone(&side);
        thread::spawn(move || side.event())
    });
    waits(&side);
    side.stop();
    m.join().unwrap();
    if let Some(poller) = poller {
        poller.join().unwrap();
    }
    assert!(!side.waiter.is_pending(), "nobody is readied who does not wait");
}

#[test]
fn a_wait_ends_at_its_time() {
    explore(4, || {
        model(false, |side| assert!([1, 2].into_iter().all(|until| !side.wait(until))));
    });
}

#[test]
fn a_timer_that_was_armed_for_an_earlier_wait_is_armed_again_for_this_one() {
    explore(3, || {
        model(true, |side| {
            // The event ends one of the waits, or none; the timer of the first may still be armed
            // in the second.
            let events = [1, 2].into_iter().filter(|&until| side.wait(until)).count();
            assert!(events <= 1);
        });
    });
}
