//! Processors for which no such instruction is known here.

use std::mem::MaybeUninit;

/// Does nothing: fetching ahead is a hint.
#[inline]
pub fn prefetch(_address: usize) {}

/// The caller's own registers: not known.
#[inline(always)]
pub(crate) fn registers() -> (usize, usize, usize, usize) {
    (0, 0, 0, 0)
}

/// Leaves zeroes in `room`: the registers are not known.
#[inline(always)]
pub(crate) fn save_registers(room: &mut MaybeUninit<[usize; 3]>) {
    room.write([0; 3]);
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
