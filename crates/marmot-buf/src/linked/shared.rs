//! What the two sides share.

use std::io;

use super::node::NodeRef;
use super::slot::Slot;
use super::state::{Flags, READER_WAITS, State, WRITER_WAITS, Word};
use crate::Park;
use crate::primitive::Cell;

/// A place in the list.
pub(super) type Place = (NodeRef, usize);

/// How the producer ended.
pub(super) enum Outcome {
    /// In good order.
    End,
    /// With an error that nobody has been told yet.
    Error(io::Error),
    /// With an error of this kind, which somebody has been told.
    Told(io::ErrorKind),
}

/// See [the module](super).
pub(super) struct Shared<P: Park> {
    pub(super) state: State,
    /// Where the bytes begin. The producer writes it while the count is 0; the consumer reads it after that count has
    /// become another and before it makes it 0.
    pub(super) anchor: Cell<Option<Place>>,
    /// Written by the producer before `END`, and the consumer's after it.
    pub(super) outcome: Cell<Outcome>,
    pub(super) reader: Slot<P>,
    pub(super) writer: Slot<P>,
    pub(super) node_size: usize,
    pub(super) high_water: usize,
}

// SAFETY: the cells have one user at a time, as their comments say.
unsafe impl<P: Park> Sync for Shared<P> {}
// SAFETY: as above; nothing is bound to a thread.
unsafe impl<P: Park> Send for Shared<P> {}

impl<P: Park> Shared<P> {
    pub(super) fn new(node_size: usize, high_water: usize) -> Self {
        Shared {
            state: State::new(),
            anchor: Cell::new(None),
            outcome: Cell::new(Outcome::End),
            reader: Slot::new(),
            writer: Slot::new(),
            node_size,
            high_water,
        }
    }

    /// Whether the producer may add to what `word` says: there is less than the high-water mark, or the consumer waits
    /// for more than there is.
    pub(super) fn has_room(&self, word: Word) -> bool {
        word.len() < self.high_water || (word.has(READER_WAITS) && word.len() < self.reader.want())
    }

    /// Wakes the consumer if it waits: after something that it waits for.
    pub(super) fn wake_reader(&self) {
        self.wake(READER_WAITS, &self.reader);
    }

    /// Wakes the producer if it waits.
    pub(super) fn wake_writer(&self) {
        self.wake(WRITER_WAITS, &self.writer);
    }

    fn wake(&self, flag: Flags, slot: &Slot<P>) {
        if self.state.clear(flag).has(flag) {
            slot.wake();
        }
    }
}
