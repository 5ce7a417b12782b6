//! Descriptors that a thread keeps because it may need them again, and gives back when there are none left.
//!
//! Whoever keeps some says how they are closed; whoever is refused one by the system asks for that. Neither knows the other.

use std::cell::Cell;

/// Closes what its owner keeps on this thread, and says how many there were.
type Close = fn() -> usize;

thread_local! {
    static KEPT: Cell<Option<Close>> = const { Cell::new(None) };
}

/// Says that this thread keeps descriptors, which `close` closes. There is one such owner.
#[allow(dead_code, reason = "there is none where copies need no descriptors")]
pub(crate) fn keep(close: Close) {
    // A thread that is ending keeps nothing.
    let _ = KEPT.try_with(|kept| kept.set(Some(close)));
}

/// Closes the descriptors that this thread keeps; `false` if it keeps none.
pub(crate) fn give_back() -> bool {
    KEPT.try_with(Cell::take).ok().flatten().is_some_and(|close| close() > 0)
}
