//! `framehop`'s registers for x86-64.

use framehop::UnwindRegsNative;

use super::super::Registers;

/// What a walk begins with.
#[inline]
pub(super) fn unwind_registers(registers: &Registers, _highest: u64) -> UnwindRegsNative {
    UnwindRegsNative::new(registers.pc as u64, registers.sp as u64, registers.fp as u64)
}
