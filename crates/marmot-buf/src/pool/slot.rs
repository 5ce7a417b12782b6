//! The private slots of a shard: a few objects, which their owner takes and puts back.
//!
//! They are a stack. Its owner alone puts objects in, and knows how far it is filled; above that all slots are empty, and
//! stay so for everybody else. Whoever takes an object does so by exchanging its address for null: of two who try, one
//! gets it. Putting needs no exchange.
//!
//! | state of a slot | changes to | by |
//! |---|---|---|
//! | null | an object | the owner, where the filled part ends |
//! | an object | null | whoever exchanges it: the owner from above, the others in any order |

use std::ptr::{self, NonNull};

use crate::primitive::atomic::{
    AtomicPtr, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// How many there are: enough for what one request has at the same time, few enough to be missed by nobody. Other
/// threads get at them only when they have become victims.
pub(super) const SLOTS: usize = 4;

/// Room for a few objects.
pub(super) struct Slots<T> {
    slots: [AtomicPtr<T>; SLOTS],
    /// How many may be occupied: those from here on are empty. Only the owner uses it.
    filled: AtomicUsize,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Self {
        Slots { slots: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())), filled: AtomicUsize::new(0) }
    }

    /// How many objects there were a moment ago.
    pub(super) fn len(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.load(Relaxed).is_null()).count()
    }

    /// Takes the object that was put in last. Only the owner calls it.
    #[inline]
    pub(super) fn pop(&self) -> Option<NonNull<T>> {
        let mut filled = self.filled.load(Relaxed);
        while filled > 0 {
            filled -= 1;
            // Without a look at it first, which would wait for the owner's last store. Acquire, as in `steal`: the number of
            // the thread may have been another one's when the object was put in.
            let object = NonNull::new(self.slots[filled].swap(ptr::null_mut(), Acquire));
            // Whether it was taken here or by somebody else: the slot is empty.
            self.filled.store(filled, Relaxed);
            if object.is_some() {
                return object;
            }
        }
        None
    }

    /// Takes any object. Anybody may call it.
    pub(super) fn steal(&self) -> Option<NonNull<T>> {
        self.slots.iter().find_map(|slot| {
            let object = NonNull::new(slot.load(Relaxed))?;
            // Acquire pairs with the Release in `put`: who takes the object sees what was done to it. If the same object has
            // been taken and put back since the look, it is as good.
            slot.compare_exchange(object.as_ptr(), ptr::null_mut(), Acquire, Relaxed).ok().map(|_| object)
        })
    }

    /// Puts an object in, if there is room and there are not `most` of them. Only the owner calls it.
    #[inline]
    pub(super) fn put(&self, object: NonNull<T>, most: usize) -> bool {
        let filled = self.filled.load(Relaxed);
        let Some(slot) = self.slots.get(filled).filter(|_| filled < most) else { return false };
        // It is empty, and nobody else fills it. Release pairs with the Acquire in `steal` and `pop`.
        slot.store(object.as_ptr(), Release);
        self.filled.store(filled + 1, Relaxed);
        true
    }
}
