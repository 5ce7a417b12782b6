//! The function `exit`, which first makes a plain thread of an M's.
//!
//! `exit` runs the destructors of the calling thread's thread-locals (`__call_tls_dtors` in glibc), and a goroutine that calls it, as by
//! `std::process::exit`, runs them on its own stack. A destructor that parked would let other goroutines of the M run, whose borrows of
//! thread-locals are gone. Nothing tells a destructor's call from another, so the thread must have ceased to be an M's by
//! then. This defines `exit` for the program, weakly: a program that has one of its own keeps that.
//!
//! Calls of `exit` inside the C library itself, as after `main` returns, are not affected.

use std::ffi::c_int;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use super::super::current;

// SAFETY: the signature is that of exit(3).
unsafe extern "C" {
    fn exit(status: c_int) -> !;
}

/// # Safety
///
/// As `exit`.
pub(super) unsafe extern "C" fn exit_as_plain_thread(status: c_int) -> ! {
    current::leave_m_to_exit(status);
    // SAFETY: a name that ends with a zero.
    let next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"exit".as_ptr()) };
    if next.is_null() {
        exit_at_once(status);
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

/// Ends the process without any destructor.
pub(in crate::sched) fn exit_at_once(status: i32) -> ! {
    // SAFETY: it may be called at any time.
    unsafe { libc::_exit(status) }
}
