//! Panics that nobody else would catch: on an M's own stack, or where there is more to do whatever one part of it comes to.
//!
//! The payload of such a panic is leaked: nobody is left to get it, and its destructor may panic, too.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `f`; none if that has panicked. What `f` uses is the caller's to look after then.
pub(super) fn caught<R>(f: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(f)).map_err(std::mem::forget).ok()
}

/// As [`caught`]; if `f` has panicked, `text` says so on standard error.
pub(super) fn caught_aloud<R>(text: fmt::Arguments<'_>, f: impl FnOnce() -> R) -> Option<R> {
    let result = caught(f);
    if result.is_none() {
        super::report(text);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("it is part of the test");
        }
    }

    #[test]
    fn a_payload_that_would_panic_itself_is_caught() {
        assert_eq!(caught(|| 7), Some(7));
        assert_eq!(caught(|| std::panic::panic_any(Bomb)), None::<()>);
        assert_eq!(caught_aloud(format_args!("it is part of the test"), || std::panic::panic_any(Bomb)), None::<()>);
    }
}
