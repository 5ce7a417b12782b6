//! A ring of objects: its owner pushes and pops at one end, everybody may steal at the other.
//!
//! One word has both ends: `head`, where the owner pushes next, in the upper half, and `tail`, the oldest object, in the
//! lower. Both only count on, modulo 2^32, and their difference is how many objects there are. Whoever moves an end over an
//! object has claimed it, by an exchange of the whole word: of the owner and a thief who want the last object, one gets
//! it. Who has claimed a slot reads it and empties it; until that is done the owner takes it for occupied, so a thief that
//! sleeps between the two makes the ring look full, and never loses an object.
//!
//! | place | written by | when |
//! |---|---|---|
//! | `head` | the owner | push: after the slot is filled; pop: before it is read |
//! | `tail` | who steals | before the slot is read |
//! | a slot, null to object | the owner | it is outside of `tail..head` |
//! | a slot, object to null | who has claimed it | it is outside of `tail..head` |
//!
//! That two claims mistake each other, because one of them slept while the ends went round, takes 2^32 pushes within one
//! attempt to steal, just as many as end at the same word.

use std::ptr::{self, NonNull};

use crate::primitive::atomic::{
    AtomicPtr, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Both ends in one word.
#[derive(Clone, Copy)]
struct Ends(u64);

impl Ends {
    fn head(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn tail(self) -> u32 {
        self.0 as u32
    }

    fn len(self) -> usize {
        self.head().wrapping_sub(self.tail()) as usize
    }

    #[must_use]
    fn with(head: u32, tail: u32) -> Ends {
        Ends(u64::from(head) << 32 | u64::from(tail))
    }
}

/// A ring with room for a power of two of objects.
pub(super) struct Ring<T> {
    ends: AtomicU64,
    slots: Box<[AtomicPtr<T>]>,
}

impl<T> Ring<T> {
    /// An empty ring with `capacity` slots, which is a power of two.
    pub(super) fn new(capacity: usize) -> Self {
        debug_assert!(capacity.is_power_of_two(), "indices go on counting where the ends wrap");
        let slots = (0..capacity).map(|_| AtomicPtr::new(ptr::null_mut())).collect();
        Ring { ends: AtomicU64::new(0), slots }
    }

    fn slot(&self, index: u32) -> &AtomicPtr<T> {
        &self.slots[index as usize & (self.slots.len() - 1)]
    }

    /// How many objects there were a moment ago.
    pub(super) fn len(&self) -> usize {
        Ends(self.ends.load(Relaxed)).len()
    }

    /// Adds an object, if there is room. Only the owner calls it.
    pub(super) fn push(&self, object: NonNull<T>) -> bool {
        let ends = Ends(self.ends.load(Relaxed));
        let slot = self.slot(ends.head());
        // Who empties the slot has read it before, and of one location all see one order: what is put in now comes later.
        if ends.len() >= self.slots.len() || !slot.load(Relaxed).is_null() {
            return false;
        }
        slot.store(object.as_ptr(), Relaxed);
        // Release pairs with the Acquire of a claim: who claims the object sees it, and what was done to it. Added, since
        // the tail moves meanwhile; the head is the upper half, so what overflows falls off.
        self.ends.fetch_add(1 << 32, Release);
        true
    }

    /// Takes the youngest object. Only the owner calls it.
    pub(super) fn pop(&self) -> Option<NonNull<T>> {
        self.claim(|ends| {
            let head = ends.head().wrapping_sub(1);
            (Ends::with(head, ends.tail()), head)
        })
    }

    /// Takes the oldest object. Anybody may call it.
    pub(super) fn steal(&self) -> Option<NonNull<T>> {
        self.claim(|ends| (Ends::with(ends.head(), ends.tail().wrapping_add(1)), ends.tail()))
    }

    /// Moves an end over an object, as `moved` says, and takes it.
    fn claim(&self, moved: impl Fn(Ends) -> (Ends, u32)) -> Option<NonNull<T>> {
        let mut ends = Ends(self.ends.load(Relaxed));
        while ends.len() > 0 {
            let (next, index) = moved(ends);
            // Acquire pairs with the Release in `push`; other claims lie between only as exchanges, which hand it on.
            match self.ends.compare_exchange_weak(ends.0, next.0, Acquire, Relaxed) {
                Ok(_) => return NonNull::new(self.claimed(index)),
                Err(now) => ends = Ends(now),
            }
        }
        None
    }

    /// Reads and empties a slot that the caller has claimed.
    fn claimed(&self, index: u32) -> *mut T {
        let slot = self.slot(index);
        let object = slot.load(Relaxed);
        slot.store(ptr::null_mut(), Relaxed);
        object
    }
}
