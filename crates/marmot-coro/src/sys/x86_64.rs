//! x86-64.

use std::arch::asm;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Asks for the cache line at `address`. A hint: any address will do, and none faults.
#[inline]
pub fn prefetch(address: usize) {
    // SAFETY: the instruction is part of the baseline (SSE), and it never faults.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address)) }
}

/// The caller's stack pointer, roughly.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let sp;
    // SAFETY: the instruction reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}
