//! The stacks of goroutines and threads, as lists of addresses: the innermost call first, each address inside the
//! instruction that it belongs to.

use std::thread;

use marmot_coro::trace::{self, MAX_FRAMES};

use super::g::G;

/// A walk finds nothing when too many others walk at the same time. It is tried so often.
const TRIES: usize = 16;

/// The stack of the caller.
#[inline(never)]
pub(crate) fn here() -> Vec<usize> {
    // With room for this function, whose frame is the first one.
    let mut frames = [0; MAX_FRAMES + 1];
    for _ in 0..TRIES {
        match trace::here(&mut frames) {
            0 => thread::yield_now(),
            count => return frames[1..count].to_vec(),
        }
    }
    Vec::new()
}

impl G {
    /// The stack of a goroutine that is suspended. Only for the M that it has settled on, in no goroutine.
    pub(crate) fn stack(&self) -> Vec<usize> {
        let mut frames = [0; MAX_FRAMES];
        for _ in 0..TRIES {
            // SAFETY: it is suspended, and stays so as long as its M is here.
            match unsafe { self.resume_point.get().trace(&mut frames) } {
                0 => thread::yield_now(),
                count => return frames[..count].to_vec(),
            }
        }
        Vec::new()
    }
}
