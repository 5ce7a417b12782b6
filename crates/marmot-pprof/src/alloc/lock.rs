//! A lock that waits by spinning: inside an allocator there is nothing to sleep with.

use std::cell::UnsafeCell;
use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How often a thread looks at the lock before it offers its core to others.
const SPINS: usize = 100;

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

    /// Calls `f` with the value; `f` does not panic.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        self.hold();
        // SAFETY: the lock is held.
        let result = f(unsafe { &mut *self.value.get() });
        self.release();
        result
    }

    /// Takes the lock, for longer than a call.
    pub(super) fn hold(&self) {
        let mut looks = 0;
        // Acquire pairs with the release below.
        while self.is_held.swap(true, Ordering::Acquire) {
            while self.is_held.load(Ordering::Relaxed) {
                looks += 1;
                if looks % SPINS == 0 { thread::yield_now() } else { hint::spin_loop() }
            }
        }
    }

    /// Lets it go, for whoever has it.
    pub(super) fn release(&self) {
        // Release pairs with the acquire in `hold`.
        self.is_held.store(false, Ordering::Release);
    }
}
