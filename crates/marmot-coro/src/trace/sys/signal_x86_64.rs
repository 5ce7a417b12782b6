//! A signal's context on Linux, x86-64.

use std::ffi::c_void;

use super::super::Registers;

/// The registers that a signal has interrupted.
///
/// # Safety
///
/// `context` is the third argument of a handler with `SA_SIGINFO`, which has not returned.
pub(in super::super) unsafe fn interrupted(context: *const c_void) -> Option<Registers> {
    // SAFETY: the caller's promise; that is its type (sigaction(2)).
    let registers = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let get = |index: libc::c_int| registers[index as usize] as usize;
    Some(Registers { pc: get(libc::REG_RIP), sp: get(libc::REG_RSP), fp: get(libc::REG_RBP), lr: 0 })
}
