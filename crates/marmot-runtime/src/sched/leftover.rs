//! What a goroutine leaves to its M: small things to be done when its turn is over, whatever ends it.
//!
//! A goroutine that is about to wait cannot know it, for the call that waits may be anywhere. Its M does: control comes
//! back to it. A buffered writer leaves what it has gathered, so that it is sent by one system call when the goroutine
//! has nothing more to write for now.

use std::sync::Arc;

use super::current;
use super::m::M;

/// Something to be done after a goroutine's turn.
pub(crate) trait Leftover: Send + Sync {
    /// Does it. This is called by the M, between two goroutines: it must not wait, but it may spawn.
    fn finish(self: Arc<Self>);
}

/// Whether the caller is a goroutine, whose M does what it leaves.
pub(crate) fn is_goroutine() -> bool {
    current::gp().is_some()
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
            leftover.finish();
        }
    }
}
