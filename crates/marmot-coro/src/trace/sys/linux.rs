//! Linux: modules from the loader, and memory that the kernel copies.

use std::ffi::c_void;
use std::ops::Range;
use std::{ptr, slice};

use libc::c_int;

use super::mapped::{Mapped, Tables};

/// How often modules have been loaded and unloaded.
pub(super) fn changes() -> (u64, u64) {
    let mut changes = (0, 0);
    each(|info| {
        changes = (info.dlpi_adds, info.dlpi_subs);
        true
    });
    changes
}

/// Calls `f` with each module, while none can be unloaded.
pub(super) fn each_module(mut f: impl FnMut(Mapped)) {
    let mut is_first = true;
    each(|info| {
        // SAFETY: the loader's own description of what it has mapped, which stays so during the call.
        if let Some(mapped) = unsafe { mapped(info, is_first) } {
            f(mapped);
        }
        is_first = false;
        false
    });
}

/// Has the forks of this process call `before`, and then one of the others. There may be no memory for that; then they do not.
pub(super) fn around_fork(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) {
    let [before, in_parent, in_child]: [unsafe extern "C" fn(); 3] = [before, in_parent, in_child];
    // SAFETY: all can be called at any time, by any thread, and stay: this code is not unloaded before the process ends.
    unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
}

/// Copies the words from `address` on, if all of them can be read.
///
/// Whoever forbids `process_vm_readv(2)` to his program, as some sandboxes do, has stacks that end where they are not a
/// coroutine's.
pub(in super::super) fn copy_words(address: usize, words: &mut [usize]) -> bool {
    let len = size_of_val(words);
    let to = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: len };
    let from = libc::iovec { iov_base: ptr::with_exposed_provenance_mut(address), iov_len: len };
    // SAFETY: `errno` is the thread's own, and always there.
    let errno = unsafe { &mut *libc::__errno_location() };
    // Whoever was interrupted may be about to look at his own.
    let before = *errno;
    // SAFETY: the words are borrowed exclusively and have the length that is given; what cannot be read is an error. By its
    // number, because the C library's function is not said to be async-signal-safe, nor known to all sanitizers.
    let copied =
        unsafe { libc::syscall(libc::SYS_process_vm_readv, libc::getpid(), &raw const to, 1, &raw const from, 1, 0) };
    *errno = before;
    usize::try_from(copied) == Ok(len)
}

/// The mapped module that `info` tells of.
///
/// # Safety
///
/// From a callback of `dl_iterate_phdr`; the tables are as long there as the module.
unsafe fn mapped(info: &libc::dl_phdr_info, is_first: bool) -> Option<Mapped> {
    let bias = info.dlpi_addr as usize;
    // SAFETY: the loader's own array.
    let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let range = |header: &libc::Elf64_Phdr| {
        let start = bias.wrapping_add(header.p_vaddr as usize);
        start..start.wrapping_add(header.p_memsz as usize)
    };
    let segments = headers.iter().filter(|header| header.p_type == libc::PT_LOAD).map(range);
    let addresses = segments.clone().reduce(|all, one| all.start.min(one.start)..all.end.max(one.end))?;
    let index = headers.iter().find(|header| header.p_type == libc::PT_GNU_EH_FRAME).map(range);
    // SAFETY: the caller's promise.
    let tables = index.and_then(|index| unsafe { tables(index, segments) });
    Some(Mapped { addresses, bias, tables, is_program: is_first })
}

/// The tables whose index is at `index`.
///
/// # Safety
///
/// `index` and `segments` are mapped and stay so, as `'static` says, until the caller has copied them.
unsafe fn tables(index: Range<usize>, mut segments: impl Iterator<Item = Range<usize>>) -> Option<Tables> {
    /// Version 1, and a pointer to the frames that is relative to itself, in four bytes.
    const HEAD: [u8; 2] = [1, 0x1b];
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(index.clone()) };
    let pointer = bytes.get(4..8)?;
    if bytes[..2] != HEAD {
        return None;
    }
    let distance = i32::from_ne_bytes(pointer.try_into().expect("four bytes were taken"));
    let start = (index.start + 4).checked_add_signed(distance as isize)?;
    let end = segments.find(|segment| segment.contains(&start))?.end;
    // SAFETY: within a segment.
    Some(Tables { index: bytes, frames: unsafe { self::bytes(start..end) } })
}

/// The memory at `range`.
///
/// # Safety
///
/// It is mapped, can be read, does not change, and stays so as long as the slice is used.
unsafe fn bytes(range: Range<usize>) -> &'static [u8] {
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(range.start), range.len()) }
}

/// Calls `f` with what the loader says of each module, until it returns true.
fn each<F: FnMut(&libc::dl_phdr_info) -> bool>(mut f: F) {
    /// Calls `f`.
    ///
    /// # Safety
    ///
    /// `info` is what `dl_iterate_phdr` hands to a callback, and `f` an `F` that nobody else uses.
    unsafe extern "C" fn call<F: FnMut(&libc::dl_phdr_info) -> bool>(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        f: *mut c_void,
    ) -> c_int {
        // SAFETY: both are what `dl_iterate_phdr` and the call below hand in.
        let (info, f) = unsafe { (&*info, &mut *f.cast::<F>()) };
        f(info).into()
    }
    // SAFETY: `call` takes what it is given here.
    unsafe { libc::dl_iterate_phdr(Some(call::<F>), (&raw mut f).cast()) };
}
