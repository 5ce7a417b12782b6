//! A shard: what one thread keeps of a pool.
//!
//! It has two sides, and the pool's generation says which one is the primary and which the victim. A side has a few private
//! slots, and behind them rings, each four times as large as the one before, which are allocated as they are needed. The
//! thread whose number the shard has is its owner: it alone puts objects in. Everybody else steals, and the tick takes all.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};

use super::ring::Ring;
use super::slot::Slots;
use crate::primitive::atomic::{
    AtomicPtr, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// How many objects fit into each ring of a side. What is beyond all of them is dropped.
const CAPACITIES: [usize; 5] = [16, 64, 256, 1024, 4096];

/// A number that one thread writes and others read.
pub(super) struct Count(AtomicU64);

impl Count {
    fn new() -> Self {
        Count(AtomicU64::new(0))
    }

    /// Adds one, and says how many there are. Only the owner calls it.
    #[inline]
    pub(super) fn add(&self) -> u64 {
        let count = self.0.load(Relaxed) + 1;
        self.0.store(count, Relaxed);
        count
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What has happened at a shard.
pub(super) struct Counts {
    pub(super) hits: Count,
    pub(super) steals: Count,
    pub(super) misses: Count,
    pub(super) dropped: Count,
}

/// One generation of a shard.
pub(super) struct Side<T> {
    pub(super) private: Slots<T>,
    rings: [AtomicPtr<Ring<T>>; CAPACITIES.len()],
    /// The ring that the owner pushes to and pops from; those above it are empty. Only the owner uses it.
    level: AtomicUsize,
}

impl<T> Side<T> {
    pub(super) fn new() -> Self {
        Side {
            private: Slots::new(),
            rings: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            level: AtomicUsize::new(0),
        }
    }

    fn ring(&self, level: usize) -> Option<&Ring<T>> {
        // SAFETY: null, or a ring that `ring_or_new` leaked, which is freed only when the side is dropped. Acquire pairs
        // with the Release there.
        unsafe { self.rings.get(level)?.load(Acquire).as_ref() }
    }

    /// Only the owner calls it.
    fn ring_or_new(&self, level: usize) -> Option<&Ring<T>> {
        if self.ring(level).is_none() {
            let ring = Box::new(Ring::new(*CAPACITIES.get(level)?));
            self.rings[level].store(Box::into_raw(ring), Release);
        }
        self.ring(level)
    }

    /// Adds an object to the rings, if there is room. Only the owner calls it.
    pub(super) fn push(&self, object: NonNull<T>) -> bool {
        let level = self.level.load(Relaxed);
        if self.ring_or_new(level).is_some_and(|ring| ring.push(object)) {
            return true;
        }
        // The next one is empty, but for slots that a thief has not let go of.
        let has_room = self.ring_or_new(level + 1).is_some_and(|ring| ring.push(object));
        if has_room {
            self.level.store(level + 1, Relaxed);
        }
        has_room
    }

    /// Takes an object out of the rings. Only the owner calls it.
    pub(super) fn pop(&self) -> Option<NonNull<T>> {
        let mut level = self.level.load(Relaxed);
        loop {
            let object = self.ring(level).and_then(Ring::pop);
            if object.is_some() || level == 0 {
                return object;
            }
            level -= 1;
            self.level.store(level, Relaxed);
        }
    }

    /// Takes an object out of the rings. Anybody may call it.
    pub(super) fn steal(&self) -> Option<NonNull<T>> {
        (0..CAPACITIES.len()).map_while(|level| self.ring(level)).find_map(Ring::steal)
    }

    /// Takes any object. Anybody may call it.
    pub(super) fn take_any(&self) -> Option<NonNull<T>> {
        self.private.steal().or_else(|| self.steal())
    }

    /// How many objects there were a moment ago.
    pub(super) fn len(&self) -> usize {
        let in_rings = (0..CAPACITIES.len()).map_while(|level| self.ring(level)).map(Ring::len).sum::<usize>();
        self.private.len() + in_rings
    }
}

/// Drops an object that is kept no longer. A destructor that panics has been reported by the panic's hook; the caller goes on.
///
/// # Safety
///
/// The object is a leaked box, which belongs to the caller.
pub(super) unsafe fn drop_object<T>(object: NonNull<T>) {
    // SAFETY: the caller's promise.
    let object = unsafe { Box::from_raw(object.as_ptr()) };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(object))) {
        // Its destructor may panic as well.
        mem::forget(payload);
    }
}

impl<T> Drop for Side<T> {
    fn drop(&mut self) {
        while let Some(object) = self.take_any() {
            // It may be a tick that drops the last reference to a pool, and it has others to come to.
            // SAFETY: objects are boxes that were leaked when they were put in, and this one has been taken out.
            unsafe { drop_object(object) };
        }
        for ring in &self.rings {
            let ring = ring.load(Relaxed);
            if !ring.is_null() {
                // SAFETY: `ring_or_new` leaked it, and nobody uses the side any more.
                drop(unsafe { Box::from_raw(ring) });
            }
        }
    }
}

/// What one thread keeps. Far enough from the next one's that the two do not share a cache line, nor the pair of lines
/// that processors fetch together.
#[repr(align(128))]
pub(super) struct Shard<T> {
    pub(super) sides: [Side<T>; 2],
    pub(super) counts: Counts,
}

impl<T> Shard<T> {
    pub(super) fn new() -> Self {
        let counts = Counts { hits: Count::new(), steals: Count::new(), misses: Count::new(), dropped: Count::new() };
        Shard { sides: [Side::new(), Side::new()], counts }
    }

    pub(super) fn len(&self) -> usize {
        self.sides.iter().map(Side::len).sum()
    }
}
