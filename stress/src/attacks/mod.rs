//! The attacks: each is a loop of small bouts that goes on until the round is over, and checks what it can see.
//!
//! Most of them run inside of the runtime, as goroutines; some are plain threads, which see it from outside.

mod blocking;
mod crowds;
mod doors;
mod frames;
mod local;
mod outsiders;
mod park;
mod runtimes;
mod scopes;
mod stacks;
mod time;
mod trees;
mod yields;

use std::sync::Arc;

use marmot::Runtime;

use crate::chance::Chance;
use crate::counts::What;
use crate::echo;
use crate::ground::Ground;

/// An attack. What it counts goes up as long as it gets on.
#[derive(Debug)]
pub struct Attack {
    pub name: &'static str,
    pub counts: What,
    pub runs: Runs,
}

/// Where an attack runs.
#[derive(Clone, Copy, Debug)]
pub enum Runs {
    /// As a goroutine.
    Inside(fn(&Arc<Ground>)),
    /// On a plain thread.
    Outside(fn(&Arc<Ground>, &Runtime)),
}

pub const ALL: &[Attack] = &[
    Attack { name: "echo", counts: What::RoundTrips, runs: Runs::Inside(echo::run) },
    Attack { name: "trees", counts: What::Joins, runs: Runs::Inside(trees::run) },
    Attack { name: "park", counts: What::Unparks, runs: Runs::Inside(park::run) },
    Attack { name: "time", counts: What::Sleeps, runs: Runs::Inside(time::run) },
    Attack { name: "yields", counts: What::Yields, runs: Runs::Inside(yields::run) },
    Attack { name: "scopes", counts: What::Borrows, runs: Runs::Inside(scopes::run) },
    Attack { name: "blocking", counts: What::Blocking, runs: Runs::Inside(blocking::run) },
    Attack { name: "local", counts: What::Local, runs: Runs::Inside(local::run) },
    Attack { name: "stacks", counts: What::Stacks, runs: Runs::Inside(stacks::run) },
    Attack { name: "crowds", counts: What::Crowds, runs: Runs::Inside(crowds::run) },
    Attack { name: "doors", counts: What::Doors, runs: Runs::Inside(doors::run) },
    Attack { name: "frames", counts: What::Frames, runs: Runs::Inside(frames::run) },
    Attack { name: "outsiders", counts: What::Outside, runs: Runs::Outside(outsiders::run) },
    Attack { name: "runtimes", counts: What::Runtimes, runs: Runs::Outside(runtimes::run) },
];

/// Bouts with a rest after each, until the round is over.
fn bouts(ground: &Arc<Ground>, name: &str, mut bout: impl FnMut(&mut Chance)) {
    let mut chance = ground.chance(name, &[]);
    while !ground.is_over() {
        bout(&mut chance);
        ground.rest(&mut chance);
    }
}
