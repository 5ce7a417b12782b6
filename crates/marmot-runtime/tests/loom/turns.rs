//! Turns at one direction of a descriptor.

use loom::sync::Arc;
use loom::thread;

use crate::sched::{self, Ended};
use crate::support::{Bell, Plain, explore};
use crate::turn::Turn;

struct Side {
    turn: Turn,
    /// What only the holder of the turn touches.
    reads: Plain,
}

impl Side {
    fn new() -> Side {
        Side { turn: Turn::new(), reads: Plain::new(0) }
    }

    fn run(&self) {
        self.turn.take();
        self.reads.set(self.reads.get() + 1);
        self.turn.give();
    }

    /// True if it had its turn.
    fn run_or_give_up(&self) -> bool {
        let taken = self.turn.take_or_cancelled() == Ended::Readied;
        if taken {
            self.reads.set(self.reads.get() + 1);
            self.turn.give();
        }
        taken
    }

    fn try_run(&self) -> bool {
        let taken = self.turn.try_take();
        if taken {
            self.reads.set(self.reads.get() + 1);
            self.turn.give();
        }
        taken
    }
}

#[test]
fn three_take_turns() {
    explore(3, || {
        let side = Arc::new(Side::new());
        let others = [(); 2].map(|()| {
            let side = Arc::clone(&side);
            thread::spawn(move || side.run())
        });
        side.run();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(side.reads.get(), 3);
        assert!(side.try_run(), "the turn is free at the end");
    });
}

#[test]
fn who_does_not_wait_keeps_nobody_from_waiting() {
    explore(3, || {
        let side = Arc::new(Side::new());
        let waits = {
            let side = Arc::clone(&side);
            thread::spawn(move || side.run())
        };
        let tries = {
            let side = Arc::clone(&side);
            thread::spawn(move || side.try_run())
        };
        side.run();
        side.run();
        waits.join().unwrap();
        let tried = tries.join().unwrap();
        assert_eq!(side.reads.get(), 3 + usize::from(tried));
    });
}

#[test]
fn two_turns_share_a_queue() {
    explore(2, || {
        let sides = Arc::new([Side::new(), Side::new()]);
        let others = [0, 1].map(|i| {
            let sides = Arc::clone(&sides);
            thread::spawn(move || sides[i].run())
        });
        sides[0].turn.take();
        sides[1].run();
        sides[0].turn.give();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!((sides[0].reads.get(), sides[1].reads.get()), (1, 2));
    });
}

#[test]
fn who_gives_up_takes_no_turn_and_leaves_none_behind() {
    explore(3, || {
        let side = Arc::new(Side::new());
        let waits = {
            let side = Arc::clone(&side);
            thread::spawn(move || side.run())
        };
        let gives_up = {
            let side = Arc::clone(&side);
            thread::spawn(move || side.run_or_give_up())
        };
        side.run();
        waits.join().unwrap();
        let had_it = gives_up.join().unwrap();
        assert_eq!(side.reads.get(), 2 + usize::from(had_it));
        assert!(side.try_run(), "the turn is free at the end");
    });
}

#[test]
fn who_does_not_go_on_passes_the_turn_on() {
    explore(3, || {
        let (side, until) = (Arc::new(Side::new()), Arc::new(Bell::new()));
        let lost = {
            let (side, until) = (Arc::clone(&side), Arc::clone(&until));
            thread::spawn(move || sched::lost(until, || side.run()).is_some())
        };
        let other = {
            let side = Arc::clone(&side);
            thread::spawn(move || side.run())
        };
        side.run();
        other.join().unwrap();
        until.ring();
        let had_it = lost.join().unwrap();
        assert_eq!(side.reads.get(), 2 + usize::from(had_it));
        assert!(side.try_run(), "the turn is free at the end");
    });
}
