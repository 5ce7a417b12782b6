//! A lock for a few instructions.
//!
//! Giving it up is a plain store: half of what taking and giving up costs is saved, which is a large part of what a message through a
//! channel costs. So nobody can be told that it is free again, and who finds it taken looks again and again: spinning, then offering
//! the core, then sleeping for a little, so that one goes on who has lost his core to those who wait for him. That is right only
//! because nobody has it for long: those who do neither park nor call what they do not know.

use std::hint::spin_loop;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};
use std::thread;
use std::time::Duration;

/// How often one spins, and then yields, before one sleeps.
const TURNS: u32 = 64;

/// How long one sleeps: some times what it takes to be given a core.
const NAP: Duration = Duration::from_micros(50);

/// See the module.
pub(crate) struct Short(AtomicBool);

impl Short {
    pub(crate) const fn new() -> Short {
        Short(AtomicBool::new(false))
    }

    #[inline]
    pub(crate) fn acquire(&self) {
        // Acquire pairs with the Release in `release`, here and below.
        if self.0.compare_exchange_weak(false, true, Acquire, Relaxed).is_err() {
            self.acquire_slowly();
        }
    }

    #[cold]
    fn acquire_slowly(&self) {
        let mut turn = 0;
        // It is only read as long as it is taken, so that who has it keeps the cache line.
        while self.0.load(Relaxed) || self.0.compare_exchange_weak(false, true, Acquire, Relaxed).is_err() {
            if turn < TURNS {
                spin_loop();
            } else if turn < 2 * TURNS {
                thread::yield_now();
            } else {
                thread::sleep(NAP);
            }
            turn += 1;
        }
    }

    /// For who has it.
    #[inline]
    pub(crate) fn release(&self) {
        self.0.store(false, Release);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::UnsafeCell;

    use super::*;

    struct Guarded(Short, UnsafeCell<usize>);

    // SAFETY: the cell is touched with the lock only.
    unsafe impl Sync for Guarded {}

    #[test]
    fn one_at_a_time_has_it() {
        const TURNS: usize = 20_000;
        let guarded = Guarded(Short::new(), UnsafeCell::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let guarded = &guarded;
                    for _ in 0..TURNS {
                        guarded.0.acquire();
                        // SAFETY: we have the lock.
                        unsafe { *guarded.1.get() += 1 };
                        guarded.0.release();
                    }
                });
            }
        });
        assert_eq!(guarded.1.into_inner(), 4 * TURNS);
    }
}
