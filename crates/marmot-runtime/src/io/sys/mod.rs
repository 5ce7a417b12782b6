//! What the kernel copies by itself, which differs between systems.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod nothing;

#[cfg(target_os = "linux")]
pub(super) use linux::transfer;
#[cfg(not(target_os = "linux"))]
pub(super) use nothing::transfer;
