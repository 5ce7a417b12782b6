//! Where a side that waits leaves its handle.
//!
//! The flag in the [word](super::state) says whether somebody waits; whoever clears it takes the handle from here. That
//! can overlap with the owner's next wait, if its `park` ended without reason: it finds its flag cleared, looks again,
//! and registers anew while the other side still takes the old handle. So the cell has a lock that nobody waits for:
//! who wakes and finds it taken leaves, for the owner is awake and will look at the word after it has registered; the
//! owner who finds it taken looks at the word again, too.

use crate::Park;
use crate::primitive::Cell;
use crate::primitive::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// See the module.
pub(super) struct Slot<P: Park> {
    taken: AtomicBool,
    handle: Cell<Option<P::Handle>>,
    /// How many bytes the owner waits for.
    want: AtomicUsize,
}

// SAFETY: the cell is used under the lock `taken` only.
unsafe impl<P: Park> Sync for Slot<P> {}
// SAFETY: handles may be sent, and nothing else here is bound to a thread.
unsafe impl<P: Park> Send for Slot<P> {}

impl<P: Park> Slot<P> {
    pub(super) fn new() -> Self {
        Slot { taken: AtomicBool::new(false), handle: Cell::new(None), want: AtomicUsize::new(0) }
    }

    /// How many bytes the owner waits for, if its flag is set.
    pub(super) fn want(&self) -> usize {
        // Relaxed: the flag, whose change released this, has been seen.
        self.want.load(Relaxed)
    }

    /// Leaves the caller's handle, before it sets its flag. False if the slot is in use at this moment.
    #[must_use = "without a handle nobody wakes the caller"]
    pub(super) fn register(&self, want: usize) -> bool {
        self.want.store(want, Relaxed);
        // Whoever implements `P` may panic: not under the lock.
        let current = P::current();
        let before = self.locked(|handle| handle.replace(current));
        before.is_some()
    }

    /// Unparks the owner. The caller has cleared its flag.
    pub(super) fn wake(&self) {
        if let Some(handle) = self.locked(Option::take).flatten() {
            P::unpark(&handle);
        }
    }

    fn locked<T>(&self, f: impl FnOnce(&mut Option<P::Handle>) -> T) -> Option<T> {
        // Acquire pairs with the Release below.
        if self.taken.compare_exchange(false, true, Acquire, Relaxed).is_err() {
            return None;
        }
        // SAFETY: `taken` was false, and we have set it.
        let result = self.handle.with_mut(|handle| f(unsafe { &mut *handle }));
        // Release pairs with the Acquire above.
        self.taken.store(false, Release);
        Some(result)
    }
}
