//! What a poll reports: whose descriptor, and what it is ready for.

use std::fmt;

/// What the caller of [`Contract::open`](crate::Contract::open) wants its descriptor's events to carry.
///
/// A back end hands it back and never looks inside. Every number but `u64::MAX` is one.
///
/// An event may come after its descriptor was closed, so a key should say which *use* of a place it belongs to: an
/// index and a generation, say. A key that is an address alone cannot be told from that of the next owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The number that is not a key: back ends mark what is their own with it.
    pub(crate) const RESERVED: u64 = u64::MAX;

    /// The key that is `number`.
    ///
    /// # Panics
    ///
    /// If `number` is `u64::MAX`.
    #[must_use]
    pub const fn new(number: u64) -> Key {
        assert!(number != Key::RESERVED, "u64::MAX is no key: it is the poller's own");
        Key(number)
    }

    /// The number that this key was made of.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// A key that comes back from where [`Key::new`] has been.
    #[inline]
    pub(crate) const fn returned(number: u64) -> Key {
        Key(number)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:#x})", self.0)
    }
}

/// What a descriptor is ready for.
///
/// An event is news, not a promise: by the time the caller tries, somebody else may have taken the bytes or the room,
/// and a try that would block is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The key that the descriptor was opened with.
    pub key: Key,
    /// A read would not block: there are bytes, or the end of them, or an error.
    pub readable: bool,
    /// A write would not block: there is room, or an error.
    pub writable: bool,
    /// The peer has closed its sending side, or everything, or the descriptor has failed.
    ///
    /// From now on a read that returns less than it asked for does not mean that the descriptor is drained: the end
    /// of the stream stands behind those bytes, and no further edge will announce it. With an error or a full
    /// hang-up `readable` and `writable` are set too, so that whoever waits for either learns of it.
    ///
    /// Urgent data counts as well (tcp(7)): a read stops at its place in the stream, with more bytes behind it.
    pub hangup: bool,
}
