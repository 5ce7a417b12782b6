//! macOS and the BSDs.

use std::num::NonZeroUsize;
use std::{fmt, io};

use super::unix::{advise, map};
pub(crate) use super::unix::{page_size, protect, release};

/// Maps `len` bytes that are committed by touching. These systems do not put huge pages under
/// memory so sparsely used.
pub(crate) fn reserve(len: usize) -> io::Result<NonZeroUsize> {
    map(len, 0)
}

/// Not to be had here.
///
/// # Errors
///
/// `Unsupported`, always.
///
/// # Safety
///
/// None is needed; other platforms need one.
pub(crate) unsafe fn install_guard(_start: usize, _len: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets the kernel have the memory of `len` bytes at `start` when it wants it.
///
/// # Safety
///
/// The range is whole pages of a mapping of the caller's, and nobody keeps anything in it.
pub(crate) unsafe fn discard(start: usize, len: usize) {
    // It is advice: where it is refused, the memory stays.
    // SAFETY: the caller's promise.
    let _ = unsafe { advise(start, len, libc::MADV_FREE) };
}

/// Mappings are not counted here.
pub(crate) fn mapping_limit() -> usize {
    usize::MAX
}

/// What a user can do about a shortage.
pub(crate) enum Advice {
    AddressSpace,
    Mappings,
    Memory,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AddressSpace => "raise the limit on address space (ulimit -v), or use fewer or smaller stacks",
            Self::Mappings | Self::Memory => "give the process more memory, or use fewer stacks",
        })
    }
}
