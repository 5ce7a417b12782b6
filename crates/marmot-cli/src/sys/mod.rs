//! What depends on the operating system: each part is chosen here, on a `mod` line, and nowhere else.
//!
//! `eras` measures through `/proc`, `ptrace` and epoll, so it exists on Linux only; elsewhere the same names answer
//! with an error. `serve` and `bench` run wherever the runtime does; `bench` asks here for the memory in use.

#[cfg(target_os = "linux")]
#[path = "../eras/mod.rs"]
pub mod eras;
#[cfg(not(target_os = "linux"))]
#[path = "no_eras.rs"]
pub mod eras;

#[cfg(target_os = "linux")]
pub mod linux;

#[cfg(target_os = "linux")]
#[path = "linux/own_memory.rs"]
pub mod own_memory;
#[cfg(not(target_os = "linux"))]
#[path = "no_memory.rs"]
pub mod own_memory;
