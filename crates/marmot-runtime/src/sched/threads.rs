//! Which threads the runtime has made, when, and by whom.
//!
//! A thread that has ended is only counted, by its kind and the place where it was made: spare threads come and go.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use super::stack;

/// So many places are told apart; the threads of others count together, without a stack.
const PLACES: usize = 1024;

/// What a thread is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThreadKind {
    /// It runs the goroutines of a runtime: an M.
    Machine,
    /// It runs closures that block.
    Spare,
    /// It fires the timers that plain threads have set, and those that runtimes have left.
    Timers,
}

/// A thread that the runtime has made and that has not ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Thread {
    /// What it is for.
    pub kind: ThreadKind,
    /// The number of the runtime that it belongs to, if it is an M: they are counted from 0 as they are started.
    pub runtime: Option<usize>,
    /// Its number there, if it is an M.
    pub m: Option<usize>,
    /// When it was made.
    pub made: SystemTime,
    /// The stack of who made it.
    pub stack: Vec<usize>,
}

/// Threads of one kind that were made at one place and have ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndedThreads {
    /// What they were for.
    pub kind: ThreadKind,
    /// The stack of who made them; empty for those of many places together.
    pub stack: Vec<usize>,
    /// How many they are.
    pub count: u64,
}

struct Made {
    next: u64,
    alive: Vec<(u64, Thread)>,
    ended: Option<HashMap<(ThreadKind, Vec<usize>), u64>>,
}

static MADE: Mutex<Made> = Mutex::new(Made { next: 0, alive: Vec::new(), ended: None });

fn made() -> MutexGuard<'static, Made> {
    // Nothing that panics runs under the lock.
    MADE.lock().unwrap_or_else(|e| e.into_inner())
}

/// A thread that the caller is about to make, for an M with this number in the runtime with that one.
pub(crate) fn machine(runtime: usize, m: usize) -> Thread {
    Thread { kind: ThreadKind::Machine, runtime: Some(runtime), m: Some(m), ..spare() }
}

/// A thread that the caller is about to make, for closures that block.
pub(crate) fn spare() -> Thread {
    Thread { kind: ThreadKind::Spare, runtime: None, m: None, made: SystemTime::now(), stack: stack::here() }
}

/// The thread that the caller is about to make, for timers.
pub(crate) fn timers() -> Thread {
    Thread { kind: ThreadKind::Timers, ..spare() }
}

/// Says that `thread` runs, until what is returned is dropped.
#[must_use = "the thread has ended when this is dropped"]
pub(crate) fn begin(thread: Thread) -> Alive {
    let mut made = made();
    let number = made.next;
    made.next += 1;
    made.alive.push((number, thread));
    Alive(number)
}

/// See [`begin`].
pub(crate) struct Alive(u64);

impl Drop for Alive {
    fn drop(&mut self) {
        let mut made = made();
        let Some(at) = made.alive.iter().position(|(number, _)| *number == self.0) else { return };
        let (_, thread) = made.alive.swap_remove(at);
        let ended = made.ended.get_or_insert_default();
        let mut place = (thread.kind, thread.stack);
        if ended.len() >= PLACES && !ended.contains_key(&place) {
            // A few more than the limit: one for each kind.
            place.1 = Vec::new();
        }
        *ended.entry(place).or_default() += 1;
    }
}

/// Those that run, and those that have ended.
pub(crate) fn all() -> (Vec<Thread>, Vec<EndedThreads>) {
    let made = made();
    let alive = made.alive.iter().map(|(_, thread)| thread.clone()).collect();
    let ended = made.ended.iter().flatten();
    let ended =
        ended.map(|((kind, stack), &count)| EndedThreads { kind: *kind, stack: stack.clone(), count }).collect();
    (alive, ended)
}
