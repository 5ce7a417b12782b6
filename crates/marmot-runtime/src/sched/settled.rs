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

use std::collections::VecDeque;
use std::ptr::NonNull;

use super::g::G;

/// For so many goroutines at a time the memory is asked for.
const GROUP: usize = 8;

/// With fewer it gains nothing: what is needed at once comes no sooner, and few goroutines stay in the caches.
const WORTHWHILE: usize = 4;

/// See the module.
pub(super) struct Settled {
    queue: VecDeque<NonNull<G>>,
    /// For how many at the front it was asked.
    asked: usize,
}

impl Settled {
    pub(super) const fn new() -> Settled {
        Settled { queue: VecDeque::new(), asked: 0 }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// All that are queued, oldest first.
    pub(super) fn all(&self) -> Vec<NonNull<G>> {
        self.queue.iter().copied().collect()
    }

    /// Appends `gp`.
    #[inline]
    pub(super) fn push(&mut self, gp: NonNull<G>) {
        self.queue.push_back(gp);
    }

    /// Takes the oldest.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<NonNull<G>> {
        if self.asked == 0 {
            self.ask();
        }
        let gp = self.queue.pop_front()?;
        // It is in the queue, so that was not zero after asking.
        self.asked -= 1;
        Some(gp)
    }

    fn ask(&mut self) {
        self.asked = self.queue.len().min(GROUP);
        if self.asked < WORTHWHILE {
            return;
        }
        let next = || self.queue.iter().take(GROUP);
        next().copied().for_each(G::ask_to_resume);
        // SAFETY: what is queued stays alive until it is popped.
        next().for_each(|gp| unsafe { gp.as_ref() }.ask_for_the_rest());
    }
}
