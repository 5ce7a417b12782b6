//! Processors for which no such instruction is known here.

/// Does nothing: fetching ahead is a hint.
#[inline]
pub fn prefetch(_address: usize) {}

/// The caller's own registers: not known.
#[inline(always)]
pub(crate) fn registers() -> (usize, usize, usize, usize) {
    (0, 0, 0, 0)
}

/// The word at `address`.
///
/// # Safety
///
/// The address is that of a word that can be read.
#[inline(always)]
pub(crate) unsafe fn load(address: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::with_exposed_provenance::<usize>(address).read_volatile() }
}
