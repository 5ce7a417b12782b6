//! Linux and Android.

use std::num::NonZeroUsize;
use std::{fmt, fs, io};

use libc::c_int;

use super::unix::{advise, map};
pub(crate) use super::unix::{page_size, protect, release};

/// Guards in the page table, since Linux 6.13 (`include/uapi/asm-generic/mman-common.h`,
/// madvise(2)).
const MADV_GUARD_INSTALL: c_int = 102;

/// Where the kernel says how many mappings a process may have.
const MAX_MAP_COUNT: &str = "/proc/sys/vm/max_map_count";

/// What that is unless somebody changed it (`include/linux/mm.h`).
const DEFAULT_MAX_MAP_COUNT: usize = 65_530;

/// A number of mappings that is enough for most, and that distributions have begun to set.
const AMPLE_MAPPINGS: usize = 262_144;

/// Maps `len` bytes that are committed by touching, without huge pages.
pub(crate) fn reserve(len: usize) -> io::Result<NonZeroUsize> {
    // `MAP_STACK` does what follows by itself since Linux 6.7. `MAP_GROWSDOWN` would not do: it
    // keeps other mappings away from below, and grows into the guard.
    let start = map(len, libc::MAP_NORESERVE | libc::MAP_STACK)?;
    // A huge page under a stack would cost 2 MiB for one coroutine. A kernel that has none refuses,
    // which is as good.
    // SAFETY: the mapping was just made; the advice changes nothing that is in it.
    let _ = unsafe { advise(start.get(), len, libc::MADV_NOHUGEPAGE) };
    Ok(start)
}

/// Makes `len` bytes at `start` inaccessible and leaves the mapping whole.
///
/// # Errors
///
/// `Unsupported` where the kernel does not have such guards, or not for this memory (locked memory,
/// for one).
///
/// # Safety
///
/// The range is whole pages of a mapping of the caller's, which nobody uses.
pub(crate) unsafe fn install_guard(start: usize, len: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    unsafe { advise(start, len, MADV_GUARD_INSTALL) }.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => io::ErrorKind::Unsupported.into(),
        _ => error,
    })
}

/// Gives the memory of `len` bytes at `start` back; they read as zero after. Guards stay, of either
/// kind.
///
/// # Safety
///
/// The range is whole pages of a mapping of the caller's, and nobody keeps anything in it.
pub(crate) unsafe fn discard(start: usize, len: usize) {
    // Locked memory refuses and stays: that is what its owner locked it for.
    // SAFETY: the caller's promise.
    let _ = unsafe { advise(start, len, libc::MADV_DONTNEED) };
}

/// How many mappings a process may have. Where `/proc` is not mounted, what kernels begin with.
pub(crate) fn mapping_limit() -> usize {
    let limit = fs::read_to_string(MAX_MAP_COUNT).ok();
    limit.and_then(|text| text.trim().parse().ok()).unwrap_or(DEFAULT_MAX_MAP_COUNT)
}

/// What a user can do about a shortage.
pub(crate) enum Advice {
    AddressSpace,
    Mappings,
    Memory,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressSpace => write!(
                f,
                "raise the limit on address space (ulimit -v), allow overcommit \
                 (sysctl -w vm.overcommit_memory=1), or {}",
                Self::Mappings
            ),
            Self::Mappings => {
                let now = mapping_limit();
                let ample = now.saturating_mul(4).max(AMPLE_MAPPINGS);
                let setting = "vm.max_map_count";
                write!(f, "raise {setting} (now {now}): sysctl -w {setting}={ample}")
            }
            Self::Memory => f.write_str(
                "give the process more memory (memory.max of its control group), \
                 or use fewer stacks",
            ),
        }
    }
}
