//! Where a suspended coroutine goes on.
//!
//! When many coroutines take turns, the stack of each has left the cache by the time it is its turn
//! again, and the first thing that a resumed coroutine does is to wait for it. Whoever knows which
//! coroutine comes next can ask for the memory in time. And whoever wants to know what a suspended
//! coroutine waits for can walk its stack from there.

use std::ptr;

use crate::sys::prefetch;
use crate::trace::{self, Registers};

const LINE: usize = 64;

/// How much is fetched: what a coroutine that waits in a library call touches on its way back.
const BYTES: usize = 8 * LINE;

/// Where a coroutine is going to be resumed: the place of registers that it has left on its stack,
/// near the top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResumePoint(usize);

impl ResumePoint {
    /// The frame whose registers these are. They lie in a local variable of it, which is there until the coroutine goes
    /// on: taken right before suspending, by [`Registers::here`].
    #[inline(always)]
    pub fn new(registers: &Registers) -> ResumePoint {
        ResumePoint(ptr::from_ref(registers).expose_provenance())
    }

    /// Asks the processor for the stack there. It is a hint and does no harm when it is wrong.
    #[inline]
    pub fn prefetch(self) {
        for line in (0..BYTES).step_by(LINE) {
            prefetch(self.0.wrapping_add(line));
        }
    }

    /// The stack of the coroutine that is suspended there, innermost frame first, as [`trace::here`] gives the caller's; empty for the default value.
    ///
    /// # Safety
    ///
    /// The coroutine is suspended, in the call that followed [`new`](Self::new), and is not resumed during this one.
    pub unsafe fn trace(self, frames: &mut [usize]) -> usize {
        let registers = ptr::with_exposed_provenance::<Registers>(self.0);
        // SAFETY: the caller's promise: the frame that the registers are in is still there, and nobody runs in it.
        match unsafe { registers.as_ref() } {
            Some(registers) => trace::of_registers(registers, frames),
            None => 0,
        }
    }
}
