//! Buffers that a connection borrows while it has something in them, so that an idle one holds none.
//!
//! Each thread has a free list for each size, and a buffer goes back to the list of the thread that drops it. A goroutine
//! that has started stays on its thread, so that is where it came from. Taking and giving back do not park: no list is
//! borrowed across a switch.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// The size of the buffers for requests and answers.
pub const SMALL: usize = 16 * 1024;
/// The size of the buffers for bulk data: larger ones need fewer system calls for a byte.
pub const LARGE: usize = 64 * 1024;

/// How many free buffers a thread keeps of a size: enough for those that are in use at the same time, few enough not to
/// hold on to the memory of a burst.
const KEPT: usize = 64;

type FreeList = RefCell<Vec<Box<[u8]>>>;

thread_local! {
    static SMALL_ONES: FreeList = const { RefCell::new(Vec::new()) };
    static LARGE_ONES: FreeList = const { RefCell::new(Vec::new()) };
}

/// A borrowed buffer. Its bytes are whatever its last user left.
#[derive(Debug)]
pub struct Buffer {
    /// Empty only while it is being dropped.
    bytes: Box<[u8]>,
    list: &'static LocalKey<FreeList>,
}

impl Buffer {
    /// A buffer of [`SMALL`] bytes.
    pub fn small() -> Buffer {
        Buffer::take(&SMALL_ONES, SMALL)
    }

    /// A buffer of [`LARGE`] bytes.
    pub fn large() -> Buffer {
        Buffer::take(&LARGE_ONES, LARGE)
    }

    fn take(list: &'static LocalKey<FreeList>, size: usize) -> Buffer {
        let free = list.with_borrow_mut(Vec::pop);
        Buffer { bytes: free.unwrap_or_else(|| vec![0; size].into_boxed_slice()), list }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        // A thread that is ending has no list any more; then the buffer is freed.
        let _ = self.list.try_with(|list| {
            let mut list = list.borrow_mut();
            if list.len() < KEPT {
                list.push(bytes);
            }
        });
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again() {
        let first = Buffer::small();
        let place = first.as_ptr();
        assert_eq!(first.len(), SMALL);
        let second = Buffer::small();
        assert_ne!(second.as_ptr(), place);
        drop(first);
        assert_eq!(Buffer::small().as_ptr(), place);
        assert_eq!(Buffer::large().len(), LARGE);
    }

    #[test]
    fn a_burst_is_not_kept() {
        let burst: Vec<Buffer> = (0..KEPT * 2).map(|_| Buffer::small()).collect();
        drop(burst);
        assert!(SMALL_ONES.with_borrow(Vec::len) <= KEPT);
    }
}
