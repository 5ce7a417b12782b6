//! An M's poller, which its own thread uses freely and others only while it is open.
//!
//! Ms are never freed (goroutines and descriptors point to them without counting), but their
//! pollers are closed when the runtime has shut down. The M's own thread needs no lock to use its
//! poller, because it is the one that closes it; the others' wake-ups and registrations hold a read
//! lock meanwhile.

use std::cell::UnsafeCell;
use std::sync::RwLock;

use marmot_poll::Poller;

/// See the module.
pub(crate) struct Gate {
    poller: UnsafeCell<Option<Poller>>,
    closing: RwLock<()>,
}

// SAFETY: the cell is written once, by the owner, under the write lock; others read it under the
// read lock.
unsafe impl Sync for Gate {}

impl Gate {
    pub(crate) fn new(poller: Poller) -> Self {
        Gate { poller: UnsafeCell::new(Some(poller)), closing: RwLock::new(()) }
    }

    /// The poller, for the M's own thread.
    ///
    /// # Safety
    ///
    /// Only for the thread that will call [`Gate::close`], and not across that call.
    pub(crate) unsafe fn own(&self) -> Option<&Poller> {
        // SAFETY: only this thread writes the cell, and not now.
        unsafe { (*self.poller.get()).as_ref() }
    }

    /// Calls `f` with the poller, from any thread, unless it is closed.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&Poller) -> R) -> Option<R> {
        let _open = self.closing.read().unwrap_or_else(|e| e.into_inner());
        // SAFETY: the cell is not written while the read lock is held.
        unsafe { (*self.poller.get()).as_ref() }.map(f)
    }

    /// Closes the poller.
    ///
    /// # Safety
    ///
    /// Only for the M's own thread, which holds no reference from [`Gate::own`].
    pub(crate) unsafe fn close(&self) {
        let _closing = self.closing.write().unwrap_or_else(|e| e.into_inner());
        // SAFETY: the write lock keeps the others out, and the caller is the owner.
        drop(unsafe { (*self.poller.get()).take() });
    }
}
