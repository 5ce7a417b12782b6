//! A lock for a few instructions.
//!
//! Giving it up is a plain store: half of what taking and giving up costs is saved, and with it a fifth of what a message through a
//! channel costs. So nobody can be told that it is free again, and who finds it taken looks again and again: spinning, then offering
//! the core, then sleeping for a little ([`relax`]). That is right only because nobody holds it for long: those who have it neither
//! park nor call what they do not know.

use crate::primitive::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::primitive::{constant, relax};

/// See the module.
pub(super) struct Lock(AtomicBool);

impl Lock {
    constant! {
        pub(super) fn new() -> Lock {
            Lock(AtomicBool::new(false))
        }
    }

    #[inline]
    pub(super) fn acquire(&self) {
        let mut turn = 0;
        // Acquire pairs with the Release in `release`.
        while self.0.compare_exchange_weak(false, true, Acquire, Relaxed).is_err() {
            relax(turn);
            turn += 1;
        }
    }

    /// For who has it.
    #[inline]
    pub(super) fn release(&self) {
        self.0.store(false, Release);
    }
}
