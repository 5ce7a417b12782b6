//! The settled queue of an M: goroutines that go on here, and unstarted ones that must start here.
//!
//! Only the M's own thread touches it. It is a ring of addresses and not a list through the goroutines, for two reasons.
//! To queue one touches nothing of those before it. And those that come next can be seen, so the processor can be asked
//! for their memory in time: with thousands of connections the seat and the stack of each have left the caches by its
//! next turn, and the translations of their addresses, too, since every stack is a page far from the others.
//!
//! They are asked for by the group. Several misses at the same time cost little more than one; and to ask for a little
//! before each goroutine would gain nothing, for the next system call waits until all that was asked for has come (the
//! kernel's entry has a fence, against speculation).

use std::hint::assert_unchecked;
use std::ptr::NonNull;

use super::g::G;

/// For so many goroutines at a time the memory is asked for.
const GROUP: usize = 8;

/// With fewer it gains nothing: what is needed at once comes no sooner, and few goroutines stay in the caches.
const WORTHWHILE: usize = 4;

/// How many fit at first: a power of two.
const SLOTS: usize = 64;

/// See the module.
pub(super) struct Settled {
    queue: Ring,
    /// For how many at the front it was asked.
    asked: usize,
    /// Those before this one have been [shown](Settled::show_new), as the ring counts.
    shown: usize,
}

impl Settled {
    pub(super) fn new() -> Settled {
        Settled { queue: Ring::new(), asked: 0, shown: 0 }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.queue.len
    }

    /// All that are queued, oldest first.
    pub(super) fn all(&self) -> Vec<NonNull<G>> {
        self.queue.iter().collect()
    }

    /// Shows those that have come since this was called before to `f`. To look at all each time would be quadratic for who asks
    /// again and again while a long queue gets on.
    pub(super) fn show_new(&mut self, f: impl FnMut(NonNull<G>)) {
        let Ring { first, len, .. } = self.queue;
        // If the last of them has gone, the difference is below zero, and so larger than any queue.
        let old = Some(self.shown.wrapping_sub(first)).filter(|&old| old <= len).unwrap_or(0);
        self.queue.iter().skip(old).for_each(f);
        self.shown = first.wrapping_add(len);
    }

    /// Appends `gp`.
    #[inline]
    pub(super) fn push(&mut self, gp: NonNull<G>) {
        self.queue.push(gp);
    }

    /// Takes the oldest.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<NonNull<G>> {
        if self.asked == 0 {
            self.ask();
        }
        let gp = self.queue.pop()?;
        // It is in the queue, so that was not zero after asking.
        self.asked -= 1;
        Some(gp)
    }

    #[inline]
    fn ask(&mut self) {
        self.asked = self.queue.len;
        if self.asked >= WORTHWHILE {
            self.ask_for_group();
        }
    }

    #[inline(never)]
    fn ask_for_group(&mut self) {
        self.asked = self.queue.len.min(GROUP);
        let next = || self.queue.iter().take(GROUP);
        next().for_each(G::ask_to_resume);
        // SAFETY: what is queued stays alive until it is popped.
        next().for_each(|gp| unsafe { gp.as_ref() }.ask_for_the_rest());
    }
}

/// A queue in a ring of slots, whose number is a power of two: every turn takes from it and most put something into it, and
/// with a `VecDeque`, whose ring has any size, these are a few instructions more each time.
struct Ring {
    /// At the places from `first` on, `len` of them, are those that are queued; what is in the others has no meaning. There
    /// are always some.
    slots: Box<[NonNull<G>]>,
    /// It counts on and on: its place is the remainder.
    first: usize,
    len: usize,
}

impl Ring {
    fn new() -> Ring {
        Ring { slots: empty_slots(SLOTS), first: 0, len: 0 }
    }

    #[inline]
    fn place(&self, number: usize) -> usize {
        // SAFETY: `new` makes slots, and `grow` more of them. So no place needs a check.
        unsafe { assert_unchecked(!self.slots.is_empty()) };
        self.first.wrapping_add(number) & (self.slots.len() - 1)
    }

    #[inline]
    fn push(&mut self, gp: NonNull<G>) {
        if self.len == self.slots.len() {
            self.grow();
        }
        let place = self.place(self.len);
        self.slots[place] = gp;
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<NonNull<G>> {
        if self.len == 0 {
            return None;
        }
        let gp = self.slots[self.place(0)];
        self.first = self.first.wrapping_add(1);
        self.len -= 1;
        Some(gp)
    }

    /// Those that are queued, oldest first.
    fn iter(&self) -> impl Iterator<Item = NonNull<G>> {
        (0..self.len).map(|number| self.slots[self.place(number)])
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let mut slots = empty_slots(2 * self.slots.len());
        let last = slots.len() - 1;
        self.iter().enumerate().for_each(|(number, gp)| slots[self.first.wrapping_add(number) & last] = gp);
        self.slots = slots;
    }
}

fn empty_slots(count: usize) -> Box<[NonNull<G>]> {
    vec![NonNull::dangling(); count].into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    fn gp(number: usize) -> NonNull<G> {
        NonNull::new(std::ptr::without_provenance_mut(16 * number)).expect("it is not zero")
    }

    #[test]
    fn who_has_come_is_shown_once() {
        let mut settled = Settled { queue: Ring::new(), asked: 0, shown: 0 };
        (settled.queue.first, settled.shown) = (usize::MAX - SLOTS, usize::MAX - SLOTS);
        let (mut came, mut went, mut shown) = (1, 1, 1);
        // Some go before they are shown, and some after; it grows, and counts from the largest number to zero.
        for round in 0..10 * SLOTS {
            for _ in 0..round % 7 {
                settled.push(gp(came));
                came += 1;
            }
            for _ in 0..round % 5 {
                went += usize::from(settled.queue.pop().is_some());
            }
            let mut found = Vec::new();
            settled.show_new(|gp| found.push(gp));
            assert_eq!(found, (shown.max(went)..came).map(gp).collect::<Vec<_>>(), "after {round}");
            shown = came;
        }
        assert!(settled.queue.slots.len() > 2 * SLOTS);
    }

    #[test]
    fn it_grows_and_goes_round_in_order() {
        let (mut ring, mut model) = (Ring::new(), VecDeque::new());
        // It is just about to count from the largest number to zero.
        ring.first = usize::MAX - SLOTS / 2;
        // More come than go, so that it grows while what is in it goes round its end.
        for number in 1..20 * SLOTS {
            ring.push(gp(number));
            model.push_back(gp(number));
            if number % 3 != 0 {
                assert_eq!(ring.pop(), model.pop_front());
            }
            assert!(ring.iter().eq(model.iter().copied()), "after {number}");
        }
        assert!(ring.slots.len() > 2 * SLOTS);
        while let Some(gp) = model.pop_front() {
            assert_eq!(ring.pop(), Some(gp));
        }
        assert_eq!((ring.pop(), ring.len), (None, 0));
    }
}
