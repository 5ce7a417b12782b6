//! The model of the wake-up protocol: `src/wakeup.rs` itself, over a kernel of a few lines.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p marmot-poll --release --test loom`.

#![cfg(loom)]

#[path = "../src/primitive.rs"]
mod primitive;
#[path = "../src/wakeup.rs"]
mod wakeup;

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use self::wakeup::Wakeup;

/// A poller as the protocol sees it: the flag, and an edge-triggered bell in the kernel.
struct Poller {
    wakeup: Wakeup,
    bell: Mutex<Bell>,
    rung: Condvar,
    /// What is to be noticed. Relaxed, so that only the protocol makes it visible.
    done: AtomicUsize,
}

#[derive(Default)]
struct Bell {
    pending: bool,
    calls: usize,
}

impl Poller {
    fn new() -> Arc<Poller> {
        let (wakeup, done) = (Wakeup::new(), AtomicUsize::new(0));
        Arc::new(Poller { wakeup, bell: Mutex::default(), rung: Condvar::new(), done })
    }

    /// Does something that is to be noticed, and wakes.
    fn work(&self) {
        self.done.fetch_add(1, Relaxed);
        self.wake();
    }

    fn wake(&self) {
        if self.wakeup.raise() {
            let mut bell = self.bell.lock().unwrap();
            assert!(!bell.pending, "there is one bell at a time");
            bell.pending = true;
            bell.calls += 1;
            self.rung.notify_one();
        }
    }

    /// A poll that waits until it is woken. A lost wake-up is a deadlock, which loom reports.
    fn poll(&self) {
        let mut bell = self.bell.lock().unwrap();
        while !bell.pending {
            bell = self.rung.wait(bell).unwrap();
        }
        bell.pending = false;
        drop(bell);
        self.heard();
    }

    /// A poll that does not wait.
    fn look(&self) {
        let heard = std::mem::take(&mut self.bell.lock().unwrap().pending);
        if heard {
            self.heard();
        }
    }

    /// What a back end does once the kernel has reported the bell.
    fn heard(&self) {
        assert!(self.wakeup.is_raised(), "a bell means a wake-up");
        self.wakeup.lower();
    }
}

/// Polls until all of the work has been noticed.
fn notice(poller: &Poller, all: usize) {
    while poller.done.load(Relaxed) < all {
        poller.poll();
    }
}

#[test]
fn no_wake_up_is_lost() {
    loom::model(|| {
        let poller = Poller::new();
        let threads = [(); 2].map(|()| {
            let poller = Arc::clone(&poller);
            thread::spawn(move || poller.work())
        });
        notice(&poller, 2);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn no_wake_up_is_lost_in_a_second_round() {
    loom::model(|| {
        let poller = Poller::new();
        let thread = {
            let poller = Arc::clone(&poller);
            thread::spawn(move || {
                poller.work();
                poller.work();
            })
        };
        notice(&poller, 2);
        thread.join().unwrap();
    });
}

#[test]
fn a_poll_sees_what_every_wake_up_that_it_took_was_for() {
    loom::model(|| {
        let poller = Poller::new();
        let threads = [(); 2].map(|()| {
            let poller = Arc::clone(&poller);
            thread::spawn(move || poller.work())
        });
        poller.poll();
        let (seen, calls) = (poller.done.load(Relaxed), poller.bell.lock().unwrap().calls);
        // If both were one, the poll shows both. If not, a second bell has been or will be rung.
        if seen < 2 {
            poller.poll();
            assert_eq!(poller.done.load(Relaxed), 2);
            assert_eq!(poller.bell.lock().unwrap().calls, 2);
        }
        assert!((1..=2).contains(&calls));
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_poll_for_another_passes_its_wake_up_on() {
    loom::model(|| {
        let poller = Poller::new();
        let working = {
            let poller = Arc::clone(&poller);
            thread::spawn(move || poller.work())
        };
        let polling = {
            let poller = Arc::clone(&poller);
            thread::spawn(move || {
                poller.look();
                poller.wake();
            })
        };
        notice(&poller, 1);
        working.join().unwrap();
        polling.join().unwrap();
    });
}
