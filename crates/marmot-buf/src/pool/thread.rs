//! Small numbers for threads.
//!
//! A thread that uses a pool has the smallest number that is free, and gives it back when it ends: as many numbers are in
//! use as there are threads at the same time, however many there have been. Whoever has a number owns the shards of that
//! number in all pools. It passes from thread to thread under a lock, so the next owner sees what the last one did.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

/// Where a thread's shards are: numbers are divided into rows of 1, 2, 4, 8, …, which pools allocate when they are needed.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) row: u32,
    pub(super) index: u32,
}

/// How many rows there are: for more threads than a process can have.
pub(super) const ROWS: usize = 31;

/// The row of a thread that has not asked for a place.
const UNKNOWN: u32 = ROWS as u32;
/// The row of a thread that is ending and has given its number back.
const GONE: u32 = UNKNOWN + 1;

impl Place {
    fn of(number: u32) -> Place {
        let row = (number + 1).ilog2();
        Place { row, index: number + 1 - (1 << row) }
    }

    fn number(self) -> u32 {
        (1 << self.row) - 1 + self.index
    }
}

/// Numbers that are free: those that were given back, and all from `next` on.
struct Free {
    given_back: BTreeSet<u32>,
    next: u32,
}

static FREE: Mutex<Free> = Mutex::new(Free { given_back: BTreeSet::new(), next: 0 });

fn free() -> MutexGuard<'static, Free> {
    // Nothing that panics runs under the lock.
    FREE.lock().unwrap_or_else(|e| e.into_inner())
}

/// A number, which goes back when its thread ends.
struct Held(Place);

impl Held {
    fn new() -> Held {
        let mut free = free();
        let number = free.given_back.pop_first().unwrap_or_else(|| {
            free.next += 1;
            free.next - 1
        });
        Held(Place::of(number))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // First, so that this thread touches no shard once another one owns it.
        PLACE.set(Place { row: GONE, index: 0 });
        free().given_back.insert(self.0.number());
    }
}

thread_local! {
    /// Without a destructor, so that it can be asked as long as the thread runs.
    static PLACE: Cell<Place> = const { Cell::new(Place { row: UNKNOWN, index: 0 }) };
    static HELD: Held = Held::new();
}

/// The calling thread's place, if it has asked for one, and has not given it back.
#[inline]
pub(super) fn known_place() -> Option<Place> {
    let place = PLACE.get();
    (place.row < UNKNOWN).then_some(place)
}

/// The calling thread's place; none when it is ending and has given its number back.
pub(super) fn place() -> Option<Place> {
    known_place().or_else(find)
}

#[cold]
fn find() -> Option<Place> {
    if PLACE.get().row == GONE {
        return None;
    }
    let place = HELD.try_with(|held| held.0).ok()?;
    PLACE.set(place);
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_place_of_its_own() {
        for (number, row, index) in [(0, 0, 0), (1, 1, 0), (2, 1, 1), (3, 2, 0), (6, 2, 3), (7, 3, 0)] {
            let place = Place::of(number);
            assert_eq!((place.row, place.index, place.number()), (row, index, number));
        }
        assert!(((u32::MAX >> 2).ilog2() as usize) < ROWS);
    }

    #[test]
    fn numbers_of_threads_that_have_ended_are_used_again() {
        for _ in 0..1000 {
            let number = std::thread::spawn(|| place().map(Place::number)).join().expect("it does not panic");
            // Other tests run at the same time.
            assert!(number.expect("it is not ending") < 500);
        }
    }
}
