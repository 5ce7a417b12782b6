//! The back ends, one file each, and the choice among them.
//!
//! Each implements [`Contract`](crate::Contract), which is all that the rest of the crate knows of it. A platform is
//! added by a file, a `mod` line and an alias; `tests/contract.rs` tells whether it is right.

pub mod mock;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod epoll;

/// The back end of this platform.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub type Backend = epoll::Epoll;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
compile_error!("marmot-poll has no back end for this platform: write one in `src/sys`");
