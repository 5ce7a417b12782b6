//! `WaitGroup`: Go's.
//!
//! One word has the count, and `WAITED` if somebody may be in the list. Without `WAITED`, the count changes by exchanges. With it, the
//! step to zero is made with the list locked, clears `WAITED`, and takes all out who are there: so these, and nobody who came
//! for a later count, are readied. `WAITED` is set with the list locked, by an exchange that sees a count.
//!
//! To count down is a Release, and to see zero an Acquire; whoever makes the step to zero acquires what the others have released, and
//! readying and parking do the rest.

use std::fmt;
use std::sync::Arc;

use super::list::{Fate, List, Taken, Waiter};
use super::wait::{Limit, Queue, wait, why};
use crate::context;
use crate::primitive::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use crate::primitive::{Mutex, MutexGuard};
use crate::sched::{self, Ended, WaitReason, budget, clock};

const WAITED: usize = 1;
const ONE: usize = 2;
/// The count goes no higher.
const MOST: usize = isize::MAX as usize / ONE;

/// A count of what is under way, and who waits for it to be done: as Go's `sync.WaitGroup`.
///
/// Clones are the same group. When all is done, the group may be used again: who waits is let go when the count has been zero, whatever
/// is added after that.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::WaitGroup;
///
/// let all = WaitGroup::new();
/// for _ in 0..3 {
///     all.go(|| marmot::yield_now());
/// }
/// all.wait()?;
/// assert_eq!(all.count(), 0);
/// # Ok::<(), marmot::context::Error>(())
/// ```
#[derive(Clone)]
pub struct WaitGroup {
    shared: Arc<Shared>,
}

struct Shared {
    word: AtomicUsize,
    waiting: Mutex<List>,
}

impl WaitGroup {
    /// One whose count is zero.
    pub fn new() -> WaitGroup {
        WaitGroup { shared: Arc::new(Shared { word: AtomicUsize::new(0), waiting: Mutex::new(List::new()) }) }
    }

    /// Adds to the count; `n` may be less than zero. Who waits is let go when it is zero.
    ///
    /// Add before you start what counts down, or a [`wait`](WaitGroup::wait) meanwhile does not wait for it.
    ///
    /// # Panics
    ///
    /// If the count would be less than zero, or too large; it is as before then.
    pub fn add(&self, n: isize) {
        budget::charge(budget::CHECK);
        self.shared.add(n);
    }

    /// One is done: [`add`](WaitGroup::add)s −1.
    ///
    /// # Panics
    ///
    /// If the count is zero.
    pub fn done(&self) {
        self.shared.add(-1);
    }

    /// What has been added and is not done.
    pub fn count(&self) -> usize {
        budget::charge(budget::CHECK);
        self.shared.word.load(Relaxed) / ONE
    }

    /// Waits until the count is zero.
    ///
    /// # Errors
    ///
    /// If the caller's context ends before. If the count is zero, that is not looked at.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait.
    pub fn wait(&self) -> Result<(), context::Error> {
        budget::charge(budget::CHECK);
        self.shared.wait(Limit::CONTEXT)
    }

    /// As [`wait`](WaitGroup::wait), for so long at most.
    ///
    /// # Errors
    ///
    /// If the caller's context ends before; and if the time is over, then one that
    /// [`is_deadline_exceeded`](context::Error::is_deadline_exceeded).
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), for so long at most.
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait.
    pub fn wait_timeout(&self, limit: std::time::Duration) -> Result<(), context::Error> {
        budget::charge(budget::CHECK);
        self.shared.wait(Limit::time(clock::after(limit)).or_context())
    }
}

impl Shared {
    fn add(&self, n: isize) {
        let mut word = self.word.load(Relaxed);
        loop {
            let count = (word / ONE).checked_add_signed(n);
            let count = count.unwrap_or_else(|| panic!("the count of a wait group would be less than zero"));
            assert!(count <= MOST, "the count of a wait group would be too large");
            // Release and Acquire as the module says.
            let exchange = |to| self.word.compare_exchange(word, to, AcqRel, Relaxed);
            let changed = if count == 0 && word & WAITED != 0 {
                let mut waiting = self.waiting();
                exchange(0).map(|_| waiting.take_all(Fate::Woken))
            } else {
                exchange((count * ONE) | (word & WAITED)).map(|_| Taken::new())
            };
            match changed {
                Ok(taken) => return taken.ready(),
                Err(now) => word = now,
            }
        }
    }

    fn wait(&self, limit: Limit) -> Result<(), context::Error> {
        // Acquire pairs with the Release of who has counted down.
        if self.word.load(Acquire) / ONE == 0 {
            return Ok(());
        }
        limit.check()?;
        sched::spend();
        let waiter = Waiter::new(sched::waiter(), limit.observes());
        if !self.queue_up(&waiter) {
            return Ok(());
        }
        match wait(self, &waiter, WaitReason::WaitGroup, limit) {
            Ended::Readied => Ok(()),
            ended => Err(why(ended)),
        }
    }

    /// Puts the waiter into the list; false if the count is zero.
    fn queue_up(&self, waiter: &Waiter) -> bool {
        let mut waiting = self.waiting();
        // Acquire as in `wait`.
        let mut word = self.word.load(Acquire);
        loop {
            if word / ONE == 0 {
                return false;
            }
            match self.word.compare_exchange_weak(word, word | WAITED, Relaxed, Acquire) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        // SAFETY: it is in no list, and stays where it is until the wait is over.
        unsafe { waiting.push_back(waiter) };
        true
    }

    fn waiting(&self) -> MutexGuard<'_, List> {
        // Nothing that panics runs under the lock.
        self.waiting.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Queue for Shared {
    fn retract(&self, waiter: &Waiter) -> bool {
        // SAFETY: it waits here and nowhere else. `WAITED` may stay.
        unsafe { self.waiting().leave(waiter) }
    }

    fn lose(&self, waiter: &Waiter) {
        // Who is woken here takes nothing from others.
        self.retract(waiter);
    }
}

impl Default for WaitGroup {
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup").field("count", &self.count()).finish_non_exhaustive()
    }
}
