//! The one switch between `std` and loom.
//!
//! Only the files that hold a protocol without knowing what runs over it take their atomics and
//! locks from here, so that the models in `tests/loom` run the very code that ships: of `sched`,
//! `runq`, `inbox`, `queue`, `errands`, `idle`, `roster`, `token`, `join` and `timers`; of `netpoll`, `slot` and `turn`; of `buffered`, `left`; and of
//! `sync`, `raw`, `list` and `chan`. Everything
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

#[cfg(not(loom))]
#[path = "primitive/short.rs"]
mod short;
#[cfg(not(loom))]
pub(crate) use short::Short;

/// A lock for a few instructions. Under the model, whose threads have to be told that it is free, it is one that waits.
#[cfg(loom)]
pub(crate) struct Short(Mutex<bool>, loom::sync::Condvar);

#[cfg(loom)]
impl Short {
    pub(crate) fn new() -> Short {
        Short(Mutex::new(false), loom::sync::Condvar::new())
    }

    pub(crate) fn acquire(&self) {
        // No thread of a model panics and goes on.
        let mut is_taken = self.0.lock().unwrap();
        while *is_taken {
            is_taken = self.1.wait(is_taken).unwrap();
        }
        *is_taken = true;
    }

    pub(crate) fn release(&self) {
        *self.0.lock().unwrap() = false;
        self.1.notify_one();
    }
}

/// How many slots the local run queue has: few under the model, so that it wraps within a run.
#[cfg(not(loom))]
pub(crate) const RUN_QUEUE_SLOTS: usize = 256;
#[cfg(loom)]
pub(crate) const RUN_QUEUE_SLOTS: usize = 4;

/// Whether this is built for a model, where atomics have other sizes.
pub(crate) const MODELLED: bool = cfg!(loom);
