//! Whether this thread is between two stacks.
//!
//! The address sanitizer is told of a switch by two calls, one on either side of it, and a signal's handler that comes between
//! them must not make another. In builds for it every switch is marked, and handlers look; in all others none of this is there.

use std::cell::Cell;

const MARKED: bool = cfg!(feature = "sanitizer");

thread_local! {
    static UNDER_WAY: Cell<bool> = const { Cell::new(false) };
}

/// Whether the code that runs here, in a signal's handler, has interrupted a switch.
#[inline]
pub(crate) fn is_under_way() -> bool {
    MARKED && UNDER_WAY.get()
}

/// Before a switch.
#[inline]
pub(crate) fn begin() {
    mark(true);
}

/// After one, on the other side.
#[inline]
pub(crate) fn end() {
    mark(false);
}

/// Calls `switch`, which goes to another stack and comes back.
#[inline]
pub(crate) fn there_and_back<R>(switch: impl FnOnce() -> R) -> R {
    begin();
    let result = switch();
    end();
    result
}

#[inline]
fn mark(under_way: bool) {
    if MARKED {
        UNDER_WAY.set(under_way);
    }
}
