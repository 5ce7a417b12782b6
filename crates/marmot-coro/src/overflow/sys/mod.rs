//! Faults as the operating system delivers them, one file a platform.
//!
//! | item | what it does |
//! |---|---|
//! | `install()` | has every fault pass through `super::fault_at` and `super::die` first |
//! | `AltStack` | gives the thread a stack to handle a fault on |
//! | `write_stderr(bytes)` | writes from inside a handler |
//! | `pause()` | waits from inside a handler |

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;

pub use platform::AltStack;
pub(super) use platform::{install, pause, write_stderr};
