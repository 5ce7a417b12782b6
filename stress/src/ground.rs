//! The ground that all attacks of a round share: what they were told, what they count, and whether it is over.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::attacks::Attack;
use crate::chance::Chance;
use crate::counts::{Counts, What};
use crate::echo::{Board, Server};

/// The longest rest between two bouts of an attack: the connections are to have most of the processor's time.
const REST_MICROS: u64 = 10_000;

/// A round: one seed on one number of Ps.
pub struct Ground {
    pub seed: u64,
    pub procs: usize,
    pub conns: usize,
    pub round_trips: u64,
    /// Nothing that waits for something that is bound to happen may take longer.
    pub patience: Duration,
    pub counts: Counts,
    pub server: Arc<Server>,
    /// What each connection is doing.
    pub board: Board,
    pub fronts: Vec<Front>,
    /// Goroutines that were left waiting on purpose.
    pub left: AtomicUsize,
    /// Panics that may still be made: each costs a line on standard error.
    panics: AtomicU64,
    over: AtomicBool,
}

/// What a round is told.
pub struct Orders {
    pub seed: u64,
    pub procs: usize,
    pub conns: usize,
    pub round_trips: u64,
    pub patience: Duration,
}

/// An attack in a round.
pub struct Front {
    pub attack: &'static Attack,
    running: AtomicBool,
}

impl Ground {
    pub fn new(orders: &Orders, attacks: &[&'static Attack], server: Arc<Server>) -> Ground {
        let &Orders { seed, procs, conns, round_trips, patience } = orders;
        Ground {
            seed,
            procs,
            conns,
            round_trips,
            patience,
            counts: Counts::new(),
            server,
            board: Board::new(conns),
            fronts: attacks.iter().map(|attack| Front { attack, running: AtomicBool::new(true) }).collect(),
            left: AtomicUsize::new(0),
            panics: AtomicU64::new(5),
            over: AtomicBool::new(false),
        }
    }

    /// The generator of whoever has this name and these numbers.
    pub fn chance(&self, name: &str, numbers: &[u64]) -> Chance {
        Chance::of(self.seed, name, numbers)
    }

    pub fn count(&self, what: What, n: u64) {
        self.counts.add(what, n);
    }

    /// Whether enough messages have come back.
    pub fn has_enough(&self) -> bool {
        self.counts.get(What::RoundTrips) >= self.round_trips
    }

    /// Whether the attacks are to end.
    pub fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }

    pub fn end(&self) {
        self.over.store(true, Relaxed);
    }

    /// Lets the others have the processor for a while.
    pub fn rest(&self, chance: &mut Chance) {
        marmot::sleep(chance.micros(REST_MICROS));
    }

    /// Whether the caller may panic on purpose.
    pub fn may_panic(&self) -> bool {
        self.panics.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

impl Front {
    /// Runs the attack to its end.
    pub fn fight(&self, f: impl FnOnce()) {
        f();
        // Release pairs with the Acquire in `is_running`: the watchdog that sees the end sees all counts.
        self.running.store(false, Release);
    }

    pub fn is_running(&self) -> bool {
        self.running.load(Acquire)
    }
}

/// The state of the round, for a report.
impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {} Ps, {} connections", self.seed, self.procs, self.conns)?;
        writeln!(f, "counted: {}", self.counts)?;
        let running = self.fronts.iter().filter(|front| front.is_running()).map(|front| front.attack.name);
        writeln!(f, "running: {}", running.collect::<Vec<_>>().join(", "))?;
        writeln!(f, "server: {}", self.server)?;
        write!(f, "{}", self.board)
    }
}

/// A goroutine's thread, which it never leaves.
pub struct Home(ThreadId);

impl Home {
    pub fn here() -> Home {
        Home(thread::current().id())
    }

    /// Asserts that the caller has not moved.
    #[track_caller]
    pub fn check(&self) {
        assert_eq!(self.0, thread::current().id(), "a goroutine that had started has moved");
    }
}
