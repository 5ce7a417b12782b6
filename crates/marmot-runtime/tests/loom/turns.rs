//! Turns at one direction of a descriptor.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use loom::thread;

use crate::sched;
use crate::support::{Bell, Plain, explore};
use crate::timer::limit::{NEVER, TIMED};
use crate::turn::{Missed, Turn};
use crate::waiting::Ticket;

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
        let taken = self.turn.take_or_cancelled().is_ok();
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

/// A condition of those that wait for the turn, as a close is.
struct Closing {
    side: Side,
    is_closed: AtomicBool,
    /// How many times one was readied without the turn.
    evictions: AtomicUsize,
}

impl Closing {
    fn new() -> Arc<Closing> {
        Arc::new(Closing { side: Side::new(), is_closed: AtomicBool::new(false), evictions: AtomicUsize::new(0) })
    }

    fn is_open(&self) -> bool {
        !self.is_closed.load(Relaxed)
    }

    /// As `PollDesc::close`.
    fn close(&self) {
        self.is_closed.store(true, Relaxed);
        self.side.turn.evict();
    }

    /// As `PollDesc::wait_turn`: true if it had its turn.
    fn run_while_open(&self, until: u64) -> bool {
        let mut ticket = Ticket::default();
        while self.is_open() {
            match self.side.turn.take_within(until, &mut ticket, || self.is_open()) {
                Ok(()) => {
                    self.side.reads.set(self.side.reads.get() + 1);
                    self.side.turn.give();
                    return true;
                }
                Err(Missed::Evicted) => {
                    self.evictions.fetch_add(1, Relaxed);
                }
                Err(_) => return false,
            }
        }
        false
    }
}

/// The holder does not hear of the close, and gives the turn up only when those that wait have gone.
#[test]
fn a_close_reaches_all_that_wait_for_the_turn() {
    explore(3, || {
        let closing = Closing::new();
        closing.side.turn.take();
        let others = [(); 2].map(|()| {
            let closing = Arc::clone(&closing);
            thread::spawn(move || assert!(!closing.run_while_open(NEVER)))
        });
        closing.close();
        for other in others {
            other.join().unwrap();
        }
        // One look each, for there was one change.
        assert!(closing.evictions.load(Relaxed) <= 2);
        closing.side.turn.give();
        assert!(closing.side.try_run(), "the turn is free at the end");
    });
}

#[test]
fn a_close_and_the_turn_do_not_both_ready_one() {
    explore(3, || {
        let closing = Closing::new();
        closing.side.turn.take();
        let waits = {
            let closing = Arc::clone(&closing);
            thread::spawn(move || closing.run_while_open(NEVER))
        };
        let closes = {
            let closing = Arc::clone(&closing);
            thread::spawn(move || closing.close())
        };
        closing.side.turn.give();
        closes.join().unwrap();
        let had_it = waits.join().unwrap();
        assert_eq!(closing.side.reads.get(), usize::from(had_it));
        assert!(closing.side.try_run(), "the turn is free at the end");
    });
}

/// One that queues up again, and one whose time has come, take no turn from others.
#[test]
fn an_eviction_loses_no_turn() {
    explore(2, || {
        let closing = Closing::new();
        let others = [NEVER, TIMED.as_secs()].map(|until| {
            let closing = Arc::clone(&closing);
            thread::spawn(move || closing.run_while_open(until))
        });
        closing.side.turn.take();
        closing.side.turn.evict();
        closing.side.turn.give();
        let [stays, times_out] = others.map(|other| other.join().unwrap());
        assert!(stays, "nothing was closed");
        assert_eq!(closing.side.reads.get(), 1 + usize::from(times_out));
        assert!(closing.side.try_run(), "the turn is free at the end");
    });
}
