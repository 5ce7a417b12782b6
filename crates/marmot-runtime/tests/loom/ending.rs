//! The end of a context: who ends it, a goroutine that waits again and again under it, its M, which runs errands and sleeps, and
//! somebody who readies the goroutine.

use loom::sync::Arc;
use loom::sync::atomic::{
    AtomicBool,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use loom::thread;

use crate::errands::Errands;
use crate::idle::{Idle, Sleeper};
use crate::roster::{Number, Roster, Why};
use crate::support::{Bell, Plain, explore};

#[derive(Debug, PartialEq)]
enum Ended {
    Readied,
    Cancelled,
}

/// A node, an M, and the place where its goroutine waits.
struct World {
    roster: Roster<()>,
    /// Written by who ends the node, and read by who hears of it.
    cause: Plain,
    errands: Errands<()>,
    sleeper: Sleeper,
    idle: Idle,
    bell: Bell,
    /// The goroutine is in its place.
    place: AtomicBool,
    /// The goroutine is in its M's inbox.
    inbox: AtomicBool,
}

impl World {
    fn new() -> Arc<World> {
        Arc::new(World {
            roster: Roster::new(),
            cause: Plain::new(0),
            errands: Errands::new(),
            sleeper: Sleeper::new(),
            idle: Idle::new(1),
            bell: Bell::new(),
            place: AtomicBool::new(false),
            inbox: AtomicBool::new(false),
        })
    }

    fn retract(&self) -> bool {
        self.place.compare_exchange(true, false, AcqRel, Relaxed).is_ok()
    }

    fn nudge(&self) {
        if self.sleeper.wake() {
            self.bell.ring();
        }
    }

    /// As `Node::end`.
    fn end(&self) {
        assert!(self.roster.mark(Why::Cancelled, || self.cause.set(1), |()| {}), "it ends once");
        let mut told = false;
        self.roster.take(|()| told = true);
        if told {
            assert!(self.errands.send(()).is_ok(), "the M has not left");
            self.nudge();
        }
    }

    /// As somebody who has what the goroutine waits for, at some time.
    fn ready(&self) {
        if self.retract() {
            self.inbox.store(true, Release);
            self.nudge();
        }
    }

    /// A wait of the goroutine, and what its M does meanwhile.
    fn wait(&self, entered: &mut Option<Number>) -> Ended {
        self.place.store(true, Release);
        if entered.is_none() {
            *entered = self.roster.enter(()).ok();
        }
        if self.roster.state().is_some() && self.retract() {
            return self.cancelled();
        }
        loop {
            if self.inbox.load(Acquire) {
                self.inbox.store(false, Relaxed);
                return Ended::Readied;
            }
            if self.errands.asked() {
                for () in self.errands.take() {
                    if self.roster.state().is_some() && self.retract() {
                        return self.cancelled();
                    }
                }
            } else {
                self.sleep();
            }
        }
    }

    fn cancelled(&self) -> Ended {
        assert_eq!(self.cause.get(), 1, "who hears of the end sees why");
        Ended::Cancelled
    }

    fn sleep(&self) {
        self.sleeper.prepare();
        self.idle.enter(0);
        if self.errands.asked() || self.inbox.load(Acquire) {
            self.bell.look();
        } else {
            self.bell.wait();
        }
        self.sleeper.finish();
        assert!(!self.idle.leave(0), "nobody claims");
    }
}

#[test]
fn an_end_reaches_who_waits() {
    explore(3, || {
        let world = World::new();
        let ender = {
            let world = Arc::clone(&world);
            thread::spawn(move || world.end())
        };
        let mut entered = None;
        assert_eq!(world.wait(&mut entered), Ended::Cancelled);
        ender.join().unwrap();
        // What comes after the end is ended at once.
        assert_eq!(world.wait(&mut entered), Ended::Cancelled);
        assert!(entered.is_none_or(|number| world.roster.leave(number).is_none()), "the end has taken the entry");
    });
}

#[test]
fn a_wait_has_one_end_and_the_next_hears_of_the_context() {
    explore(2, || {
        let world = World::new();
        let ender = {
            let world = Arc::clone(&world);
            thread::spawn(move || world.end())
        };
        let readier = {
            let world = Arc::clone(&world);
            thread::spawn(move || world.ready())
        };
        let mut entered = None;
        // Each wait that is readied uses up the one who readies.
        if world.wait(&mut entered) == Ended::Readied {
            assert_eq!(world.wait(&mut entered), Ended::Cancelled);
        }
        ender.join().unwrap();
        readier.join().unwrap();
        assert!(!world.place.load(Relaxed) && !world.inbox.load(Relaxed));
    });
}

#[test]
fn who_enters_is_taken_leaves_or_is_refused() {
    explore(3, || {
        let roster = Arc::new(Roster::new());
        let others = [1, 2].map(|entry| {
            let roster = Arc::clone(&roster);
            thread::spawn(move || match roster.enter(entry) {
                Ok(number) => roster.leave(number).is_some(),
                Err(refused) => {
                    assert!(refused == entry && roster.state() == Some(Why::Deadline));
                    true
                }
            })
        });
        let mut taken = 0;
        assert!(roster.mark(Why::Deadline, || (), |_| {}));
        roster.take(|_| taken += 1);
        let gone = others.into_iter().map(|other| other.join().unwrap()).filter(|&gone| gone).count();
        assert_eq!(taken + gone, 2);
        assert_eq!(roster.len(), 0);
    });
}
