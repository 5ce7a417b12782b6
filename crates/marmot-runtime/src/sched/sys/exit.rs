//! The function `exit`, which a goroutine leaves to another thread: see [`super::super::exit`].
//!
//! `std::process::exit` calls it, and so may code in C. This defines it for the program, weakly: a program that has one of its own
//! keeps that. Calls inside the C library itself, as after `main` returns, are not affected.

use std::ffi::c_int;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use super::super::exit::leave_to_thread;

// SAFETY: the signature is that of exit(3).
unsafe extern "C" {
    fn exit(status: c_int) -> !;
}

/// # Safety
///
/// As `exit`.
pub(super) unsafe extern "C" fn exit_on_a_thread(status: c_int) -> ! {
    leave_to_thread(move || exit_here(status));
    exit_here(status)
}

/// Calls the C library's `exit`.
fn exit_here(status: c_int) -> ! {
    // SAFETY: a name that ends with a zero.
    let next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"exit".as_ptr()) };
    if next.is_null() {
        // SAFETY: it may be called at any time.
        unsafe { libc::_exit(status) };
    }
    // SAFETY: the C library's `exit` has this type.
    let next = unsafe { std::mem::transmute::<*mut libc::c_void, unsafe extern "C" fn(c_int) -> !>(next) };
    // SAFETY: whoever calls `exit` may.
    unsafe { next(status) }
}

/// Sees to it that the definition above is linked.
pub(in crate::sched) fn watch_exit() {
    static LINKED: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());
    LINKED.store(exit as *mut (), Relaxed);
}
