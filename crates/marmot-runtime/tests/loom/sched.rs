//! What `netpoll::turn` and the protocols of `sync` need of the scheduler: a waiter that parks and is readied, here a thread, or gives
//! up at once; and a clock.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use loom::sync::atomic::AtomicBool;

pub use crate::due::Due;
use crate::support::Bell;
pub use crate::timer::limit::{Ended, Place};

pub struct G(Bell, u64, AtomicBool);

#[derive(Clone, Copy)]
pub enum WaitReason {
    IoTurn,
    Mutex,
    RwLockRead,
    RwLockWrite,
    Once,
    Semaphore,
    WaitGroup,
    Receive,
    Send,
    Select,
}

/// Those of earlier runs do not matter.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

loom::thread_local! {
    static RECORD: Arc<G> = Arc::new(G(Bell::new(), NUMBERS.fetch_add(1, Relaxed), AtomicBool::new(false)));
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

pub fn number(gp: NonNull<G>) -> u64 {
    // SAFETY: the caller's own record.
    unsafe { gp.as_ref() }.1
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

/// A model has no turns.
pub mod budget {
    pub const CHECK: u32 = 1;

    pub fn charge(_cost: u32) {}
}

/// What one leaves who does not go on.
pub trait Bequest {
    fn pass_on(&self);
}

loom::thread_local! {
    /// When the caller may go, who otherwise does not go on.
    static LOST: RefCell<Option<loom::sync::Arc<Bell>>> = RefCell::new(None);
}

/// That the caller does not go on.
struct Gone;

/// Calls `f`, which does not go on once it waits; none if it did wait. What is on its stack stays there until the bell is rung.
pub fn lost<T>(until: loom::sync::Arc<Bell>, f: impl FnOnce() -> T) -> Option<T> {
    LOST.with(|lost| *lost.borrow_mut() = Some(until));
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| assert!(payload.is::<Gone>(), "it panics")).ok()
}

pub fn with_will<R>(_gp: NonNull<G>, bequest: &dyn Bequest, wait: impl FnOnce() -> R) -> R {
    let Some(until) = LOST.with(|lost| lost.borrow_mut().take()) else { return wait() };
    bequest.pass_on();
    until.wait();
    resume_unwind(Box::new(Gone))
}

pub fn with_will_around<R>(bequest: &dyn Bequest, f: impl FnOnce() -> R) -> R {
    with_will(waiter(), bequest, f)
}

pub fn has_stopped(_gp: NonNull<G>) -> bool {
    false
}

/// From now on, the context of `gp`, which is the caller's, has ended, until it waits no longer.
pub fn note_end(gp: NonNull<G>, has_ended: bool) {
    // SAFETY: the caller's own record.
    unsafe { gp.as_ref() }.2.store(has_ended, Relaxed);
}

/// # Safety
///
/// `gp` waits.
pub unsafe fn has_context_ended(gp: NonNull<G>) -> bool {
    // SAFETY: the caller's word.
    unsafe { gp.as_ref() }.2.load(Relaxed)
}

pub fn may_spin() -> bool {
    false
}

/// No chance: a model has to be the same each time. What it explores is in which order others come.
pub mod chance {
    pub fn below(_n: u32) -> u32 {
        0
    }
}

/// A clock whose every reading is long after the one before, or the same, as the model says.
pub mod clock {
    use std::time::{Duration, Instant};

    use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};

    loom::lazy_static! {
        static ref NOW: AtomicU64 = AtomicU64::new(0);
        static ref STEP: AtomicU64 = AtomicU64::new(0);
    }

    pub fn now() -> u64 {
        NOW.fetch_add(STEP.load(Relaxed), Relaxed)
    }

    /// So many seconds from now; `timer::limit` knows what they mean.
    pub fn after(d: Duration) -> u64 {
        d.as_secs()
    }

    /// No model has a point in time.
    pub fn at(_t: Instant) -> u64 {
        unreachable!()
    }

    /// From now on, so much time passes between two readings.
    pub fn hurry(step: u64) {
        STEP.store(step, Relaxed);
    }
}
