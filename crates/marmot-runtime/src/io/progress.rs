//! How far the kernel came, and why it stopped.

use std::io;

/// What has been moved.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Moved {
    /// Bytes that the source gave.
    pub(super) taken: u64,
    /// Bytes that the sink took. Fewer only after a failure.
    pub(super) given: u64,
}

/// Why it stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The source has ended, or the limit is reached.
    Done,
    /// These two are not for the kernel, or not any more: reading and writing go on from where it stopped.
    Unable,
    /// One of the two failed.
    Failed(io::Error),
}

impl Moved {
    /// How many bytes to ask for next, of `limit` in all and `at_most` so many at a time.
    pub(super) fn next(&self, limit: u64, at_most: usize) -> usize {
        usize::try_from(limit - self.taken).map_or(at_most, |left| left.min(at_most))
    }

    /// Counts bytes that have gone all the way.
    pub(super) fn add(&mut self, count: u64) {
        self.taken += count;
        self.given += count;
    }
}
