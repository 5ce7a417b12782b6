//! Which threads the runtime has made.

pub use crate::sched::threads::{EndedThreads, Thread, ThreadKind};

use crate::sched;

/// The threads that the runtime has made: those of the Ms, and the spare ones for calls that block.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Threads {
    /// Those that have not ended.
    pub alive: Vec<Thread>,
    /// Those that have, counted by the place where they were made.
    pub ended: Vec<EndedThreads>,
}

/// The threads that the runtime has made, with the stacks of those who made them.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::profile::{self, ThreadKind};
///
/// marmot::go(|| marmot::blocking(|| ())).join().unwrap();
/// assert!(profile::threads().alive.iter().any(|thread| thread.kind == ThreadKind::Spare));
/// ```
pub fn threads() -> Threads {
    let (alive, ended) = sched::threads::all();
    Threads { alive, ended }
}
