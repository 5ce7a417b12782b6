//! The ticks of pools: who puts something in, a tick, and one that comes meanwhile.
//!
//! A pool is two flags here, one for each generation: something is kept, or nothing. The timer is a flag as well. At the end
//! of each model time passes, and the timer fires as long as it is armed: after a few ticks nothing must be kept, and no
//! timer be armed. Time stands still otherwise, so `now` says how late it is for who puts something in.

use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::due::{Aging, Due, INTERVAL, PATIENCE};

struct World {
    kept: [AtomicBool; 2],
    generation: AtomicUsize,
    aging: Aging,
    due: Due,
    /// Timers are armed and fire under a lock.
    is_armed: Mutex<bool>,
}

const EARLY: u64 = 1;
/// When a tick that was asked for early is taken for lost.
const LATE: u64 = EARLY + (INTERVAL.as_nanos() + PATIENCE.as_nanos()) as u64 + 1;

impl World {
    /// A pool that keeps something, and a timer that is armed for it.
    fn new() -> Arc<World> {
        let world = World {
            kept: [AtomicBool::new(false), AtomicBool::new(false)],
            generation: AtomicUsize::new(0),
            aging: Aging::new(),
            due: Due { at: AtomicU64::new(0), is_ticking: AtomicBool::new(false) },
            is_armed: Mutex::new(false),
        };
        world.put(EARLY);
        assert!(*world.is_armed.lock().unwrap());
        Arc::new(world)
    }

    fn arm(&self) {
        *self.is_armed.lock().unwrap() = true;
    }

    fn put(&self, now: u64) {
        self.kept[self.generation.load(Relaxed) & 1].store(true, Release);
        if self.aging.begins() {
            self.due.ask(now, || self.arm());
        }
    }

    fn tick(&self) {
        let turn = || {
            let generation = self.generation.load(Relaxed);
            self.kept[(generation & 1) ^ 1].swap(false, Acquire);
            self.generation.store(generation.wrapping_add(1), Relaxed);
        };
        let is_empty = || !self.kept.iter().any(|kept| kept.load(Relaxed));
        self.due.tick(|| EARLY, || self.aging.turn(turn, is_empty), || self.aging.wants_a_tick(), || self.arm());
    }

    /// Whether the timer fires.
    fn fire(&self) -> bool {
        let fires = std::mem::take(&mut *self.is_armed.lock().unwrap());
        if fires {
            self.tick();
        }
        fires
    }

    fn end(&self) {
        let ticks = (0..10).take_while(|_| self.fire()).count();
        assert!(ticks < 10, "ticks come for ever");
        assert!(
            !self.kept.iter().any(|kept| kept.load(Relaxed)),
            "something is kept after {ticks} ticks, and none comes"
        );
    }
}

/// Lets two threads do something with the world, and then time pass. So many ticks come before.
fn model(ticks: usize, one: fn(&World), other: fn(&World)) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(4);
    builder.check(move || {
        let world = World::new();
        (0..ticks).for_each(|_| assert!(world.fire()));
        let its = Arc::clone(&world);
        let thread = thread::spawn(move || one(&its));
        other(&world);
        thread.join().unwrap();
        world.end();
    });
}

fn fire(world: &World) {
    world.fire();
}

#[test]
fn what_is_put_in_while_a_tick_comes_is_dropped() {
    // The pool has something, is empty for the first time, and for the second time.
    for ticks in 0..3 {
        model(ticks, |world| world.put(EARLY), fire);
    }
}

#[test]
fn a_tick_that_came_while_another_one_ran_is_made_up_for() {
    // The first one takes so long that whoever puts something in takes its timer for lost and arms another, which fires
    // before the first has come to its end.
    for ticks in 0..3 {
        model(ticks, fire, |world| {
            world.put(LATE);
            fire(world);
        });
    }
}

#[test]
fn a_timer_and_somebody_who_looks_at_the_clock_may_both_tick() {
    for ticks in 0..3 {
        model(ticks, fire, |world| {
            world.put(EARLY);
            world.tick();
        });
    }
}
