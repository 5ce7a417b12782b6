//! One direction of a descriptor: whether it is ready, and who waits.
//!
//! | word | meaning | left by |
//! |---|---|---|
//! | `NIL` | nobody waits, and nothing has happened since the last try | an event, to `READY`; a waiter, to the word for it |
//! | `READY` | an event came: a try may succeed | whoever holds the turn, to `NIL`: a reader before it tries, a writer after a try that found no room |
//! | a [word](super::word) | that goroutine (or thread) waits | an event, to `READY`; a deadline or a close, to `NIL`; the waiter itself, to `NIL` |
//!
//! Whoever replaces the word of a waiter owns the waiter and readies it, so it is readied once. At most one
//! waits at a time: the direction's turn ([`super::turn`]) sees to that.
//!
//! **No event is lost.** A reader sets the word to `NIL` before it tries. An event after that leaves
//! `READY`, which makes `publish` fail and the reader try again; an event after `publish` finds the
//! waiter. Whoever forgets an event has seen its news, and those of the events before it, because
//! every event is swapped in, also where `READY` is there already, and swapped out.
//!
//! **Room that is known of.** A writer tries without a look at the word, and takes `READY` back only when it found no
//! room, to try once more before it waits. An event that tells of room and of nothing else need not be swapped in where
//! `READY` is already ([`Slot::knows_room`]). If it was there still, the writer has not taken it back before; then it
//! has not begun the try that follows, and that one finds the room: descriptors have locks, which order the room before
//! the report of it (those of TCP; a descriptor that keeps its room in bare atomics needs another argument). A hang-up is news that no try tells of, so it is swapped in always.
//!
//! **No deadline and no close is lost.** The one who changes a condition writes it, passes a
//! `SeqCst` fence, and looks for a waiter here (`evict`); the waiter publishes itself, passes a
//! fence, and looks at the conditions once more. One of them sees the other.
//!
//! Go's word has one more state, between deciding to wait and having switched away. A settled
//! goroutine does not need it: nobody else can resume it before it has switched.

use crate::primitive::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, SeqCst},
    fence,
};

const NIL: usize = 0;
const READY: usize = 1;

/// See the module.
pub(crate) struct Slot(AtomicUsize);

impl Slot {
    pub(crate) fn new() -> Self {
        Slot(AtomicUsize::new(NIL))
    }

    /// An event: the word of the waiter to ready, if there is one.
    #[must_use = "the waiter has to be readied"]
    pub(crate) fn notify(&self) -> Option<usize> {
        // A swap even where `READY` seems to be there: the try that takes it has to see this
        // event's news (a hang-up). Acquire pairs with `publish`: we see the waiter.
        // Release pairs with `take_ready` and `publish`.
        let old = self.0.swap(READY, AcqRel);
        (old > READY).then_some(old)
    }

    /// Whether an event came since the last try.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.load(Relaxed) == READY
    }

    /// Whether an event that tells of room, and of nothing else, need not be [notified](Slot::notify): one is here that
    /// the writer has not taken up.
    #[inline]
    pub(crate) fn knows_room(&self) -> bool {
        self.is_ready()
    }

    /// Forgets the event that calls for a try. True if there was one. Only for the
    /// holder of the turn.
    pub(crate) fn take_ready(&self) -> bool {
        // Acquire pairs with the Release in `notify`.
        self.0.load(Relaxed) == READY && self.0.compare_exchange(READY, NIL, AcqRel, Relaxed).is_ok()
    }

    /// Lets `waiter` wait here; false if an event came first (it is forgotten). Only for the holder
    /// of the turn.
    #[must_use = "whoever is not published must not park"]
    pub(crate) fn publish(&self, waiter: usize) -> bool {
        debug_assert!(waiter > READY);
        // Release pairs with the Acquire of whoever takes the word.
        if self.0.compare_exchange(NIL, waiter, AcqRel, Relaxed).is_err() {
            // A swap, because this forgets whatever event is the last by now, and has to see its
            // news. Acquire pairs with the Release in `notify`.
            self.0.swap(NIL, Acquire);
            return false;
        }
        // Pairs with the fence in `evict`.
        fence(SeqCst);
        true
    }

    /// Takes `waiter` back; false if somebody else has taken it, and will ready it.
    #[must_use = "whoever was taken is going to be readied"]
    pub(crate) fn retract(&self, waiter: usize) -> bool {
        self.0.compare_exchange(waiter, NIL, AcqRel, Relaxed).is_ok()
    }

    /// Who waits at this moment. Nothing is known of it but its word.
    #[inline]
    pub(crate) fn peek(&self) -> Option<usize> {
        let word = self.0.load(Relaxed);
        (word > READY).then_some(word)
    }

    /// Whether somebody waits. The fence pairs with the one in `publish`, see [`Slot::evict`].
    pub(crate) fn has_waiter(&self) -> bool {
        fence(SeqCst);
        self.0.load(Acquire) > READY
    }

    /// After a condition has changed: the word of the waiter to ready, so that it looks again.
    #[must_use = "the waiter has to be readied"]
    pub(crate) fn evict(&self) -> Option<usize> {
        // Pairs with the fence in `publish`.
        fence(SeqCst);
        let waiter = self.0.load(Acquire);
        (waiter > READY && self.0.compare_exchange(waiter, NIL, AcqRel, Relaxed).is_ok()).then_some(waiter)
    }
}
