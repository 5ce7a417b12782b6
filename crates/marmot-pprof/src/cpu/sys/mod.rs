//! Timers on threads' CPU clocks, and their signal.
//!
//! | item | what it does |
//! |---|---|
//! | `install()`, `restore()` | has the signal call `super::sample`; puts back what handled it before |
//! | `Timers` | a timer for each thread |

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[path = "linux.rs"]
mod platform;

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
#[path = "unknown.rs"]
mod platform;

pub(super) use platform::{Timers, install, restore};
