//! Unwinding as the processor, the object format and the system have it, chosen here.
//!
//! | item | what it does |
//! |---|---|
//! | `prepare_once()` | makes what walks need, at the first call |
//! | `look_again()` | learns of modules, if they have changed |
//! | `walk(registers, skip, frames)` | walks |
//! | `copy_words(address, words)` | copies memory, if it can be read, without a fault |
//! | `interrupted(context)` | the registers of a signal's context |

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod dwarf;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use dwarf as unwinder;

#[cfg(target_arch = "x86_64")]
#[path = "unwind_x86_64.rs"]
mod processor;
#[cfg(target_arch = "aarch64")]
#[path = "unwind_aarch64.rs"]
mod processor;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod none;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use none as unwinder;

mod mapped;

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;

#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod platform;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "signal_x86_64.rs"]
mod signal;

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
#[path = "signal_aarch64.rs"]
mod signal;

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[path = "signal_other.rs"]
mod signal;

pub(super) use platform::copy_words;
pub(super) use signal::interrupted;
pub(super) use unwinder::{look_again, prepare_once, walk};

/// How a walk ended, with the number of frames.
#[derive(Clone, Copy)]
pub(super) enum Walk {
    /// At the end of the stack or of the room.
    Complete(usize),
    /// Where nothing is known of how to go on.
    Lost(usize),
}

impl Walk {
    pub(super) fn count(self) -> usize {
        match self {
            Self::Complete(count) | Self::Lost(count) => count,
        }
    }
}
