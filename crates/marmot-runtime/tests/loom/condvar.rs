//! The notifications of a condition, with the lock of the mutex that goes with it.

use loom::sync::Arc;
use loom::thread;

use crate::list::Waiter;
use crate::raw::Raw;
use crate::sched::{self, Ended, WaitReason};
use crate::signal::Signal;
use crate::support::{Plain, explore};
use crate::wait::{Limit, unless_lost, wait};

struct Pair {
    raw: Raw,
    signal: Signal,
    /// What is waited for.
    things: Plain,
}

impl Pair {
    fn new() -> Arc<Pair> {
        Arc::new(Pair { raw: Raw::new(), signal: Signal::new(), things: Plain::new(0) })
    }

    fn put(&self) {
        self.raw.lock();
        self.things.set(self.things.get() + 1);
        self.raw.unlock();
        self.signal.notify_one();
    }

    /// Takes a thing, unless something else comes first.
    fn take(&self, limit: Limit) -> bool {
        self.raw.lock();
        loop {
            if self.things.get() > 0 {
                self.things.set(self.things.get() - 1);
                self.raw.unlock();
                return true;
            }
            let waiter = Waiter::new(sched::waiter(), limit.observes());
            // SAFETY: it is in no list, and stays here until the wait is over.
            unsafe { self.signal.enter(&waiter) };
            self.raw.unlock();
            if unless_lost(|| wait(&self.signal, &waiter, WaitReason::Mutex, limit)) != Some(Ended::Readied) {
                return false;
            }
            self.raw.lock();
        }
    }
}

/// One thing is put, and two want it, who put it back. One of them may not get it, by something else.
fn one_thing(preemptions: usize, limit: Limit) {
    explore(preemptions, move || {
        let pair = Pair::new();
        let ends = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || {
                if pair.take(limit) {
                    pair.put();
                }
            })
        };
        let waits = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || {
                assert!(pair.take(Limit::Never));
                pair.put();
            })
        };
        pair.put();
        ends.join().unwrap();
        waits.join().unwrap();
        assert_eq!(pair.things.get(), 1);
    });
}

#[test]
fn a_notification_reaches_somebody() {
    one_thing(3, Limit::Never);
}

#[test]
fn a_notification_is_not_lost_to_one_who_is_cancelled() {
    one_thing(3, Limit::Cancelled);
}

#[test]
fn a_notification_is_not_lost_to_one_who_does_not_go_on() {
    one_thing(3, Limit::Lost);
}

#[test]
fn all_are_notified() {
    explore(3, || {
        let pair = Pair::new();
        let all = [Limit::Never, Limit::Cancelled].map(|limit| {
            let pair = Arc::clone(&pair);
            thread::spawn(move || pair.take(limit))
        });
        pair.raw.lock();
        pair.things.set(2);
        pair.raw.unlock();
        pair.signal.notify_all();
        let taken = all.map(|one| usize::from(one.join().unwrap()));
        assert!(taken[0] == 1 && pair.things.get() == 1 - taken[1]);
    });
}
