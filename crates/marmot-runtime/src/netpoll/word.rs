//! Who waits, as the word that a slot holds: an address, and where that is known, of which M.
//!
//! Events come for thousands of goroutines at a time, and the M that polls has to know of each whether it is its own. To read that
//! in the G would bring in a line of memory, and the translation of its address, long before the goroutine runs: by then both
//! have gone again. So a goroutine that waits at a descriptor in its own M's poller says so in its word: addresses leave room for a
//! number of 16 bits on machines of 64. Where there is no room, or no number, the word is the address alone, and who readies looks.
//!
//! | bit | meaning |
//! |---|---|
//! | 0 | none: it is that of the slot's own word for an event |
//! | 1 | the upper 16 bits are the [number](M::number) of the M that it has settled on, the rest is its address |

use std::ptr::{self, NonNull};

use crate::sched::{self, G, M, current};

const NUMBERED: usize = 2;
/// Where the number is. On machines of 32 bits there is none.
const SHIFT: u32 = if usize::BITS == 64 { 48 } else { 0 };
const ADDRESS: usize = if usize::BITS == 64 { (1 << SHIFT) - 1 } else { usize::MAX };

/// The word that stands for a waiter.
#[inline]
pub(super) fn of(gp: NonNull<G>) -> usize {
    const { assert!(align_of::<G>() > NUMBERED) };
    gp.as_ptr().expose_provenance()
}

/// The word that stands for a goroutine that has settled on `mp`.
#[inline]
pub(super) fn of_settled(gp: NonNull<G>, mp: &M) -> usize {
    let word = of(gp);
    if usize::BITS == 64 && mp.number != 0 && word & ADDRESS == word {
        word | usize::from(mp.number) << SHIFT | NUMBERED
    } else {
        word
    }
}

/// The waiter that a word stands for.
#[inline]
pub(super) fn waiter(word: usize) -> NonNull<G> {
    let address = if word & NUMBERED != 0 { word & ADDRESS & !NUMBERED } else { word };
    // Slots hold words of Gs.
    NonNull::new(ptr::with_exposed_provenance_mut::<G>(address)).expect("a waiter's address is not null")
}

/// Whether the word says of which M the waiter is.
#[inline]
pub(super) fn is_numbered(word: usize) -> bool {
    word & NUMBERED != 0
}

/// Readies the waiter, which the caller has taken out of its slot.
#[inline]
pub(super) fn ready(word: usize) {
    let gp = waiter(word);
    match current::mp() {
        Some(here) if is_numbered(word) && word >> SHIFT == usize::from(here.number) => here.ready_unseen(gp),
        _ => sched::ready(gp),
    }
}
