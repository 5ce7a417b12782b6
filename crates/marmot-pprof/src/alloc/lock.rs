//! A lock that waits by spinning: inside an allocator there is nothing to sleep with.
//!
//! # Forks
//!
//! A fork takes all locks, so that its child finds none of them held, and nothing under them half done. That is not possible
//! for a fork by a signal handler that has interrupted this very thread under a lock: to wait for it would be for ever. Then
//! the child does without what is under the locks ([`abandon_all`]): it asks for none, and finds nothing there. The one thread
//! that it has goes on after the handler with the lock that it holds, and lets it go.

use std::cell::UnsafeCell;
use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How often a thread looks at the lock before it offers its core to others.
const SPINS: usize = 100;

/// Whether this process is a child that can rely on none of the locks.
static ARE_ABANDONED: AtomicBool = AtomicBool::new(false);

/// Gives all locks up, for good. For a child that was forked by a thread that may have one.
pub(super) fn abandon_all() {
    ARE_ABANDONED.store(true, Ordering::Relaxed);
}

/// Whether they have been given up.
pub(super) fn are_abandoned() -> bool {
    ARE_ABANDONED.load(Ordering::Relaxed)
}

/// Held for some hundred nanoseconds, and rarely waited for.
pub(super) struct Lock<T> {
    is_held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached under the lock only, by one thread at a time.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(super) const fn new(value: T) -> Lock<T> {
        Lock { is_held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Calls `f` with the value, if the locks have not been given up; `f` does not panic.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        if !self.hold() {
            return None;
        }
        // SAFETY: the lock is held.
        let result = f(unsafe { &mut *self.value.get() });
        self.release();
        Some(result)
    }

    /// Takes the lock, for longer than a call; not if the locks have been given up.
    pub(super) fn hold(&self) -> bool {
        if are_abandoned() {
            return false;
        }
        let mut looks = 0;
        // Acquire pairs with the release below.
        while self.is_held.swap(true, Ordering::Acquire) {
            while self.is_held.load(Ordering::Relaxed) {
                looks += 1;
                if looks % SPINS == 0 {
                    thread::yield_now()
                } else {
                    hint::spin_loop()
                }
                // A handler has forked on this thread, and this is the child: who has the lock is not here.
                if are_abandoned() {
                    return false;
                }
            }
        }
        true
    }

    /// Lets it go, for whoever has it.
    pub(super) fn release(&self) {
        // Release pairs with the acquire in `hold`.
        self.is_held.store(false, Ordering::Release);
    }
}
