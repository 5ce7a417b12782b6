//! `framehop`'s registers for 64-bit Arm.

use framehop::UnwindRegsNative;
use framehop::aarch64::PtrAuthMask;

use super::super::Registers;

/// What a walk begins with. Return addresses may be signed, in the bits above those of the `highest` address of code.
#[inline]
pub(super) fn unwind_registers(registers: &Registers, highest: u64) -> UnwindRegsNative {
    let mask = PtrAuthMask::from_max_known_address(highest.max(1));
    UnwindRegsNative::new_with_ptr_auth_mask(mask, registers.lr as u64, registers.sp as u64, registers.fp as u64)
}
