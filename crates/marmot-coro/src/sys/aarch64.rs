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

/// The caller's own registers: where it is, its stack pointer, its frame pointer and its link register.
#[inline(always)]
pub(crate) fn registers() -> (usize, usize, usize, usize) {
    let (pc, sp, fp, lr);
    // SAFETY: the instructions read registers. None of them moves the stack pointer, so it belongs to that place.
    unsafe {
        asm!(
            "adr {pc}, .",
            "mov {sp}, sp",
            "mov {fp}, x29",
            "mov {lr}, x30",
            pc = out(reg) pc,
            sp = out(reg) sp,
            fp = out(reg) fp,
            lr = out(reg) lr,
            options(nomem, nostack, preserves_flags),
        );
    }
    (pc, sp, fp, lr)
}

/// The word at `address`, as it is in memory: it may be any part of a stack, of whoever's.
///
/// # Safety
///
/// The address is that of a word that can be read.
#[inline(always)]
pub(crate) unsafe fn load(address: usize) -> usize {
    let word;
    // SAFETY: the caller's promise.
    unsafe { asm!("ldr {}, [{}]", out(reg) word, in(reg) address, options(nostack, preserves_flags, readonly)) };
    word
}
