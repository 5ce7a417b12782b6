//! `Barrier`: `std`'s, but it parks the goroutine.
//!
//! Who comes goes into a list, under its lock; the last one takes all others out and readies them. Under the same lock, one whose wait is
//! ended otherwise leaves the list, and does not count any more; nor does one that is still in the list, but whose context has ended.
//! One that does not go on because its runtime has stopped has come all the same: it counts, and is not readied.

use std::fmt;

use super::list::{Fate, List, Waiter};
use super::wait::{Limit, Queue, wait, why};
use crate::context;
use crate::primitive::{Mutex, MutexGuard, constant};
use crate::sched::{self, Ended, WaitReason};

/// A place where so many wait for each other, as [`std::sync::Barrier`]: it parks the goroutine.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use marmot_runtime as marmot;
/// use marmot::sync::Barrier;
///
/// let barrier = Arc::new(Barrier::new(3));
/// let others: Vec<_> = (0..2)
///     .map(|_| {
///         let barrier = Arc::clone(&barrier);
///         marmot::go(move || barrier.wait().is_leader())
///     })
///     .collect();
/// let leads = barrier.wait().is_leader();
/// let leaders = others.into_iter().map(|other| other.join().unwrap()).chain([leads]);
/// assert_eq!(leaders.filter(|&leads| leads).count(), 1);
/// ```
pub struct Barrier {
    size: usize,
    inside: Mutex<Inside>,
}

struct Inside {
    /// How many have come in this round.
    count: usize,
    waiting: List,
}

/// What [`Barrier::wait`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl BarrierWaitResult {
    /// Whether the caller is the one of its round that is chosen: the last one that came.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}

impl Barrier {
    constant! {
        /// One for `n`. With 0 or 1, nobody waits.
        pub fn new(n: usize) -> Barrier {
            Barrier { size: n, inside: Mutex::new(Inside { count: 0, waiting: List::new() }) }
        }
    }

    /// Waits until all have come. Then the next round begins.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    ///
    /// # Cancellation
    ///
    /// Nothing else ends the wait: see [`wait_or_cancelled`](Barrier::wait_or_cancelled).
    pub fn wait(&self) -> BarrierWaitResult {
        match self.come(Limit::NONE) {
            Ok(result) => result,
            Err(_) => unreachable!("nothing else ends the wait"),
        }
    }

    /// As [`wait`](Barrier::wait), unless the caller's context ends before.
    ///
    /// # Errors
    ///
    /// If the context has ended. Then the caller has not come: the others wait for another one.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait.
    pub fn wait_or_cancelled(&self) -> Result<BarrierWaitResult, context::Error> {
        Limit::CONTEXT.check()?;
        self.come(Limit::CONTEXT).map_err(why)
    }

    fn come(&self, limit: Limit) -> Result<BarrierWaitResult, Ended> {
        sched::spend();
        let waiter = Waiter::new(sched::waiter(), limit.observes());
        let mut inside = self.inside();
        inside.count += 1;
        if inside.count >= self.size {
            // One look at each context: who counts is let through, whatever ends meanwhile.
            inside.count -= inside.waiting.dismiss();
        }
        if inside.count >= self.size {
            inside.count = 0;
            let taken = inside.waiting.take_present(Fate::Woken);
            drop(inside);
            taken.ready();
            return Ok(BarrierWaitResult { is_leader: true });
        }
        // SAFETY: it is in no list, and stays here until the wait is over.
        unsafe { inside.waiting.push_back(&waiter) };
        drop(inside);
        match wait(self, &waiter, WaitReason::Barrier, limit) {
            Ended::Readied => Ok(BarrierWaitResult { is_leader: false }),
            ended => Err(ended),
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Nothing that panics runs under the lock.
        self.inside.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Queue for Barrier {
    fn retract(&self, waiter: &Waiter) -> bool {
        let mut inside = self.inside();
        // One that was dismissed does not count any more.
        inside.count -= usize::from(waiter.is_listed());
        // SAFETY: it waits here and nowhere else.
        unsafe { inside.waiting.leave(waiter) }
    }

    fn lose(&self, waiter: &Waiter) {
        // SAFETY: as above.
        unsafe { self.inside().waiting.leave(waiter) };
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}
