//! The one switch between `std` and loom.
//!
//! Only the files that hold a lock-free protocol without knowing what runs over it (`sched::runq`,
//! `sched::inbox`, `sched::idle`, `netpoll::slot`) take their atomics from here, so that the models
//! in `tests/loom.rs` run the very code that ships. Everything else uses `std` directly.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic;

#[cfg(loom)]
pub(crate) use loom::sync::atomic;

/// How many slots the local run queue has: few under the model, so that it wraps within a run.
#[cfg(not(loom))]
pub(crate) const RUN_QUEUE_SLOTS: usize = 256;
#[cfg(loom)]
pub(crate) const RUN_QUEUE_SLOTS: usize = 4;
