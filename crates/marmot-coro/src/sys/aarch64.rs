//! 64-bit Arm.

use std::arch::asm;
use std::mem::MaybeUninit;

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

/// Leaves the caller's program counter, stack pointer and frame pointer in `room`.
#[inline(always)]
pub(crate) fn save_registers(room: &mut MaybeUninit<[usize; 3]>) {
    // SAFETY: the instructions read registers and write into the three words. None of them moves the stack pointer.
    unsafe {
        asm!(
            "adr {pc}, .",
            "mov {sp}, sp",
            "stp {pc}, {sp}, [{room}]",
            "str x29, [{room}, #16]",
            pc = out(reg) _,
            sp = out(reg) _,
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
    unsafe { asm!("ldr {}, [{}]", out(reg) word, in(reg) address, options(nostack, preserves_flags, readonly)) };
    word
}
