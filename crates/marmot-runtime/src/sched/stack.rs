//! The stacks of goroutines and threads, as lists of addresses: the innermost call first, each address inside the
//! instruction that it belongs to.

use super::g::G;

/// The stack of the caller.
#[inline(never)]
pub(crate) fn here() -> Vec<usize> {
    Vec::new()
}

impl G {
    /// The stack of a goroutine that is suspended. Only for the M that it has settled on, in no goroutine.
    pub(crate) fn stack(&self) -> Vec<usize> {
        Vec::new()
    }
}
