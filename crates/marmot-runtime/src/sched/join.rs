//! The word on which a goroutine's end and its one joiner meet.
//!
//! | state | set by | meaning |
//! |---|---|---|
//! | `RUNNING` | at the start | neither has happened |
//! | a record's address | the handle, in `wait` | that waiter is to be readied at the end |
//! | `DETACHED` | the handle, when dropped | nobody wants the result: who ends the goroutine drops it |
//! | `DONE` | who ends the goroutine | the result is there; it belongs to the handle |

use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire},
};

use super::g::G;
use super::park;
use super::status::WaitReason;

const RUNNING: usize = 0;
const DONE: usize = 1;
const DETACHED: usize = 2;

/// What the one who ends a goroutine has to do next.
pub(crate) enum Ended {
    /// Nothing: the handle will look.
    Quietly,
    /// Ready this waiter.
    Wake(NonNull<G>),
    /// Drop the result.
    DropResult,
}

/// See the module.
pub(crate) struct JoinWord(AtomicUsize);

impl JoinWord {
    pub(crate) const fn new() -> Self {
        JoinWord(AtomicUsize::new(RUNNING))
    }

    pub(crate) fn is_done(&self) -> bool {
        // Acquire pairs with the Release in `end`: the result is seen.
        self.0.load(Acquire) == DONE
    }

    /// Waits for the end. Only for the one handle.
    pub(crate) fn wait(&self) {
        if self.is_done() {
            return;
        }
        let gp = park::waiter();
        let me = gp.as_ptr() as usize;
        // Release pairs with the Acquire in `end`, which then readies us; Acquire as in `is_done`.
        if self.0.compare_exchange(RUNNING, me, AcqRel, Acquire).is_ok() {
            park::park(gp, WaitReason::Join);
            debug_assert!(self.is_done());
        }
    }

    /// Gives the result up; true if it is there already, and the caller has to drop it.
    #[must_use = "the result may have to be dropped"]
    pub(crate) fn detach(&self) -> bool {
        self.0.compare_exchange(RUNNING, DETACHED, AcqRel, Acquire).is_err()
    }

    /// Says that the goroutine has ended and its result is in place.
    #[must_use = "the joiner may have to be readied"]
    pub(crate) fn end(&self) -> Ended {
        // Release pairs with the Acquire in `is_done` and `wait`; Acquire with the Release there.
        match self.0.swap(DONE, AcqRel) {
            RUNNING => Ended::Quietly,
            DETACHED => Ended::DropResult,
            waiter => {
                // The word held the address of a record, which is never null.
                Ended::Wake(NonNull::new(waiter as *mut G).expect("a waiter's address is not null"))
            }
        }
    }
}
