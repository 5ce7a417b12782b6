//! Memory for what is kept for ever, from the system's allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{self, NonNull};

/// What is asked of the system at a time.
const CHUNK: usize = 64 * 1024;

/// Hands out memory that is never freed, up to a limit.
pub(super) struct Arena {
    next: *mut u8,
    left: usize,
    /// How much may still be asked of the system.
    budget: usize,
}

// SAFETY: its memory belongs to it alone.
unsafe impl Send for Arena {}

impl Arena {
    pub(super) const fn new(budget: usize) -> Arena {
        Arena { next: ptr::null_mut(), left: 0, budget }
    }

    /// Room for a `T`, for ever; none when the limit has been reached or the system has nothing left.
    pub(super) fn room<T>(&mut self) -> Option<NonNull<T>> {
        self.take(Layout::new::<T>()).map(NonNull::cast)
    }

    /// A copy of `words`, for ever.
    pub(super) fn copy(&mut self, words: &[usize]) -> Option<&'static [usize]> {
        let place: NonNull<usize> = self.take(Layout::for_value(words))?.cast();
        // SAFETY: room for as many words, aligned for them, which nobody else has.
        unsafe {
            ptr::copy_nonoverlapping(words.as_ptr(), place.as_ptr(), words.len());
            Some(std::slice::from_raw_parts(place.as_ptr(), words.len()))
        }
    }

    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let padding = self.next.align_offset(layout.align());
        let size = padding.checked_add(layout.size()).filter(|size| *size <= self.left);
        let Some(size) = size else {
            self.grow()?;
            // A chunk begins aligned for everything that is kept, and is larger than any of it.
            return if layout.size() <= self.left { self.take(layout) } else { None };
        };
        // SAFETY: within the chunk.
        let place = unsafe { self.next.add(padding) };
        // SAFETY: as above.
        self.next = unsafe { self.next.add(size) };
        self.left -= size;
        NonNull::new(place)
    }

    fn grow(&mut self) -> Option<()> {
        self.budget = self.budget.checked_sub(CHUNK)?;
        let layout = Layout::from_size_align(CHUNK, 16).expect("a power of two");
        // SAFETY: the size is not zero.
        let chunk = NonNull::new(unsafe { System.alloc(layout) })?;
        (self.next, self.left) = (chunk.as_ptr(), CHUNK);
        Some(())
    }
}
