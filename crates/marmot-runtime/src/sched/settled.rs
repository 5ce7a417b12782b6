//! The settled queue of an M: goroutines that go on here, and unstarted ones that must start here.
//!
//! Only the M's own thread touches it. It is a ring of addresses and not a list through the goroutines, for two reasons.
//! To queue one touches nothing of those before it. And those that come next can be seen, so the processor can be asked
//! for their memory in time: with thousands of connections the seat and the stack of each have left the caches by its
//! next turn, and the translations of their addresses, too, since every stack is a page far from the others. Several
//! lookups of addresses at the same time cost little more than one, so seats are asked for by the group; the rest of
//! the memory of a goroutine, while the one before it runs.

use std::collections::VecDeque;
use std::ptr::NonNull;

use super::g::G;

/// How many seats are asked for at a time.
const GROUP: usize = 16;
/// So many must be left when the next are asked for.
const AHEAD: usize = 2;

/// See the module.
pub(super) struct Settled {
    queue: VecDeque<NonNull<G>>,
    /// How many at the front have their seats asked for.
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

    /// Appends `gp`.
    #[inline]
    pub(super) fn push(&mut self, gp: NonNull<G>) {
        self.queue.push_back(gp);
    }

    /// Takes the oldest.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<NonNull<G>> {
        let gp = self.queue.pop_front()?;
        self.asked = self.asked.saturating_sub(1);
        if let Some(&next) = self.queue.front() {
            if self.asked <= AHEAD {
                self.ask();
            }
            // SAFETY: what is queued stays alive until it is popped.
            unsafe { next.as_ref() }.ask_for_all();
        }
        Some(gp)
    }

    fn ask(&mut self) {
        for &gp in self.queue.iter().skip(self.asked).take(GROUP) {
            G::ask_to_resume(gp);
            self.asked += 1;
        }
    }
}
