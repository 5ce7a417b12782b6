//! The flags of a `PollDesc`, in one word with the generation of the descriptor that they are about.
//!
//! | bits | meaning | who changes them |
//! |---|---|---|
//! | 0 to 7 | flags, see [`super::desc`] | anyone who has a handle; a poller, that the peer has hung up |
//! | 32 to 63 | the generation | the last owner, who takes all flags away with the same store |
//!
//! A poller has no handle. It may find that a key is not stale, and be held up while the descriptor is closed and the desc gets
//! its next owner. So it says that the peer has hung up by [`set_if_current`](State::set_if_current), which changes the word only while the
//! generation in it is that of the event's key. The next owner would otherwise take its own connection for one that has been hung
//! up, for as long as it lives: no wait would go the short way, and no short read would be believed.
//!
//! *Rejected:* to have the last owner wait for pollers, which would make every close look at other threads; and a flag with
//! a generation of its own, which a late event could set back.

use crate::primitive::atomic::{
    AtomicU64,
    Ordering::{self, Acquire, Relaxed, Release},
};

/// Where the generation begins.
const GENERATION: u32 = 32;

/// See the module.
pub(crate) struct State(AtomicU64);

impl State {
    pub(crate) fn new() -> State {
        State(AtomicU64::new(0))
    }

    /// The flags.
    #[inline]
    pub(crate) fn flags(&self, order: Ordering) -> u8 {
        self.0.load(order) as u8
    }

    /// Sets flags; returns those before.
    #[inline]
    pub(crate) fn set(&self, flags: u8, order: Ordering) -> u8 {
        self.0.fetch_or(u64::from(flags), order) as u8
    }

    /// Takes flags away; returns those before.
    #[inline]
    pub(crate) fn clear(&self, flags: u8, order: Ordering) -> u8 {
        self.0.fetch_and(!u64::from(flags), order) as u8
    }

    /// The generation.
    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        // Acquire pairs with the Release in `renew`.
        (self.0.load(Acquire) >> GENERATION) as u32
    }

    /// Sets a flag that an event for this generation tells of; false if that has passed, and with it what the event is about.
    #[must_use = "an event of the past concerns nobody"]
    pub(crate) fn set_if_current(&self, flag: u8, generation: u32) -> bool {
        let set = |word: u64| ((word >> GENERATION) as u32 == generation).then_some(word | u64::from(flag));
        // Relaxed: the slot that is told next orders it for those who look at the slot.
        self.0.fetch_update(Relaxed, Relaxed, set).is_ok()
    }

    /// Begins the next generation, without flags. Only for the last owner.
    pub(crate) fn renew(&self) {
        let next = ((self.0.load(Relaxed) >> GENERATION) as u32).wrapping_add(1);
        // Release pairs with the Acquire in `generation`. Nobody but pollers changes the word meanwhile, and what they add goes.
        // A swap, so that whatever they do to the word comes either before it, or finds the new generation.
        self.0.swap(u64::from(next) << GENERATION, Release);
    }
}
