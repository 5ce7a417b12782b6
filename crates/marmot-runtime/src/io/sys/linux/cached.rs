//! Whether a file's bytes are in memory: cachestat(2), since Linux 6.5.
//!
//! The way to a spare thread and back costs 15 to 40 µs, several times what it takes to send a small file that is in
//! memory. So it is asked, for less than a microsecond, and only what may have to come from a disk takes that way.

use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;

use rustix::param::page_size;

/// The call's number, the same on every architecture that Rust and Linux have in common but MIPS, which knows no call of
/// this number (`scripts/syscall.tbl`).
const CACHESTAT: libc::c_long = 451;

/// `struct cachestat_range`.
#[repr(C)]
struct Asked {
    offset: u64,
    length: u64,
}

/// `struct cachestat`: counts of pages.
#[repr(C)]
#[derive(Default)]
struct Told {
    cached: u64,
    dirty: u64,
    writeback: u64,
    evicted: u64,
    recently_evicted: u64,
}

/// Whether all of these bytes are in memory; `false` also where that cannot be known.
pub(super) fn is_cached(file: &File, bytes: Range<u64>) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let (asked, mut told) = (Asked { offset: bytes.start, length: bytes.end - bytes.start }, Told::default());
    // SAFETY: the call reads `asked` and writes `told`, which are laid out as the kernel has them (linux/mman.h).
    let result = unsafe { libc::syscall(CACHESTAT, file.as_raw_fd(), &raw const asked, &raw mut told, 0) };
    let page = page_size() as u64;
    result == 0 && told.cached > (bytes.end - 1) / page - bytes.start / page
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{MemfdFlags, memfd_create};
    use std::io::Write;

    #[test]
    fn a_page_that_is_not_there_is_missed() {
        let mut file = File::from(memfd_create("cached", MemfdFlags::CLOEXEC).unwrap());
        let page = page_size() as u64;
        file.write_all(&vec![7; 3 * page as usize]).unwrap();
        if !is_cached(&file, 0..1) {
            eprintln!("skipped: this system does not tell what is in memory");
            return;
        }
        assert!(is_cached(&file, 0..3 * page) && is_cached(&file, page - 1..page + 1));
        // A hole has no page.
        file.set_len(5 * page).unwrap();
        assert!(!is_cached(&file, 0..3 * page + 1) && !is_cached(&file, 4 * page..5 * page));
        assert!(is_cached(&file, 5 * page..5 * page));
    }
}
