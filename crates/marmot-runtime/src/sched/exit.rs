//! The end of the process, when a goroutine asks for it.
//!
//! `exit` runs the destructors of the calling thread's thread-locals. On the thread of an M, other goroutines may have borrowed
//! these, also for goroutines of other Ms (in a [`scope`](crate::scope())), and a destructor that parked would let them run. So
//! the process exits from a thread of its own, which has no thread-locals that anybody knows of, and the goroutine stays parked. The
//! thread-locals of Ms are left as they are.

use std::thread;

use super::status::WaitReason;
use super::{current, park};

/// Calls `exit` on a thread of its own, while the calling goroutine stays parked for ever. Returns if the caller is no goroutine, or if no
/// thread can be had; the caller's thread is no M's then, so whatever its destructors call blocks it.
pub(crate) fn leave_to_thread(exit: impl FnOnce() + Send + 'static) {
    if current::gp().is_none() {
        return;
    }
    if thread::Builder::new().name("marmot-exit".into()).spawn(exit).is_ok() {
        loop {
            // Nobody readies it.
            park::park(park::waiter(), WaitReason::Blocking);
        }
    }
    current::leave_m();
}
