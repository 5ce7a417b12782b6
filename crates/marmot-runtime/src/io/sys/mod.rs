//! What the kernel copies by itself, which differs between systems.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod portable;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::transfer;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use portable::transfer;
