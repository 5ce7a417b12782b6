//! Whether somebody is going to send what a writer has gathered.
//!
//! Whoever writes does it in three steps: in the turn it adds its bytes; it gives the turn up; it [claims](Left::claim),
//! and if it is the first since the last sending, leaves the sending to its M. Whoever sends does it in two: it
//! [begins](Left::begin), so that what is written from here on is claimed anew; and then it takes the turn and sends
//! what is there.
//!
//! Nothing stays behind, although neither access of the flag orders anything: the turn does. Take a writer whose claim
//! finds that somebody is going to send. If that one takes the turn after the writer has given it, it sees the bytes.
//! If it had it before, it had begun before that, and the writer, who took the turn after it, would have found the flag
//! cleared. The writer may be handed from goroutine to goroutine, and so from M to M: this holds for any two threads.
//! The model is `tests/loom/leaving.rs`.

use crate::primitive::atomic::{AtomicBool, Ordering::Relaxed};

/// See the module.
pub(crate) struct Left(AtomicBool);

impl Left {
    pub(crate) fn new() -> Left {
        Left(AtomicBool::new(false))
    }

    /// After a write, out of the turn: whether the caller is to leave the sending to its M.
    #[must_use = "nobody else is going to send"]
    pub(crate) fn claim(&self) -> bool {
        // A writer is written to by one goroutine at a time, and nobody else sets the flag.
        let first = !self.0.load(Relaxed);
        if first {
            self.0.store(true, Relaxed);
        }
        first
    }

    /// Before the turn is taken to send.
    pub(crate) fn begin(&self) {
        self.0.store(false, Relaxed);
    }
}
