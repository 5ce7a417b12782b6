//! Fetching a suspended coroutine's stack into the cache, before it is resumed.
//!
//! When many coroutines take turns, the stack of each has left the cache by the time it is its turn
//! again, and the first thing that a resumed coroutine does is to wait for it. Whoever knows which
//! coroutine comes next can ask for the memory in time.

use crate::sys::{prefetch, stack_pointer};

const LINE: usize = 64;

/// How much is fetched: what a coroutine that waits in a library call touches on its way back.
const BYTES: usize = 8 * LINE;

/// Where a coroutine is going to be resumed, roughly: an address near the top of its stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResumePoint(usize);

impl ResumePoint {
    /// The calling function's own place on the stack. To be taken right before suspending.
    #[inline(always)]
    pub fn here() -> ResumePoint {
        ResumePoint(stack_pointer())
    }

    /// Asks the processor for the stack there. It is a hint and does no harm when it is wrong.
    #[inline]
    pub fn prefetch(self) {
        for line in (0..BYTES).step_by(LINE) {
            prefetch(self.0.wrapping_add(line));
        }
    }
}
