//! What stands for `sync::wait`: a wait that is ended by who has what is waited for, or otherwise.
//!
//! What ends it otherwise does so by `retract` or `lose`, which lock the list; so it does not matter which thread that is, and here it is
//! the waiter's own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::context::Error;
use crate::list::{Fate, Waiter};
use crate::sched::{self, Ended, WaitReason};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Nothing ends it.
    Never,
    /// It is cancelled at some moment.
    Cancelled,
    /// It does not go on.
    Lost,
    /// It is cancelled, and does not go on after that.
    CancelledAndLost,
}

impl Limit {
    pub const NONE: Limit = Limit::Never;
    pub const CONTEXT: Limit = Limit::Cancelled;

    /// A time that does not come.
    pub fn time(_until: u64) -> Limit {
        Limit::Never
    }

    pub fn or_context(self) -> Limit {
        self
    }

    pub fn observes(self) -> bool {
        matches!(self, Limit::Cancelled | Limit::CancelledAndLost)
    }

    pub fn check(self) -> Result<(), Error> {
        Ok(())
    }

    pub fn has_ended(self) -> bool {
        false
    }
}

pub fn why(_ended: Ended) -> Error {
    Error
}

pub trait Queue: Sync {
    fn retract(&self, waiter: &Waiter) -> bool;
    fn lose(&self, waiter: &Waiter);
}

pub fn wait<Q: Queue>(queue: &Q, waiter: &Waiter, reason: WaitReason, limit: Limit) -> Ended {
    if limit.observes() {
        // From here on, nobody gives anything to it.
        sched::note_end(waiter.gp, true);
    }
    if limit.observes() && queue.retract(waiter) {
        if limit == Limit::Cancelled {
            return Ended::Cancelled;
        }
    } else if matches!(limit, Limit::Never | Limit::Cancelled) {
        sched::park(waiter.gp, reason);
        return Ended::Readied;
    }
    queue.lose(waiter);
    // Somebody who has taken it out readies it, and its record stays until then.
    if waiter.fate.get() != Fate::Waits {
        sched::park(waiter.gp, reason);
    }
    resume_unwind(Box::new(Gone))
}

/// That the goroutine does not go on.
struct Gone;

/// Calls `f`; none if it did not go on.
pub fn unless_lost<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| assert!(payload.is::<Gone>(), "it panics")).ok()
}
