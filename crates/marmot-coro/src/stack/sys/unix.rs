//! Memory as POSIX has it, and the switch's trait.

use std::io;
use std::num::NonZeroUsize;
use std::ptr;

use corosensei::stack::StackPointer;
use libc::c_int;

use crate::Stack;

/// The size of a page, in bytes.
pub(crate) fn page_size() -> usize {
    // SAFETY: `sysconf` has no preconditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).expect("POSIX requires a page size")
}

/// Maps `len` bytes of private memory that can be read and written, wherever the system likes.
pub(super) fn map(len: usize, flags: c_int) -> io::Result<NonZeroUsize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON | flags;
    // SAFETY: without an address and `MAP_FIXED`, `mmap` disturbs no mapping that exists.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(NonZeroUsize::new(start.expose_provenance()).expect("the system does not map the page at zero unasked"))
}

/// Unmaps `len` bytes at `start`.
///
/// # Safety
///
/// The range is a mapping of the caller's, which nobody uses.
pub(crate) unsafe fn release(start: usize, len: usize) {
    // SAFETY: the caller's promise. The only failure, a range that is not one, would be the
    // caller's too.
    unsafe { libc::munmap(ptr::with_exposed_provenance_mut(start), len) };
}

/// Makes `len` bytes at `start` inaccessible.
///
/// # Safety
///
/// The range is whole pages of a mapping of the caller's, which nobody uses.
pub(crate) unsafe fn protect(start: usize, len: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    check(unsafe { libc::mprotect(ptr::with_exposed_provenance_mut(start), len, libc::PROT_NONE) })
}

/// Advises the kernel about `len` bytes at `start`.
///
/// # Safety
///
/// The range is whole pages of a mapping of the caller's, and nobody minds what `advice` does to
/// it.
pub(super) unsafe fn advise(start: usize, len: usize, advice: c_int) -> io::Result<()> {
    // SAFETY: the caller's promise.
    check(unsafe { libc::madvise(ptr::with_exposed_provenance_mut(start), len, advice) })
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

// SAFETY: the memory from `limit` to `base` is mapped for the life of the process and belongs to
// the owner of the `Stack` alone. Its low end is a guard, which is installed before a `Stack` is
// made, and at least `MIN_STACK_SIZE` bytes, more than the trait's minimum, lie above it. Both
// addresses are multiples of 16.
unsafe impl corosensei::stack::Stack for Stack {
    #[inline]
    fn base(&self) -> StackPointer {
        StackPointer::new(Stack::base(self)).expect("a stack does not begin at address zero")
    }

    /// Unlike [`Stack::limit`], this one counts the guard in, as the trait wants it.
    #[inline]
    fn limit(&self) -> StackPointer {
        StackPointer::new(Stack::limit(self) - self.class.guard()).expect("a guard does not begin at address zero")
    }
}
