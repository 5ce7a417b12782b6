//! The word that both sides decide on.
//!
//! | bits | what | set by | cleared by |
//! |---|---|---|---|
//! | 8.. | how many bytes are published and not consumed | the producer adds | the consumer subtracts |
//! | `END` | nothing will be added; the outcome is in place | the producer | the consumer, if `PAUSED` |
//! | `GONE` | nobody will read; the count is 0 | the consumer | – |
//! | `READER_WAITS` | the consumer parks, or is about to | the consumer | whoever wakes it, or itself |
//! | `WRITER_WAITS` | the producer parks, or is about to | the producer | whoever wakes it, or itself |
//! | `PAUSED` | with `END`: something may be added once the consumer has resumed the producer | the producer | the consumer; the producer as it goes |
//! | `SEALED` | the last node is left to the consumer; set only while the count is not 0 | the producer | the producer |

use crate::primitive::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire},
};

const SHIFT: u32 = 8;

/// What the word says at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(u64);

/// A set of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags(u64);

pub(super) const END: Flags = Flags(1);
pub(super) const GONE: Flags = Flags(1 << 1);
pub(super) const READER_WAITS: Flags = Flags(1 << 2);
pub(super) const WRITER_WAITS: Flags = Flags(1 << 3);
pub(super) const SEALED: Flags = Flags(1 << 4);
pub(super) const PAUSED: Flags = Flags(1 << 5);

impl Flags {
    pub(super) fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl Word {
    /// The largest number of bytes that can be counted.
    pub(super) const MOST: usize = if usize::BITS > 55 { 1 << 55 } else { usize::MAX };

    /// The number of bytes.
    #[inline]
    pub(super) fn len(self) -> usize {
        (self.0 >> SHIFT) as usize
    }

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.0 >> SHIFT == 0
    }

    #[inline]
    pub(super) fn has(self, flags: Flags) -> bool {
        self.0 & flags.0 != 0
    }

    #[inline]
    pub(super) fn with_more(self, bytes: usize) -> Word {
        Word(self.0 + ((bytes as u64) << SHIFT))
    }

    #[inline]
    pub(super) fn without(self, flags: Flags) -> Word {
        Word(self.0 & !flags.0)
    }

    #[inline]
    pub(super) fn with(self, flags: Flags) -> Word {
        Word(self.0 | flags.0)
    }
}

/// The word. Every operation acquires what the other side released by its last one, and releases what this side did.
pub(super) struct State(AtomicU64);

impl State {
    pub(super) fn new() -> Self {
        State(AtomicU64::new(0))
    }

    #[inline]
    pub(super) fn load(&self) -> Word {
        // Acquire pairs with the Release of every change.
        Word(self.0.load(Acquire))
    }

    /// Changes the word from what the caller saw. Fails with what it has become.
    #[inline]
    pub(super) fn change(&self, from: Word, to: Word) -> Result<(), Word> {
        // AcqRel pairs with itself on the other side.
        self.0.compare_exchange(from.0, to.0, AcqRel, Acquire).map(drop).map_err(Word)
    }

    /// Subtracts bytes, and says what the word has become.
    #[inline]
    pub(super) fn subtract(&self, bytes: usize) -> Word {
        // AcqRel pairs with itself on the other side.
        let consumed = (bytes as u64) << SHIFT;
        Word(self.0.fetch_sub(consumed, AcqRel) - consumed)
    }

    /// Clears flags, and says what the word was.
    pub(super) fn clear(&self, flags: Flags) -> Word {
        // AcqRel pairs with itself on the other side.
        Word(self.0.fetch_and(!flags.0, AcqRel))
    }
}
