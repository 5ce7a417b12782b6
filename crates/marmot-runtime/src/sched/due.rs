//! What is to be done when timers have fired, and the heap's lock has been released.

use std::ptr::NonNull;

use super::caught::caught_aloud;
use super::g::G;
use super::park;
use super::queue::List;

/// Something to be called without any lock, by the thread that has fired the timer: an M between two goroutines, as a rule.
/// It must not wait; what it drops, it drops there.
pub(crate) struct Call {
    /// What it is called with.
    pub(crate) with: NonNull<()>,
    /// Is called once.
    pub(crate) run: unsafe fn(NonNull<()>),
}

/// What is to be done when the heap's lock has been released.
pub(crate) struct Due {
    gs: List<G>,
    calls: Vec<Call>,
}

impl Due {
    pub(super) const fn new() -> Due {
        Due { gs: List::new(), calls: Vec::new() }
    }

    /// Adds `gp`, which the caller has taken out of the place where it waited.
    pub(crate) fn push(&mut self, gp: NonNull<G>) {
        // SAFETY: it waited, so it is in no queue, and a G stays until its goroutine has ended.
        unsafe { self.gs.push(gp) }
    }

    /// Adds a callback.
    ///
    /// # Safety
    ///
    /// `call.run` may be called with `call.with`, once, by any thread, later.
    pub(crate) unsafe fn call(&mut self, call: Call) {
        self.calls.push(call);
    }

    /// Does it all.
    pub(super) fn settle(mut self) {
        while let Some(gp) = self.gs.pop() {
            park::ready(gp);
        }
        for Call { with, run } in self.calls {
            // SAFETY: as the one promised who added it.
            caught_aloud(format_args!("what a timer was to call has panicked"), || unsafe { run(with) });
        }
    }
}
