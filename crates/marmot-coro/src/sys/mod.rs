//! What differs between processors: registers, and fetching memory ahead of its use.

#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod processor;

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod processor;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "other.rs"]
mod processor;

pub use processor::prefetch;
pub(crate) use processor::{load, registers, save_registers};
