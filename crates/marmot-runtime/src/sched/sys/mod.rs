//! What differs between systems: how exactly a thread is woken at a point in time, what is called when a thread has ended, and what
//! `exit` does first.

#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[path = "exit.rs"]
mod exit;
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "exit_plain.rs"]
mod exit;
#[cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static"), target_arch = "aarch64"))]
mod exit_aarch64;
#[cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static"), target_arch = "x86_64"))]
mod exit_x86_64;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod slack;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "portable.rs"]
mod slack;
#[cfg(unix)]
#[path = "thread_end.rs"]
mod thread_end;
#[cfg(not(unix))]
#[path = "thread_end_never.rs"]
mod thread_end;

pub(super) use exit::watch_exit;
pub(super) use slack::wake_exactly;
pub(super) use thread_end::call_at_thread_end;
