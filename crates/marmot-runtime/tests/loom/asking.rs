//! Errands for one M: those who send them, and the M, which sleeps in between, and leaves.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;

use crate::errands::Errands;
use crate::idle::{Idle, Sleeper};
use crate::support::{Bell, explore};

/// What an errand holds. How often it has come to its end is counted when it is dropped, as who waits for it counts.
struct Errand {
    parts: usize,
    ended: Arc<AtomicUsize>,
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Relaxed);
    }
}

struct M {
    errands: Errands<Errand>,
    sleeper: Sleeper,
    idle: Idle,
    bell: Bell,
}

impl M {
    fn new() -> Arc<M> {
        Arc::new(M { errands: Errands::new(), sleeper: Sleeper::new(), idle: Idle::new(1), bell: Bell::new() })
    }

    /// True if the M has not left.
    fn send(&self, parts: usize, ended: &Arc<AtomicUsize>) -> bool {
        let sent = self.errands.send(Errand { parts, ended: Arc::clone(ended) }).is_ok();
        if sent && self.sleeper.wake() {
            self.bell.ring();
        }
        sent
    }

    /// Runs a part of each. Returns how many are done.
    fn run(&self) -> usize {
        let mut done = 0;
        for mut errand in self.errands.take() {
            errand.parts -= 1;
            if errand.parts == 0 {
                done += 1;
            } else {
                assert!(self.errands.send(errand).is_ok(), "it has not left");
            }
        }
        done
    }

    fn sleep(&self) {
        self.sleeper.prepare();
        self.idle.enter(0);
        if self.errands.asked() {
            self.bell.look();
        } else {
            self.bell.wait();
        }
        self.sleeper.finish();
        assert!(!self.idle.leave(0), "nobody claims");
    }
}

#[test]
fn none_is_left_to_one_who_sleeps() {
    explore(3, || {
        let (m, ended) = (M::new(), Arc::new(AtomicUsize::new(0)));
        let askers = [1, 2].map(|parts| {
            let (m, ended) = (Arc::clone(&m), Arc::clone(&ended));
            thread::spawn(move || assert!(m.send(parts, &ended)))
        });
        let mut done = 0;
        while done < 2 {
            if m.errands.asked() {
                done += m.run();
            } else {
                m.sleep();
            }
        }
        for asker in askers {
            asker.join().unwrap();
        }
        assert_eq!(ended.load(Relaxed), 2, "each has come to its end once");
    });
}

#[test]
fn one_who_leaves_takes_drops_or_refuses_them() {
    explore(3, || {
        let (m, ended) = (M::new(), Arc::new(AtomicUsize::new(0)));
        let askers = [1, 2].map(|parts| {
            let (m, ended) = (Arc::clone(&m), Arc::clone(&ended));
            thread::spawn(move || m.send(parts, &ended))
        });
        let taken = if m.errands.asked() { m.run() } else { 0 };
        let dropped = m.errands.close().len();
        let accepted = askers.map(|asker| asker.join().unwrap());
        assert_eq!(taken + dropped, accepted.iter().filter(|&&accepted| accepted).count());
        assert_eq!(ended.load(Relaxed), 2, "each has come to its end once");
        assert!(!m.errands.asked());
        assert!(!m.send(1, &ended), "it has left");
    });
}
