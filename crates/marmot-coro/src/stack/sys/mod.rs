//! What stacks ask of the operating system, one file a platform.
//!
//! | item | what it does |
//! |---|---|
//! | `page_size()` | the unit of all that follows, in bytes |
//! | `reserve(len)` | maps `len` bytes that are committed by touching, without huge pages |
//! | `release(start, len)` | unmaps them |
//! | `install_guard(start, len)` | as `protect`, with the mapping whole; may be `Unsupported` |
//! | `protect(start, len)` | makes pages inaccessible |
//! | `discard(start, len)` | lets the kernel have the memory of pages; guards stay |
//! | `mapping_limit()` | how many mappings a process may have |
//! | `Advice` | what a user can do about each shortage |
//!
//! `unix` holds what POSIX has; the platform's file adds the rest, and the implementation of the
//! switch's own trait for `Stack`, which differs on Windows.

#[cfg(unix)]
mod unix;

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod platform;

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
#[path = "bsd.rs"]
mod platform;

pub(crate) use platform::*;
