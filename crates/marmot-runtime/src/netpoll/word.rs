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
//! | 1 | the upper 16 bits are the [number](crate::sched::M::number) of the M that it has settled on, the rest is its address |

use std::ptr::{self, NonNull};

use crate::sched::{self, G, current};

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

/// The word that stands for a goroutine that has settled on the M of this number.
#[inline]
pub(super) fn of_settled(gp: NonNull<G>, number: u16) -> usize {
    let word = of(gp);
    if usize::BITS == 64 && number != 0 && word & ADDRESS == word {
        word | usize::from(number) << SHIFT | NUMBERED
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

/// Whether the word says that the waiter has settled on the M of this number.
#[inline]
fn is_settled_on(word: usize, number: u16) -> bool {
    is_numbered(word) && word >> SHIFT == usize::from(number)
}

/// Readies the waiter, which the caller has taken out of its slot.
#[inline]
pub(super) fn ready(word: usize) {
    let gp = waiter(word);
    match current::mp() {
        Some(here) if is_settled_on(word, here.number) => here.ready_unseen(gp),
        _ => sched::ready(gp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn g_at(address: usize) -> NonNull<G> {
        NonNull::new(ptr::without_provenance_mut(address)).expect("it is not zero")
    }

    #[test]
    fn a_word_gives_back_what_it_was_made_of() {
        for address in [16, ADDRESS >> 1 & !15, ADDRESS & !15] {
            let gp = g_at(address);
            assert_eq!(waiter(of(gp)), gp);
            assert!(!is_numbered(of(gp)));
            for number in [1, 2, 0x8000, u16::MAX] {
                let word = of_settled(gp, number);
                assert_eq!(waiter(word), gp);
                assert!(is_settled_on(word, number) || usize::BITS != 64);
                assert!(!is_settled_on(word, number ^ 1));
                assert_eq!(word & 1, 0, "that bit is the slot's");
            }
        }
    }

    #[test]
    fn without_a_number_or_room_it_is_the_address() {
        let high = g_at(usize::MAX & !15);
        for (gp, number) in [(g_at(32), 0), (high, 0), (high, 7)] {
            let word = of_settled(gp, number);
            assert_eq!((word, waiter(word)), (of(gp), gp));
            assert!(!is_settled_on(word, 7));
        }
    }
}
