//! A signal's context on Linux, 64-bit Arm.

use std::ffi::c_void;

use super::super::Registers;

/// The registers that a signal has interrupted.
///
/// # Safety
///
/// `context` is the third argument of a handler with `SA_SIGINFO`, which has not returned.
pub(in super::super) unsafe fn interrupted(context: *const c_void) -> Option<Registers> {
    // SAFETY: the caller's promise; that is its type (sigaction(2)).
    let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    let (fp, lr) = (machine.regs[29] as usize, machine.regs[30] as usize);
    Some(Registers { pc: machine.pc as usize, sp: machine.sp as usize, fp, lr })
}
