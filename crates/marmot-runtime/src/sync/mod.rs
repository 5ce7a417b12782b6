//! Locks and channels that park the goroutine, with the names and semantics of `std::sync`.
//!
//! A `std` lock blocks the M, and with it all goroutines that have settled there: if the holder is one of them and is parked, for
//! ever. A lock from here parks the goroutine that has to wait, and may be held across anything that parks. Plain threads may use
//! it together with goroutines; they block.
//!
//! | file | what is in it |
//! |---|---|
//! | `mutex`, `rwlock`, `condvar`, `once`, `once_lock`, `lazy_lock`, `barrier` | the types of `std::sync` that programs use |
//! | `semaphore`, `wait_group` | what Go has besides |
//! | `raw`, `raw_rw`, `signal`, `permits` | their protocols: who has what, who waits, who comes next |
//! | `list` | those who wait |
//! | [`singleflight`] | of many calls for the same thing, one is made |
//! | `wait` | one wait, and what may end it |
//! | `poison` | that somebody has panicked with a lock |
//! | [`chan`] | channels between many and many, and waiting for the first of several |
//! | [`mpsc`] | the same channels under the names of `std` |
//! | [`Done`] | the end of another context, to be waited for among other things |
//!
//! What one can wait for here is taken out of a list and readied by whoever has it to give, with the list locked.
//!
//! A wait whose signature is `std`'s is ended by nothing else, because it could not say so; beside it there is one that ends with the
//! caller's [context](crate::context), `…_or_cancelled`. Waits that `std` does not have observe the context themselves.

mod barrier;
pub mod chan;
mod condvar;
mod done;
mod lazy_lock;
pub(crate) mod list;
pub mod mpsc;
mod mutex;
mod once;
mod once_lock;
pub(crate) mod permits;
mod poison;
mod raw;
mod raw_rw;
mod rwlock;
mod semaphore;
mod signal;
pub mod singleflight;
pub(crate) mod wait;
mod wait_group;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use done::Done;
pub use lazy_lock::LazyLock;
pub use mutex::{Mutex, MutexGuard};
pub use once::{Once, OnceState};
pub use once_lock::OnceLock;
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{OwnedPermit, Permit, Semaphore};
pub use wait_group::WaitGroup;

/// What never waits is `std`'s own, and here so that a program is ported by its `use` lines.
pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak, atomic};
