//! Byte buffers that are borrowed while they hold bytes, so that whoever waits holds none.
//!
//! There is a [pool](crate::pool) for each size class (powers of two from [`SMALLEST`] to [`LARGEST`]), named after it:
//! `lease 4096`. A buffer goes back to the thread that drops it. A goroutine that has started stays on its thread, so
//! that is where the buffer came from. Taking and giving back never wait. What a burst needed is given back by the pools'
//! ticks.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::pool::{Pool, Pooled};

/// The smallest size, in bytes, that a lease has.
pub const SMALLEST: usize = 512;
/// The largest size, in bytes, that is kept for the next lease. Larger ones are allocated and freed.
pub const LARGEST: usize = 1024 * 1024;

/// How many bytes of free buffers a thread keeps of a class: enough for those in use at the same time, few enough not
/// to hold on to the memory of a burst.
const KEPT: usize = 1024 * 1024;

const CLASSES: usize = (LARGEST.ilog2() - SMALLEST.ilog2()) as usize + 1;

static POOLS: [Pool<Box<[u8]>>; CLASSES] = [
    pool::<512>("lease 512"),
    pool::<1024>("lease 1024"),
    pool::<2048>("lease 2048"),
    pool::<4096>("lease 4096"),
    pool::<8192>("lease 8192"),
    pool::<16384>("lease 16384"),
    pool::<32768>("lease 32768"),
    pool::<65536>("lease 65536"),
    pool::<131072>("lease 131072"),
    pool::<262144>("lease 262144"),
    pool::<524288>("lease 524288"),
    pool::<1048576>("lease 1048576"),
];

/// Where what is too large for all classes is on loan from, and nothing goes back to.
static LARGER: Pool<Box<[u8]>> =
    Pool::as_it_is(|| zeros(0)).named("lease of more").sized_by(|bytes| bytes.len()).max_size(LARGEST);

const fn pool<const SIZE: usize>(name: &'static str) -> Pool<Box<[u8]>> {
    Pool::as_it_is(|| zeros(SIZE)).named(name).max_kept(KEPT / SIZE)
}

fn zeros(size: usize) -> Box<[u8]> {
    vec![0; size].into_boxed_slice()
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
pub struct Lease(Pooled<'static, Box<[u8]>>);

impl Lease {
    /// A buffer of at least `size` bytes.
    pub fn new(size: usize) -> Lease {
        let size = size.max(SMALLEST).checked_next_power_of_two().unwrap_or(size);
        Lease(match class(size) {
            Some(class) => POOLS[class].get(),
            None => LARGER.lend(zeros(size)),
        })
    }
}

/// The class of the buffers of `size` bytes, which is a power of two or too large for any.
fn class(size: usize) -> Option<usize> {
    (size <= LARGEST).then(|| (size.ilog2() - SMALLEST.ilog2()) as usize)
}

impl Deref for Lease {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Lease {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
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
    fn every_class_has_its_size() {
        for (class, pool) in POOLS.iter().enumerate() {
            let size = SMALLEST << class;
            assert_eq!(super::class(size), Some(class));
            assert_eq!((Lease::new(size).len(), Lease::new(size - 1).len()), (size, size));
            assert_eq!(pool.stats().name, format!("lease {size}"));
        }
    }

    #[test]
    fn a_burst_is_not_kept() {
        const SIZE: usize = 2048;
        let pool = &POOLS[class(SIZE).expect("it has a class")];
        let burst: Vec<Lease> = (0..KEPT / SIZE * 2).map(|_| Lease::new(SIZE)).collect();
        let before = pool.stats();
        drop(burst);
        let after = pool.stats();
        // Half of it is dropped, but for what other tests take meanwhile.
        assert!(after.dropped - before.dropped >= (KEPT / SIZE - 8) as u64, "{after}");
        assert!(after.kept > 0, "{after}");
    }
}
