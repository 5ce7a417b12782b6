//! The memory that a walk may read.
//!
//! A coroutine's stack is mapped for ever, so that its words are read where they are. Of any other stack nothing is
//! promised: registers may be wrong, code without tables leaves a frame pointer that is none, and what it points to may be
//! unmapped by another thread at any moment. To ask whether a page is there and to read it then would be too late by a
//! moment. So the kernel copies such a page, or says that it cannot, and the walk reads the copy.

use crate::stack::{SEAT_SIZE, slab};
use crate::sys::load;

use super::sys::copy_words;

/// What the switch keeps at the base of a coroutine's stack: the way back to who resumed it, and the entry. The
/// sanitizer's build keeps two words more.
const LINK_SIZE: usize = if cfg!(feature = "sanitizer") { 32 } else { 16 };

/// What may be in use below the stack pointer: the red zone of x86-64.
const RED_ZONE: usize = 128;

const WORD: usize = size_of::<usize>();

/// What is copied at once. No system has smaller pages, so that all of it can be read, or nothing.
const PAGE: usize = 4096;

/// The words of a page that is copied.
type Page = [usize; PAGE / WORD];

/// The part of one stack that a walk reads.
pub(super) struct Bounds {
    low: usize,
    kind: Kind,
}

#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a walk, on the walk's own stack, and nothing may be allocated"
)]
enum Kind {
    /// It ends at `high`, where the coroutine has its entry.
    Coroutine { high: usize, entered: bool },
    /// Its end is not known. A page of it has been copied; none at first.
    Other { copied: Option<usize>, page: Page },
}

impl Bounds {
    /// For the stack that holds `sp`.
    pub(super) fn around(sp: usize) -> Bounds {
        let low = sp.saturating_sub(RED_ZONE);
        match slab::find(sp) {
            Some(stack) => Bounds {
                low: low.max(stack.start),
                kind: Kind::Coroutine { high: stack.end - SEAT_SIZE - LINK_SIZE, entered: false },
            },
            None => Bounds { low, kind: Kind::Other { copied: None, page: [0; PAGE / WORD] } },
        }
    }

    /// The word at `address`, if it is on this stack, or may be.
    pub(super) fn read(&mut self, address: usize) -> Option<usize> {
        if address < self.low || !address.is_multiple_of(WORD) {
            return None;
        }
        match &mut self.kind {
            Kind::Coroutine { high, entered } => {
                if address >= *high {
                    *entered = true;
                    return None;
                }
                // SAFETY: an aligned word of a coroutine's stack, whose memory stays mapped for the life of the process.
                Some(unsafe { load(address) })
            }
            Kind::Other { copied, page } => {
                let start = address & !(PAGE - 1);
                if *copied != Some(start) {
                    *copied = copy_words(start, page).then_some(start);
                }
                copied.map(|start| page[(address - start) / WORD])
            }
        }
    }

    /// Whether the walk has come to a coroutine's entry: the last frame is the switch's own then.
    pub(super) fn is_at_entry(&self) -> bool {
        matches!(self.kind, Kind::Coroutine { entered: true, .. })
    }
}
