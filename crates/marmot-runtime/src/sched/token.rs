//! The token of `park` and `unpark`.
//!
//! | state | `park` | `unpark` | the timer of `park_timeout` |
//! |---|---|---|---|
//! | `EMPTY` | → `PARKED`, waits | → `NOTIFIED` | nothing |
//! | `PARKED` | – | → `NOTIFIED`, readies | → `EMPTY`, readies |
//! | `NOTIFIED` | → `EMPTY`, does not wait | nothing | nothing |
//!
//! Whoever leaves `PARKED` readies the goroutine, so it is readied once. A notification that comes
//! between the timer and the goroutine's next step ends this wait too: it is taken in
//! [`Token::finish`].

use crate::primitive::atomic::{
    AtomicU8,
    Ordering::{AcqRel, Acquire, Relaxed},
};

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const NOTIFIED: u8 = 2;

/// See the module.
pub(crate) struct Token(AtomicU8);

impl Token {
    pub(crate) fn new() -> Self {
        Token(AtomicU8::new(EMPTY))
    }

    /// Takes a notification if there is one.
    pub(crate) fn take(&self) -> bool {
        // Acquire pairs with the Release in `notify`: what was done before `unpark` is seen after
        // `park`.
        self.0.load(Relaxed) == NOTIFIED && self.0.swap(EMPTY, Acquire) == NOTIFIED
    }

    /// `EMPTY` to `PARKED`; false if a notification came first (it is taken).
    pub(crate) fn park(&self) -> bool {
        // Release pairs with the Acquire of whoever readies us: it sees our G as we left it.
        let parked = self.0.compare_exchange(EMPTY, PARKED, AcqRel, Relaxed).is_ok();
        if !parked {
            // A swap, because this takes whatever notification is the last by now. Acquire pairs
            // with the Release in `notify`.
            self.0.swap(EMPTY, Acquire);
        }
        parked
    }

    /// After the wait: true if it was ended by a notification (it is taken).
    pub(crate) fn finish(&self) -> bool {
        self.0.swap(EMPTY, Acquire) == NOTIFIED
    }

    /// To `NOTIFIED`; true if the caller has to ready the goroutine.
    #[must_use = "a parked goroutine has to be readied"]
    pub(crate) fn notify(&self) -> bool {
        self.0.swap(NOTIFIED, AcqRel) == PARKED
    }

    /// `PARKED` to `EMPTY`; true if the caller has to ready the goroutine.
    #[must_use = "a parked goroutine has to be readied"]
    pub(crate) fn time_out(&self) -> bool {
        self.0.compare_exchange(PARKED, EMPTY, AcqRel, Relaxed).is_ok()
    }
}
