//! The roll of an M: the goroutines that have settled on it and not ended, in no order that means anything.
//!
//! It costs a goroutine a push when it starts and a swap when it ends, both on its own M, which alone touches the roll. A
//! G knows its place in it, in what would be padding otherwise.
//!
//! Whoever walks it goes from the last place to the first. Then the walk may be interrupted, and goroutines may come and
//! go meanwhile: one that ends leaves its place to the last one of all, which has been seen, so that the walk misses
//! none, but may see one twice.
//!
//! Rejected: one list for all goroutines of the process (a shared lock at every start), and a list through the
//! goroutines (to take one out of it touches the memory of two others, which is far away and in no cache).

use std::ptr::NonNull;

use super::g::G;

/// An emptied roll keeps the room for so many.
const KEPT: usize = 1024;

/// See the module.
pub(super) struct Roll(Vec<NonNull<G>>);

impl Roll {
    pub(super) const fn new() -> Roll {
        Roll(Vec::new())
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Who is at this place.
    pub(super) fn at(&self, place: usize) -> Option<NonNull<G>> {
        self.0.get(place).copied()
    }

    /// Enters `gp`, which has just got its seat.
    #[inline]
    pub(super) fn enter(&mut self, gp: NonNull<G>) {
        // Four thousand million stacks do not fit an address space.
        // SAFETY: a G stays until its goroutine has ended.
        unsafe { gp.as_ref() }.roll_place.set(self.0.len() as u32);
        self.0.push(gp);
    }

    /// Takes `gp` out, which has returned.
    #[inline]
    pub(super) fn leave(&mut self, gp: NonNull<G>) {
        // SAFETY: its seat is still its own.
        let place = unsafe { gp.as_ref() }.roll_place.get() as usize;
        debug_assert_eq!(self.0.get(place), Some(&gp));
        self.0.swap_remove(place);
        if let Some(moved) = self.0.get(place) {
            // SAFETY: as in `enter`.
            unsafe { moved.as_ref() }.roll_place.set(place as u32);
        }
        if self.0.capacity() > KEPT.max(8 * self.0.len()) {
            self.shrink();
        }
    }

    /// Gives back what a burst has left.
    #[cold]
    #[inline(never)]
    fn shrink(&mut self) {
        self.0.shrink_to((2 * self.0.len()).max(KEPT));
    }
}
