//! Slabs: mappings of many stacks each, and the list of them that the fault handler searches.
//!
//! The list only grows and its nodes are never freed or changed, so a signal handler may walk it:
//! it takes no lock and allocates nothing. It is short, because slabs double in size.

use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::{StackError, sys};

/// The most stacks in a slab, and in the first slab of a class.
const MAX_LEN: usize = 32_768;
const MAX_FIRST_LEN: usize = 64;

/// The most bytes in a slab (16 GiB, or 64 MiB where addresses have 32 bits), and in the first slab
/// of a class.
const MAX_BYTES: usize = match 1_usize.checked_shl(34) {
    Some(bytes) => bytes,
    None => 64 << 20,
};
const MAX_FIRST_BYTES: usize = 32 << 20;

/// The newest slab of the process, whatever its pool.
static NEWEST: AtomicPtr<Slab> = AtomicPtr::new(ptr::null_mut());

/// One mapping of stacks, as the fault handler sees it.
struct Slab {
    range: Range<usize>,
    slot: usize,
    guard: usize,
    older: *const Slab,
}

/// How many stacks of `slot` bytes the first slab of a class has.
pub(super) fn first_len(slot: usize) -> usize {
    (MAX_FIRST_BYTES / slot).clamp(1, MAX_FIRST_LEN)
}

/// How many the one after a slab of `len` has.
pub(super) fn next_len(slot: usize, len: usize) -> usize {
    (len * 2).min(MAX_LEN).min(MAX_BYTES / slot).max(1)
}

/// Maps a slab of `len` slots, or of fewer where the system does not give so much, and returns its
/// addresses.
pub(super) fn map(slot: usize, guard: usize, mut len: usize) -> Result<Range<usize>, StackError> {
    loop {
        match sys::reserve(len * slot) {
            Ok(start) => {
                let range = start.get()..start.get() + len * slot;
                publish(Slab { range: range.clone(), slot, guard, older: ptr::null() });
                return Ok(range);
            }
            Err(_) if len > 1 => len /= 2,
            Err(error) => return Err(StackError::reserve(slot, error)),
        }
    }
}

/// Finds the stack whose guard holds `address`, and returns the stack's own addresses. Safe in a
/// signal handler.
pub(crate) fn find_guarded(address: usize) -> Option<Range<usize>> {
    find_slot(address).filter(|stack| address < stack.start)
}

/// Finds the stack that holds `address`, its seat included, and returns its addresses. Safe in a signal handler.
pub(crate) fn find(address: usize) -> Option<Range<usize>> {
    find_slot(address).filter(|stack| address >= stack.start)
}

/// The stack in the slot that holds `address`, or its guard does.
fn find_slot(address: usize) -> Option<Range<usize>> {
    // Acquire pairs with the release in `publish`: the node that the pointer leads to is complete.
    let mut next = NEWEST.load(Ordering::Acquire).cast_const();
    // SAFETY: nodes are leaked when they are published and never change after, so a non-null
    // pointer is valid for shared use for ever. The older nodes were complete before the newer ones
    // were published.
    while let Some(slab) = unsafe { next.as_ref() } {
        if slab.range.contains(&address) {
            let start = address - (address - slab.range.start) % slab.slot;
            return Some(start + slab.guard..start + slab.slot);
        }
        next = slab.older;
    }
    None
}

/// Puts a slab at the head of the list, for good.
fn publish(slab: Slab) {
    let node = Box::leak(Box::new(slab));
    let mut head = NEWEST.load(Ordering::Relaxed);
    loop {
        node.older = head;
        // Release pairs with the acquire in `find_slot`. A failed exchange reads the head again
        // and follows no pointer; a successful one carries on the release sequence, so the older
        // nodes are visible to that acquire too.
        match NEWEST.compare_exchange_weak(head, node, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(current) => head = current,
        }
    }
}
