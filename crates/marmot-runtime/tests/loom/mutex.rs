//! The lock of a mutex, with patient waiters and with such as lose their patience at once.

use loom::sync::Arc;
use loom::thread;

use crate::raw::Raw;
use crate::sched::clock;
use crate::support::{Plain, explore};

struct Guarded {
    raw: Raw,
    /// What only the holder of the lock touches.
    turns: Plain,
}

impl Guarded {
    fn new() -> Arc<Guarded> {
        Arc::new(Guarded { raw: Raw::new(), turns: Plain::new(0) })
    }

    fn turn(&self) {
        self.raw.lock();
        self.count();
    }

    fn try_turn(&self) -> bool {
        let taken = self.raw.try_lock();
        if taken {
            self.count();
        }
        taken
    }

    fn count(&self) {
        self.turns.set(self.turns.get() + 1);
        self.raw.unlock();
    }
}

/// Two others take so many turns each, and this one as many; at the end the lock is free and nobody waits.
fn take_turns(preemptions: usize, step: u64, turns: usize) {
    explore(preemptions, move || {
        clock::hurry(step);
        let guarded = Guarded::new();
        let others = [(); 2].map(|()| {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || (0..turns).for_each(|_| guarded.turn()))
        });
        (0..turns).for_each(|_| guarded.turn());
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(guarded.turns.get(), 3 * turns);
        assert!(guarded.try_turn(), "the lock is free at the end");
    });
}

#[test]
fn three_take_turns() {
    take_turns(3, 0, 1);
}

#[test]
fn three_take_turns_again_and_again() {
    take_turns(2, 0, 2);
}

#[test]
fn three_who_have_no_patience_take_turns() {
    take_turns(2, 1_000_000_000, 2);
}

#[test]
fn who_does_not_wait_keeps_nobody_from_waiting() {
    explore(3, || {
        let guarded = Guarded::new();
        let waits = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || guarded.turn())
        };
        let tries = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || guarded.try_turn())
        };
        guarded.turn();
        guarded.turn();
        waits.join().unwrap();
        let tried = tries.join().unwrap();
        assert_eq!(guarded.turns.get(), 3 + usize::from(tried));
    });
}
