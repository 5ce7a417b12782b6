//! 64-bit Arm.

use std::arch::asm;

/// Asks for the cache line at `address`. A hint: any address will do, and none faults.
#[inline]
pub fn prefetch(address: usize) {
    // SAFETY: the instruction never faults and changes no register.
    unsafe {
        asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
}

/// The caller's stack pointer, roughly.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let sp;
    // SAFETY: the instruction reads a register.
    unsafe { asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}
