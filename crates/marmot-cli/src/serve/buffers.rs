//! Buffers that a connection borrows while it has something in them, so that an idle one holds none.
//!
//! Each thread has a free list, and a buffer goes back to that of the thread that drops it. A goroutine that has started
//! stays on its thread, so that is where it came from. Taking and giving back do not park: no list is borrowed across a
//! switch.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// The size of the buffers: small, for requests and answers.
pub const SMALL: usize = 16 * 1024;

/// How many free buffers a thread keeps: enough for those that are in use at the same time, few enough not to hold on to
/// the memory of a burst.
const KEPT: usize = 64;

thread_local! {
    static FREE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// A borrowed buffer. Its bytes are whatever its last user left.
#[derive(Debug)]
pub struct Buffer {
    /// Empty only while it is being dropped.
    bytes: Box<[u8]>,
}

impl Buffer {
    /// A buffer of [`SMALL`] bytes.
    pub fn small() -> Buffer {
        let free = FREE.with_borrow_mut(Vec::pop);
        Buffer { bytes: free.unwrap_or_else(|| vec![0; SMALL].into_boxed_slice()) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        // A thread that is ending has no list any more; then the buffer is freed.
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < KEPT {
                free.push(bytes);
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
    }

    #[test]
    fn a_burst_is_not_kept() {
        let burst: Vec<Buffer> = (0..KEPT * 2).map(|_| Buffer::small()).collect();
        drop(burst);
        assert!(FREE.with_borrow(Vec::len) <= KEPT);
    }
}
