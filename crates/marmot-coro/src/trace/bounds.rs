//! The memory that a walk may read.

use crate::stack::{SEAT_SIZE, slab};
use crate::sys::load;

use super::sys::is_readable;

/// What the switch keeps at the base of a coroutine's stack: the way back to who resumed it, and the entry. The
/// sanitizer's build keeps two words more.
const LINK_SIZE: usize = if cfg!(feature = "sanitizer") { 32 } else { 16 };

/// What may be in use below the stack pointer: the red zone of x86-64.
const RED_ZONE: usize = 128;

const WORD: usize = size_of::<usize>();

/// What `is_readable` is asked for at once. No system has smaller pages.
const PAGE: usize = 4096;

/// The readable part of one stack.
pub(super) struct Bounds {
    low: usize,
    /// The end of what is known to be readable.
    high: usize,
    kind: Kind,
}

enum Kind {
    /// It ends at `high`, where the coroutine has its entry.
    Coroutine { entered: bool },
    /// It may go on.
    Other,
}

impl Bounds {
    /// For the stack that holds `sp`.
    pub(super) fn around(sp: usize) -> Bounds {
        match slab::find(sp) {
            Some(stack) => Bounds {
                low: sp.saturating_sub(RED_ZONE).max(stack.start),
                high: stack.end - SEAT_SIZE - LINK_SIZE,
                kind: Kind::Coroutine { entered: false },
            },
            None => {
                let low = sp.saturating_sub(RED_ZONE);
                Bounds { low, high: low, kind: Kind::Other }
            }
        }
    }

    /// The word at `address`, if it is on this stack.
    pub(super) fn read(&mut self, address: usize) -> Option<usize> {
        if address < self.low || !address.is_multiple_of(WORD) {
            return None;
        }
        if address >= self.high {
            match &mut self.kind {
                Kind::Coroutine { entered } => {
                    *entered = true;
                    return None;
                }
                Kind::Other => self.extend_to(address)?,
            }
        }
        // SAFETY: an aligned word within memory that is mapped, a coroutine's stack for ever and others as long as the
        // thread that is walked stays where it is.
        Some(unsafe { load(address) })
    }

    /// Whether the walk has come to a coroutine's entry: the last frame is the switch's own then.
    pub(super) fn is_at_entry(&self) -> bool {
        matches!(self.kind, Kind::Coroutine { entered: true })
    }

    /// Finds out whether the page with `address` can be read.
    fn extend_to(&mut self, address: usize) -> Option<()> {
        let page = address & !(PAGE - 1);
        let end = page.checked_add(PAGE)?;
        if !is_readable(page) {
            return None;
        }
        // Between the pages there may be one that cannot be read: only neighbours are joined.
        if page > self.high {
            self.low = page;
        }
        self.high = end;
        Some(())
    }
}
