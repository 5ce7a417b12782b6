//! x86-64.

use std::arch::asm;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Asks for the cache line at `address`. A hint: any address will do, and none faults.
#[inline]
pub fn prefetch(address: usize) {
    // SAFETY: the instruction is part of the baseline (SSE), and it never faults.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address)) }
}

/// The caller's own registers: where it is, its stack pointer and its frame pointer, and no link register.
#[inline(always)]
pub(crate) fn registers() -> (usize, usize, usize, usize) {
    let (pc, sp, fp);
    // SAFETY: the instructions read registers. None of them moves the stack pointer, so it belongs to that place.
    unsafe {
        asm!(
            "lea {pc}, [rip]",
            "mov {sp}, rsp",
            "mov {fp}, rbp",
            pc = out(reg) pc,
            sp = out(reg) sp,
            fp = out(reg) fp,
            options(nomem, nostack, preserves_flags),
        );
    }
    (pc, sp, fp, 0)
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
    unsafe { asm!("mov {}, [{}]", out(reg) word, in(reg) address, options(nostack, preserves_flags, readonly)) };
    word
}
