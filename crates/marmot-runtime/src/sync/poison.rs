//! Poison: that somebody has panicked while a lock was held.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{LockResult, PoisonError};

use crate::sched;

/// Whether a lock is poisoned. What is guarded is ordered by the lock, and this with it.
pub(super) struct Poison(AtomicBool);

/// What was when somebody took the lock.
#[derive(Clone, Copy)]
pub(super) struct Entered {
    /// Whether the owner was unwinding already: then a panic is not this lock's affair.
    has_unwound: bool,
}

impl Poison {
    #[inline]
    pub(super) const fn new() -> Poison {
        Poison(AtomicBool::new(false))
    }

    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }

    #[inline]
    pub(super) fn clear(&self) {
        self.0.store(false, Relaxed);
    }

    /// Somebody takes the lock.
    #[inline]
    pub(super) fn enter(&self) -> Entered {
        Entered { has_unwound: sched::is_unwinding() }
    }

    /// The same one gives it up.
    #[inline]
    pub(super) fn leave(&self, entered: Entered) {
        if !entered.has_unwound && sched::is_unwinding() {
            self.0.store(true, Relaxed);
        }
    }

    /// `what`, as an error if the lock is poisoned.
    #[inline]
    pub(super) fn check<T>(&self, what: T) -> LockResult<T> {
        if self.is_set() { Err(PoisonError::new(what)) } else { Ok(what) }
    }
}
