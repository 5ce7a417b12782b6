//! What `netpoll::turn` needs of the scheduler: a waiter that parks and is readied. Here it is a thread.

use std::ptr::NonNull;
use std::sync::Arc;

use crate::support::Bell;

pub struct G(Bell);

pub enum WaitReason {
    IoTurn,
}

loom::thread_local! {
    static RECORD: Arc<G> = Arc::new(G(Bell::new()));
}

pub fn waiter() -> NonNull<G> {
    RECORD.with(|g| NonNull::from(&**g))
}

pub fn park(gp: NonNull<G>, reason: WaitReason) {
    let WaitReason::IoTurn = reason;
    // SAFETY: the caller's own record.
    unsafe { gp.as_ref() }.0.wait();
}

pub fn ready(gp: NonNull<G>) {
    // SAFETY: a waiter's record stays alive until it has been readied; the count that is added here
    // keeps it until this has returned.
    let g = unsafe {
        Arc::increment_strong_count(gp.as_ptr());
        Arc::from_raw(gp.as_ptr().cast_const())
    };
    g.0.ready();
}
