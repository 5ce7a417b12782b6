//! The one switch between `std` and loom.
//!
//! Only `pipe::shared`, which holds the one protocol of this crate, takes its lock from here, so that the model in
//! `tests/loom.rs` runs the very code that ships.

#[cfg(not(loom))]
pub(crate) use std::sync::Mutex;

#[cfg(loom)]
pub(crate) use loom::sync::Mutex;
