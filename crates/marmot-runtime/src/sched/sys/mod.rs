//! What differs between systems: how exactly a thread is woken at a point in time.

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod slack;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "portable.rs"]
mod slack;

pub(super) use slack::wake_exactly;
