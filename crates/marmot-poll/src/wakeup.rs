//! How many wake-ups become one.
//!
//! To wake a poll costs a system call, *the bell*: a write to a descriptor that the poll watches. A wake-up that is
//! still on its way serves everyone who calls meanwhile, so only the first call rings.
//!
//! ## The protocol
//!
//! | who wakes | who polls |
//! |---|---|
//! | 1. do what is to be noticed | 1. wait in the kernel |
//! | 2. [`raise`](Wakeup::raise) | 2. if the bell was among what came, [`lower`](Wakeup::lower) |
//! | 3. if it was down, ring the bell | 3. return to the caller, who looks for what is to be noticed |
//!
//! ## States
//!
//! | flag | bell | meaning | who leaves it |
//! |---|---|---|---|
//! | down | silent | no wake-up is on its way | who wakes: raises the flag |
//! | up | silent | somebody is about to ring | the same: rings |
//! | up | rung | the bell waits in the kernel to be heard | a poll: hears it |
//! | up | silent | a poll has heard the bell | the same: lowers the flag |
//!
//! The flag is up for exactly as long as one bell is on its way, so there is never more than one, and a call that
//! finds the flag up may go: the poll that hears this bell lowers the flag *after* hearing it, and that is after the
//! call in the flag's order of modification. Its `Acquire` therefore reads, directly or through the calls that came
//! later, the call's `Release`, and the caller of the poll sees what was done in step 1.
//!
//! ## Rejected
//!
//! * Looking at the flag with a plain load, and going if it is up. That call would have no place in the order
//!   of modification: it might see an old value after the poll has lowered the flag, and be lost.
//! * Lowering the flag before waiting. Each call between that and the wait would ring again, and a poll would need a
//!   second look at its queues to be safe.
//! * Reading the bell's counter to silence it. An edge-triggered `eventfd` reports every write, read or not.

use crate::primitive::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};

/// Whether a wake-up is on its way.
pub(crate) struct Wakeup {
    raised: AtomicBool,
}

impl Wakeup {
    pub(crate) fn new() -> Wakeup {
        Wakeup { raised: AtomicBool::new(false) }
    }

    /// Says that there is something to notice. If it returns true, the caller must ring the bell.
    #[must_use = "a wake-up that nobody rings for is lost, and so are those that follow"]
    pub(crate) fn raise(&self) -> bool {
        // Release pairs with the Acquire in `lower`.
        !self.raised.swap(true, Release)
    }

    /// Whether a bell may be among what the kernel has just reported: a cheap question that saves the search.
    ///
    /// Whoever rang raised the flag before, and the kernel's own locks order the ring before the report of it; so no
    /// ordering is needed here for the answer to be yes when it must be.
    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Relaxed)
    }

    /// Takes the wake-up, once its bell has been heard.
    pub(crate) fn lower(&self) {
        // A read as well as a write, so that it sees every call since the bell: Acquire pairs with the Release in
        // `raise`.
        self.raised.swap(false, Acquire);
    }
}
