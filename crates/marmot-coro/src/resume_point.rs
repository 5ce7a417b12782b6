//! Where a suspended coroutine goes on.
//!
//! When many coroutines take turns, the stack of each has left the cache by the time it is its turn
//! again, and the first thing that a resumed coroutine does is to wait for it. Whoever knows which
//! coroutine comes next can ask for the memory in time. And whoever wants to know what a suspended
//! coroutine waits for can walk its stack from there.

use std::fmt;
use std::mem::MaybeUninit;
use std::ptr;

use crate::sys::{prefetch, save_registers};
use crate::trace::{self, Registers};

const LINE: usize = 64;

/// How much is fetched: what a coroutine that waits in a library call touches on its way back.
const BYTES: usize = 8 * LINE;

/// Room for the registers that a coroutine leaves on its stack when it suspends: a local variable
/// of the function that does so. Nothing is written to it until then.
pub struct Saved(MaybeUninit<[usize; 3]>);

impl Saved {
    /// Room with nothing in it.
    #[inline(always)]
    pub const fn new() -> Saved {
        Saved(MaybeUninit::uninit())
    }
}

impl Default for Saved {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Saved")
    }
}

/// Where a coroutine is going to be resumed: the address of what it has [`Saved`], near the top of
/// its stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResumePoint(usize);

impl ResumePoint {
    /// The calling function's own place. To be taken right before suspending.
    #[inline(always)]
    pub fn here(saved: &mut Saved) -> ResumePoint {
        save_registers(&mut saved.0);
        ResumePoint(ptr::from_mut(saved).expose_provenance())
    }

    /// Asks the processor for the stack there. It is a hint and does no harm when it is wrong.
    #[inline]
    pub fn prefetch(self) {
        for line in (0..BYTES).step_by(LINE) {
            prefetch(self.0.wrapping_add(line));
        }
    }

    /// The stack of the coroutine that is suspended there, innermost frame first, as [`trace::here`] gives the caller's;
    /// empty for the default value.
    ///
    /// # Safety
    ///
    /// The coroutine is suspended, in the call that followed [`here`](Self::here), and is not resumed during this one.
    pub unsafe fn trace(self, frames: &mut [usize]) -> usize {
        let saved = ptr::with_exposed_provenance::<[usize; 3]>(self.0);
        // SAFETY: the caller's promise: the frame that the registers are in is still there, and nobody runs in it.
        match unsafe { saved.as_ref() } {
            // Whoever suspends calls something, so that the link register is saved in its frame.
            Some(&[pc, sp, fp]) => trace::of_registers(&Registers { pc, sp, fp, lr: 0 }, frames),
            None => 0,
        }
    }
}
