//! Processors for which no such instruction is known here.

/// Does nothing: fetching ahead is a hint.
#[inline]
pub fn prefetch(_address: usize) {}

/// The caller's stack pointer: not known, and not needed where nothing is fetched.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    0
}
