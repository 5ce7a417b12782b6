//! What pools have done so far.

use std::fmt;

/// What a pool has done since its first use; [`stats`](super::stats) has those of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The pool's [name](super::Pool::named); without one, the type of its objects.
    pub name: &'static str,
    /// How many objects came from the shard of the thread that wanted one.
    pub hits: u64,
    /// How many came from another thread's shard.
    pub steals: u64,
    /// How many had to be made.
    pub misses: u64,
    /// How many were given back and not kept: they were too large, there was no room, they had not been reset, or the
    /// thread was ending. What ticks give back to the allocator does not count.
    pub dropped: u64,
    /// How many are kept at this moment, as objects, while others take and give.
    pub kept: usize,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats { name, hits, steals, misses, dropped, kept } = self;
        write!(f, "{name}: {hits} hits, {steals} steals, {misses} misses, {dropped} dropped, {kept} kept")
    }
}
