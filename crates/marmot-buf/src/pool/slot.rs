//! The private slot of a shard: one object, which its owner takes and puts back.
//!
//! Only the owner puts, so an empty slot stays empty for everybody else. Whoever takes does so by exchanging the pointer
//! that it has seen for null: of two who try, one gets the object. Putting needs no exchange.

use std::ptr::{self, NonNull};

use crate::primitive::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};

/// Room for one object.
pub(super) struct Slot<T>(AtomicPtr<T>);

impl<T> Slot<T> {
    pub(super) fn new() -> Self {
        Slot(AtomicPtr::new(ptr::null_mut()))
    }

    /// Whether there was nothing in it a moment ago.
    pub(super) fn is_empty(&self) -> bool {
        self.0.load(Relaxed).is_null()
    }

    /// Takes the object out. Anybody may call it.
    #[inline]
    pub(super) fn take(&self) -> Option<NonNull<T>> {
        let object = NonNull::new(self.0.load(Relaxed))?;
        // Acquire pairs with the Release in `put`: who takes the object sees what was done to it. If the same object has been
        // taken and put back since the look, it is as good.
        self.0.compare_exchange(object.as_ptr(), ptr::null_mut(), Acquire, Relaxed).ok().map(|_| object)
    }

    /// Puts an object in, if there is room. Only the owner calls it.
    #[inline]
    pub(super) fn put(&self, object: NonNull<T>) -> bool {
        let has_room = self.is_empty();
        if has_room {
            // Nobody else fills the slot, so it is empty still. Release pairs with the Acquire in `take`.
            self.0.store(object.as_ptr(), Release);
        }
        has_room
    }
}
