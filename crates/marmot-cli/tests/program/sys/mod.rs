//! What is tested on some systems only.

#[cfg(target_os = "linux")]
#[path = "../eras.rs"]
mod eras;
#[cfg(target_os = "linux")]
#[path = "../memory.rs"]
mod memory;

#[cfg(not(target_os = "linux"))]
mod no_eras;
