//! What `netpoll::turn` and `sync::raw` need of the scheduler: a waiter that parks and is readied, here a thread, or gives up at once;
//! and a clock.

use std::ptr::NonNull;
use std::sync::Arc;

use crate::support::Bell;

pub struct G(Bell);

pub enum WaitReason {
    IoTurn,
    Mutex,
}

loom::thread_local! {
    static RECORD: Arc<G> = Arc::new(G(Bell::new()));
}

pub fn waiter() -> NonNull<G> {
    RECORD.with(|g| NonNull::from(&**g))
}

pub fn park(gp: NonNull<G>, _reason: WaitReason) {
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

pub trait Place {
    fn retract(&self) -> bool;
}

#[derive(PartialEq)]
pub enum Ended {
    Readied,
    Cancelled,
}

/// Gives up at once, unless somebody has readied it.
pub fn park_in(gp: NonNull<G>, reason: WaitReason, place: &impl Place) -> Ended {
    if place.retract() {
        return Ended::Cancelled;
    }
    park(gp, reason);
    Ended::Readied
}

pub fn spend() {}

pub fn has_stopped(_gp: NonNull<G>) -> bool {
    false
}

pub fn may_spin() -> bool {
    false
}

/// A clock whose every reading is long after the one before, or the same, as the model says.
pub mod clock {
    use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};

    loom::lazy_static! {
        static ref NOW: AtomicU64 = AtomicU64::new(0);
        static ref STEP: AtomicU64 = AtomicU64::new(0);
    }

    pub fn now() -> u64 {
        NOW.fetch_add(STEP.load(Relaxed), Relaxed)
    }

    /// From now on, so much time passes between two readings.
    pub fn hurry(step: u64) {
        STEP.store(step, Relaxed);
    }
}
