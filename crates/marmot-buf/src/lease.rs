//! Byte buffers that are borrowed while they hold bytes, so that whoever waits holds none.
//!
//! Each thread has a free list for each size class (powers of two from [`SMALLEST`] to [`LARGEST`]), and a buffer goes
//! back to the list of the thread that drops it. A goroutine that has started stays on its thread, so that is where the
//! buffer came from. Taking and giving back never wait: no list is borrowed across a switch.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The smallest size, in bytes, that a lease has.
pub const SMALLEST: usize = 512;
/// The largest size, in bytes, that is kept for the next lease. Larger ones are allocated and freed.
pub const LARGEST: usize = 1024 * 1024;

/// How many bytes of free buffers a thread keeps of a class: enough for those in use at the same time, few enough not
/// to hold on to the memory of a burst.
const KEPT: usize = 1024 * 1024;

const CLASSES: usize = (LARGEST.ilog2() - SMALLEST.ilog2()) as usize + 1;

thread_local! {
    static FREE: RefCell<[Vec<Box<[u8]>>; CLASSES]> = const { RefCell::new([const { Vec::new() }; CLASSES]) };
}

/// A borrowed buffer, which goes back when it is dropped. Its bytes are whatever its last user left.
///
/// # Examples
///
/// ```
/// use marmot_buf::Lease;
///
/// let mut buffer = Lease::new(3000);
/// assert!(buffer.len() >= 3000);
/// buffer[0] = b'x';
/// ```
pub struct Lease {
    /// Empty only while it is being dropped.
    bytes: Box<[u8]>,
}

impl Lease {
    /// A buffer of at least `size` bytes.
    pub fn new(size: usize) -> Lease {
        let size = size.max(SMALLEST).checked_next_power_of_two().unwrap_or(size);
        let free = class(size).and_then(|class| FREE.try_with(|free| free.borrow_mut()[class].pop()).ok().flatten());
        Lease { bytes: free.unwrap_or_else(|| vec![0; size].into_boxed_slice()) }
    }
}

/// The class of the buffers of `size` bytes, which is a power of two or too large for any.
fn class(size: usize) -> Option<usize> {
    (size <= LARGEST).then(|| (size.ilog2() - SMALLEST.ilog2()) as usize)
}

impl Drop for Lease {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let Some(class) = class(bytes.len()) else { return };
        // A thread that is ending has no lists any more; then the buffer is freed.
        let _ = FREE.try_with(|free| {
            let list = &mut free.borrow_mut()[class];
            if list.len() * bytes.len() < KEPT {
                list.push(bytes);
            }
        });
    }
}

impl Deref for Lease {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again() {
        let first = Lease::new(16 * 1024);
        let place = first.as_ptr();
        assert_eq!(first.len(), 16 * 1024);
        let second = Lease::new(16 * 1024);
        assert_ne!(second.as_ptr(), place);
        drop(first);
        assert_eq!(Lease::new(16 * 1024 - 1).as_ptr(), place);
        assert_eq!(Lease::new(16 * 1024 + 1).len(), 32 * 1024);
    }

    #[test]
    fn the_smallest_and_the_giant_have_their_sizes() {
        assert_eq!(Lease::new(0).len(), SMALLEST);
        assert_eq!(Lease::new(LARGEST).len(), LARGEST);
        assert_eq!(Lease::new(LARGEST + 1).len(), LARGEST * 2);
    }

    #[test]
    fn a_burst_is_not_kept() {
        let burst: Vec<Lease> = (0..KEPT / 4096 * 2).map(|_| Lease::new(4096)).collect();
        drop(burst);
        let kept = FREE.with_borrow(|free| free[class(4096).expect("it has a class")].len());
        assert_eq!(kept, KEPT / 4096);
    }
}
