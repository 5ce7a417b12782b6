//! The lock of a mutex, with patient waiters and with such as lose their patience at once.

use loom::sync::Arc;
use loom::thread;

use crate::raw::Raw;
use crate::sched::{Ended, clock};
use crate::support::{Plain, explore};
use crate::wait::{Limit, unless_lost};

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

    /// A turn, unless something else comes first.
    fn turn_within(&self, limit: Limit) -> bool {
        let taken = unless_lost(|| self.raw.lock_within(limit) == Ended::Readied).unwrap_or(false);
        if taken {
            self.count();
        }
        taken
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

/// Two who wait as long as it takes, and one that something else may end; the lock is free at the end.
fn one_ends(preemptions: usize, step: u64, limit: Limit) {
    explore(preemptions, move || {
        clock::hurry(step);
        let guarded = Guarded::new();
        let ends = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || guarded.turn_within(limit))
        };
        let waits = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || (0..2).for_each(|_| guarded.turn()))
        };
        (0..2).for_each(|_| guarded.turn());
        waits.join().unwrap();
        let taken = ends.join().unwrap();
        assert_eq!(guarded.turns.get(), 4 + usize::from(taken));
        assert!(guarded.try_turn(), "the lock is free at the end");
    });
}

#[test]
fn who_is_cancelled_keeps_nobody_from_waiting() {
    one_ends(3, 0, Limit::Cancelled);
}

#[test]
fn who_is_cancelled_keeps_nobody_from_waiting_in_order() {
    one_ends(3, 1_000_000_000, Limit::Cancelled);
}

#[test]
fn who_does_not_go_on_keeps_nobody_from_waiting() {
    one_ends(3, 0, Limit::Lost);
}

#[test]
fn who_does_not_go_on_keeps_nobody_from_waiting_in_order() {
    one_ends(3, 1_000_000_000, Limit::Lost);
}
