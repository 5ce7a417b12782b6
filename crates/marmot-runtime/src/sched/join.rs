//! The word on which a goroutine's end and its one joiner meet.
//!
//! | state | set by | meaning |
//! |---|---|---|
//! | `RUNNING` | at the start, and by who takes the waiter back | neither has happened |
//! | a G's address | the handle, in `publish` | that waiter is to be readied at the end |
//! | `DETACHED` | the handle, when dropped | nobody wants the result: who ends the goroutine drops it |
//! | `DONE` | who ends the goroutine | the result is there; it belongs to the handle |
//!
//! Each side moves the word once, by one read-modify-write. Whoever comes second sees who came
//! first, so the result has one owner, and a waiter is readied once. A waiter that is taken back
//! ([`JoinWord::retract`]) leaves the word as if it had not come.

use std::ptr::{self, NonNull};

use crate::primitive::atomic::{
    AtomicPtr,
    Ordering::{AcqRel, Acquire},
};

/// What the one who ends a goroutine has to do next.
pub(crate) enum Ended<T> {
    /// Nothing: the handle will look.
    Quietly,
    /// Ready this waiter.
    Wake(NonNull<T>),
    /// Drop the result.
    DropResult,
}

/// See the module. `T` is what waiters are known by, and none has the address of a state.
pub(crate) struct JoinWord<T>(AtomicPtr<T>);

impl<T> JoinWord<T> {
    const RUNNING: *mut T = ptr::null_mut();
    const DONE: *mut T = ptr::without_provenance_mut(1);
    const DETACHED: *mut T = ptr::without_provenance_mut(2);

    pub(crate) fn new() -> Self {
        const { assert!(align_of::<T>() > 2, "a state could be taken for a waiter") };
        JoinWord(AtomicPtr::new(Self::RUNNING))
    }

    pub(crate) fn is_done(&self) -> bool {
        // Acquire pairs with the Release in `end`: the result is seen.
        self.0.load(Acquire) == Self::DONE
    }

    /// Lets `waiter` wait for the end; false if that has come. Only for the one handle.
    #[must_use = "whoever is not published must not park"]
    pub(crate) fn publish(&self, waiter: NonNull<T>) -> bool {
        // Release pairs with the Acquire in `end`, which then readies the waiter; Acquire as in
        // `is_done`.
        self.0.compare_exchange(Self::RUNNING, waiter.as_ptr(), AcqRel, Acquire).is_ok()
    }

    /// Takes `waiter` back, which was published; false if the end has come, and readies it.
    #[must_use = "a waiter that is taken back has to be readied"]
    pub(crate) fn retract(&self, waiter: NonNull<T>) -> bool {
        // Acquire as in `is_done`; Release pairs with that of who publishes next.
        self.0.compare_exchange(waiter.as_ptr(), Self::RUNNING, AcqRel, Acquire).is_ok()
    }

    /// Gives the result up; true if it is there already, and the caller has to drop it.
    #[must_use = "the result may have to be dropped"]
    pub(crate) fn detach(&self) -> bool {
        // Acquire as in `is_done`.
        self.0.compare_exchange(Self::RUNNING, Self::DETACHED, AcqRel, Acquire).is_err()
    }

    /// Says that the goroutine has ended and its result is in place.
    #[must_use = "the joiner may have to be readied"]
    pub(crate) fn end(&self) -> Ended<T> {
        // Release pairs with the Acquire in `is_done` and `publish`; Acquire with the Release
        // there.
        let before = self.0.swap(Self::DONE, AcqRel);
        match NonNull::new(before) {
            None => Ended::Quietly,
            Some(_) if before == Self::DETACHED => Ended::DropResult,
            Some(waiter) => Ended::Wake(waiter),
        }
    }
}
