//! The one switch between `std` and loom.
//!
//! Only `wakeup`, which holds the one lock-free protocol of this crate, takes its atomics from here, so that the
//! model in `tests/loom.rs` runs the very code that ships.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic;

#[cfg(loom)]
pub(crate) use loom::sync::atomic;
