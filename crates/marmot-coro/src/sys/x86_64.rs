//! x86-64.

use std::arch::asm;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::mem::MaybeUninit;

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

/// Leaves the caller's program counter, stack pointer and frame pointer in `room`.
#[inline(always)]
pub(crate) fn save_registers(room: &mut MaybeUninit<[usize; 3]>) {
    // SAFETY: the instructions read registers and write into the three words. None of them moves the stack pointer.
    unsafe {
        asm!(
            "lea {pc}, [rip]",
            "mov [{room}], {pc}",
            "mov [{room} + 8], rsp",
            "mov [{room} + 16], rbp",
            pc = out(reg) _,
            room = in(reg) room.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
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
