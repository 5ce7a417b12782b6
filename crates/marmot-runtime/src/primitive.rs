//! The one switch between `std` and loom.
//!
//! Only the files that hold a protocol without knowing what runs over it take their atomics and
//! locks from here, so that the models in `tests/loom` run the very code that ships: of `sched`,
//! `runq`, `inbox`, `queue`, `errands`, `idle`, `roster`, `token`, `join` and `timers`; of `netpoll`, `slot` and `turn`; of `buffered`, `left`; and of
//! `sync`, `raw`, `raw_rw`, `signal`, `permits`, `once`, `wait_group`, `list` and `chan`. Everything
//! else uses `std` directly.

#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};

/// Makes a function constant. Under the model it is not: atomics are made at run time there.
#[cfg(not(loom))]
macro_rules! constant {
    ($(#[$attribute:meta])* $seen:vis fn $($rest:tt)*) => { $(#[$attribute])* $seen const fn $($rest)* };
}
#[cfg(loom)]
macro_rules! constant {
    ($($function:tt)*) => { $($function)* };
}
pub(crate) use constant;

/// How many slots the local run queue has: few under the model, so that it wraps within a run.
#[cfg(not(loom))]
pub(crate) const RUN_QUEUE_SLOTS: usize = 256;
#[cfg(loom)]
pub(crate) const RUN_QUEUE_SLOTS: usize = 4;

/// Whether this is built for a model, where atomics have other sizes.
pub(crate) const MODELLED: bool = cfg!(loom);
