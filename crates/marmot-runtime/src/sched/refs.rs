//! A count of references that whoever makes or drops one changes.

use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

/// More references than this are a leak that must not become a use after free. The room above it is
/// for threads that count at the same time.
const MAX: u32 = u32::MAX / 2;

/// See the module.
pub(crate) struct Refs(AtomicU32);

impl Refs {
    pub(crate) const fn new(count: u32) -> Refs {
        Refs(AtomicU32::new(count))
    }

    /// Begins anew with one, for the only one who knows of it.
    pub(crate) fn begin(&self) {
        self.0.store(1, Relaxed);
    }

    /// Counts one more; `too_many` is what to say of a leak.
    #[inline]
    pub(crate) fn share(&self, too_many: &str) {
        // Relaxed: a new reference is made from one that exists.
        if self.0.fetch_add(1, Relaxed) > MAX {
            super::fatal(too_many, &"they were leaked");
        }
    }

    /// Counts one less; true if that was the last one.
    #[inline]
    #[must_use = "whoever gives the last one up has to clean up"]
    pub(crate) fn release(&self) -> bool {
        // Release pairs with the Acquire of the last one, who sees all that was done through the
        // others. (A load and not a fence, because ThreadSanitizer does not know fences.)
        let last = self.0.fetch_sub(1, Release) == 1;
        if last {
            self.0.load(Acquire);
        }
        last
    }

    /// Whether the caller's reference is the only one.
    pub(crate) fn is_sole(&self) -> bool {
        // Acquire as in `release`.
        self.0.load(Acquire) == 1
    }
}
