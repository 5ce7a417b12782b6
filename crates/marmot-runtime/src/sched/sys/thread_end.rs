//! What is called at the very end of a thread: after the destructors of all thread-locals, which may still use what it frees.
//!
//! The destructor of a key (pthread_key_create(3)) is called after those that the C library keeps for thread-locals. Where
//! that keeps none, `std` runs them in the destructor of a key of its own, in the second of the four rounds that POSIX grants at least
//! (`PTHREAD_DESTRUCTOR_ITERATIONS`), because a destructor that sets its key again is called again. So ours waits for the third.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::OnceLock;

/// In which round it is called.
const ROUND: u8 = 3;

/// What is kept for a thread: the address with which the function is called.
static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();

thread_local! {
    /// How many rounds there have been.
    static ROUNDS: Cell<u8> = const { Cell::new(0) };
}

/// Calls `f` with `with` at the end of the calling thread, or never if that cannot be had. Only for one `f` in a process.
///
/// # Safety
///
/// `f` may be called with `with` then.
pub(in crate::sched) unsafe fn call_at_thread_end(f: unsafe fn(*mut ()), with: *mut ()) {
    static CALL: OnceLock<unsafe fn(*mut ())> = OnceLock::new();

    /// # Safety
    ///
    /// `with` is what the key was set to.
    unsafe extern "C" fn end(with: *mut c_void) {
        let round = ROUNDS.get() + 1;
        ROUNDS.set(round);
        if round >= ROUND {
            // Set before the key was.
            if let Some(f) = CALL.get() {
                // SAFETY: it is the end of the thread for which this was promised.
                unsafe { f(with.cast()) };
            }
        } else if let Some(Some(key)) = KEY.get() {
            // SAFETY: the key was made and is never deleted. Where it cannot be set again, `with` is left behind.
            unsafe { libc::pthread_setspecific(*key, with) };
        }
    }

    CALL.get_or_init(|| f);
    let key = KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: it writes the key, and `end` is called with what the key was set to.
        (unsafe { libc::pthread_key_create(&raw mut key, Some(end)) } == 0).then_some(key)
    });
    if let Some(key) = key {
        // SAFETY: the key was made and is never deleted.
        unsafe { libc::pthread_setspecific(*key, with.cast()) };
    }
}
