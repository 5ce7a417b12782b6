//! What a goroutine leaves to its M: small things to be done when its turn is over, whatever ends it.
//!
//! A goroutine that is about to wait cannot know it, for the call that waits may be anywhere. Its M does: control comes
//! back to it. A buffered writer leaves what it has gathered, so that it is sent by one system call when the goroutine
//! has nothing more to write for now.

use std::sync::Arc;

use super::caught::caught_aloud;
use super::current;
use super::m::M;

/// Something to be done after a goroutine's turn.
pub(crate) trait Leftover: Send + Sync {
    /// Does it. This is called by the M, between two goroutines: it must not wait, but it may spawn.
    fn finish(self: Arc<Self>);
}

/// A name of the caller's M, never 0, which does what the caller leaves; none for a plain thread.
pub(crate) fn here() -> Option<usize> {
    current::gp().and(current::mp()).map(|mp| std::ptr::from_ref(mp).addr())
}

/// Leaves something to the M of the caller, which is a goroutine.
pub(crate) fn leave(leftover: Arc<dyn Leftover>) {
    let mp = current::mp().expect("a goroutine has an M");
    mp.own.leftovers.borrow_mut().push(leftover);
    mp.own.has_leftovers.set(true);
}

impl M {
    /// Does what the goroutine left that had its turn just now.
    #[cold]
    #[inline(never)]
    pub(super) fn finish_leftovers(&self) {
        self.own.has_leftovers.set(false);
        loop {
            // Not borrowed while it is done: who spawns on this M runs nothing here, but need not know of this list.
            let next = self.own.leftovers.borrow_mut().pop();
            let Some(leftover) = next else { return };
            caught_aloud(format_args!("what a goroutine had left to be sent has panicked"), || leftover.finish());
        }
    }
}
