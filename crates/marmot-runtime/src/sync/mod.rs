//! Locks and channels that park the goroutine, with the names and semantics of `std::sync`.
//!
//! A `std` lock blocks the M, and with it all goroutines that have settled there: if the holder is one of them and is parked, for
//! ever. A lock from here parks the goroutine that has to wait, and may be held across anything that parks. Plain threads may use
//! it together with goroutines; they block.
//!
//! | file | what is in it |
//! |---|---|
//! | `mutex` | the type that programs use: guards, and poisoning by the goroutine's own state |
//! | `raw` | the protocol: who has the lock, who waits, who comes next |
//! | `list` | those who wait |
//! | [`chan`] | channels between many and many, and waiting for the first of several |
//! | [`mpsc`] | the same channels under the names of `std` |
//!
//! What one can wait for here is taken out of a list and readied by whoever has it to give, with the list locked: whatever
//! else waits (a read-write lock, a condition, a channel) uses the same list.

pub mod chan;
mod list;
pub mod mpsc;
mod mutex;
mod raw;

pub use mutex::{Mutex, MutexGuard};
