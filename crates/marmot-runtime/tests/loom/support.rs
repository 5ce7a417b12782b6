//! What the models share: plain words, elements of queues, and what waits.

use std::ptr::NonNull;

use loom::cell::Cell;
use loom::model::Builder;
use loom::sync::{Condvar, Mutex};

use crate::inbox::{Link, Linked};

/// Explores `model` with at most so many preemptions in a run.
pub fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.check(model);
}

/// A word without any ordering of its own, as the fields of a record are.
pub struct Plain(Cell<usize>);

// SAFETY: loom ends the model with an error when two accesses are not ordered by something else.
unsafe impl Sync for Plain {}
// SAFETY: as above.
unsafe impl Send for Plain {}

impl Plain {
    pub fn new(value: usize) -> Plain {
        Plain(Cell::new(value))
    }

    pub fn get(&self) -> usize {
        self.0.get()
    }

    pub fn set(&self, value: usize) {
        self.0.set(value);
    }
}

/// An element of a queue. Its number is written before it is queued, and read by who takes it.
pub struct Item {
    link: Link<Item>,
    number: Plain,
}

// SAFETY: `link` is a field of its own, which only queues use.
unsafe impl Linked for Item {
    fn link(&self) -> &Link<Item> {
        &self.link
    }
}

/// The elements of a model, which live as long as it runs.
pub struct Items(Vec<Item>);

impl Items {
    pub fn new(n: usize) -> Items {
        Items((0..n).map(|_| Item { link: Link::default(), number: Plain::new(usize::MAX) }).collect())
    }

    /// Makes element `i`, for its first queue.
    pub fn make(&self, i: usize) -> NonNull<Item> {
        self.0[i].number.set(i);
        NonNull::from(&self.0[i])
    }

    /// The number of an element that was taken from a queue.
    pub fn number(&self, item: NonNull<Item>) -> usize {
        let i = self.0.iter().position(|known| NonNull::from(known) == item).expect("queues invent nothing");
        assert_eq!(self.0[i].number.get(), i, "who takes an element sees what was written before");
        i
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Checks that the numbers are those of all elements, each once.
    pub fn assert_each_once(&self, mut taken: Vec<usize>) {
        taken.sort_unstable();
        assert_eq!(taken, (0..self.len()).collect::<Vec<_>>());
    }
}

/// What a thread waits at until another rings. One who waits for ever is a deadlock, which loom
/// reports.
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Default)]
struct State {
    pending: bool,
    rings: usize,
}

impl Bell {
    pub fn new() -> Bell {
        Bell { state: Mutex::new(State::default()), rung: Condvar::new() }
    }

    /// Ends the present wait or the next one.
    pub fn ring(&self) {
        let mut state = self.state.lock().unwrap();
        state.pending = true;
        state.rings += 1;
        self.rung.notify_one();
    }

    /// As [`Bell::ring`], for a waiter whose waits are each ended once.
    pub fn ready(&self) {
        assert!(!self.state.lock().unwrap().pending, "a waiter is readied once");
        self.ring();
    }

    pub fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        while !state.pending {
            state = self.rung.wait(state).unwrap();
        }
        state.pending = false;
    }

    /// A wait that does not wait.
    pub fn look(&self) {
        self.state.lock().unwrap().pending = false;
    }

    /// How often it was rung.
    pub fn rings(&self) -> usize {
        self.state.lock().unwrap().rings
    }

    /// Whether a ring has ended no wait yet.
    pub fn is_pending(&self) -> bool {
        self.state.lock().unwrap().pending
    }
}
