//! Whether somebody is going to send what a writer has gathered.
//!
//! Whoever writes does it in three steps: in the turn it adds its bytes; it gives the turn up; it [claims](Left::claim)
//! for its M, and if its M is not the one that is going to send, leaves the sending to it. Whoever sends does it in two:
//! it [begins](Left::begin), so that what is written from here on is claimed anew; and then it takes the turn and sends
//! what is there.
//!
//! Nothing stays behind, although no access of the word orders anything: the turn does. Take a writer whose claim finds
//! that its own M is going to send. That M does so after this goroutine's turn, unless another has begun meanwhile; and
//! that one would have found the word of this M and cleared it, or has taken the turn before the writer and had cleared
//! it before that, and either way the writer would not have found it.
//!
//! The writer may be handed from goroutine to goroutine, and so from M to M. Then a second M is told, although the first
//! is going to send, too: it may be long until the first one's goroutine ends its turn. Who comes second finds nothing
//! to send. The model is `tests/loom/leaving.rs`.

use crate::primitive::atomic::{AtomicUsize, Ordering::Relaxed};

/// See the module. It names the M that is going to send; 0 is none.
pub(crate) struct Left(AtomicUsize);

impl Left {
    pub(crate) fn new() -> Left {
        Left(AtomicUsize::new(0))
    }

    /// After a write, out of the turn, on the M of this name: whether the caller is to leave the sending to it.
    #[must_use = "nobody else is going to send"]
    pub(crate) fn claim(&self, here: usize) -> bool {
        // A writer is written to by one goroutine at a time, and nobody else sets the word.
        let first = self.0.load(Relaxed) != here;
        if first {
            self.0.store(here, Relaxed);
        }
        first
    }

    /// Before the turn is taken to send.
    pub(crate) fn begin(&self) {
        self.0.store(0, Relaxed);
    }
}
