//! The roll of an M: the goroutines that have settled on it and not ended, in no order that means anything.
//!
//! It costs a goroutine a push when it starts and a swap when it ends, both on its own M, which alone touches the roll. A
//! goroutine knows its place in it, in its seat.
//!
//! Whoever walks it goes from the last place to the first. Then the walk may be interrupted, and goroutines may come and
//! go meanwhile: one that ends leaves its place to the last one of all, which has been seen, so that the walk misses
//! none, but may see one twice.
//!
//! Rejected: one list for all goroutines of the process (a shared lock at every start), and a list through the
//! goroutines (to take one out of it touches the memory of two others, which is far away and in no cache).

use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::g::{G, Seat};

/// An emptied roll keeps the room for so many.
const KEPT: usize = 1024;

/// See the module. How many are in it is counted beside it, because others may read that.
pub(super) struct Roll {
    /// Those above the count have no meaning.
    places: Vec<NonNull<G>>,
}

impl Roll {
    pub(super) const fn new() -> Roll {
        Roll { places: Vec::new() }
    }

    /// Who is at this place, which is below the count.
    pub(super) fn at(&self, place: usize) -> NonNull<G> {
        self.places[place]
    }

    /// Enters `gp`, which has just got its seat.
    #[inline]
    pub(super) fn enter(&mut self, gp: NonNull<G>, count: &AtomicUsize) {
        let place = count.load(Relaxed);
        match self.places.get_mut(place) {
            Some(free) => *free = gp,
            None => self.places.push(gp),
        }
        // Four thousand million stacks do not fit an address space.
        // SAFETY: it has got it, and this is its M.
        unsafe { Seat::of(gp) }.roll_place.set(place as u32);
        count.store(place + 1, Relaxed);
    }

    /// Takes `gp` out, which has returned.
    #[inline]
    pub(super) fn leave(&mut self, gp: NonNull<G>, count: &AtomicUsize) {
        let last_place = count.load(Relaxed) - 1;
        let last = self.places[last_place];
        if last != gp {
            self.fill(gp, last);
        }
        count.store(last_place, Relaxed);
    }

    /// Gives `last` the place of `gp`.
    fn fill(&mut self, gp: NonNull<G>, last: NonNull<G>) {
        // SAFETY: the seat of one that has returned is its own still, the other has not ended, and this is the M of both.
        let (place, moved) = unsafe { (Seat::of(gp).roll_place.get(), &Seat::of(last).roll_place) };
        debug_assert_eq!(self.places[place as usize], gp);
        self.places[place as usize] = last;
        moved.set(place);
    }

    /// Gives back the room of those who have left, if it is much.
    pub(super) fn trim(&mut self, count: usize) {
        if self.places.len() > KEPT.max(8 * count) {
            self.places.truncate(KEPT.max(2 * count));
            self.places.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_leaves_little() {
        let mut roll = Roll { places: vec![NonNull::dangling(); 100 * KEPT] };
        roll.trim(20 * KEPT);
        assert_eq!(roll.places.len(), 100 * KEPT);
        roll.trim(10 * KEPT);
        assert_eq!(roll.places.capacity(), 20 * KEPT);
        roll.trim(0);
        assert_eq!(roll.places.capacity(), KEPT);
    }
}
