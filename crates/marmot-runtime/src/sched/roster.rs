//! Who has to hear of an end that comes once, and the word that says whether it has come.
//!
//! | state | set by | meaning |
//! |---|---|---|
//! | `LIVE` | at the start | it has not come; who enters is told of it |
//! | a [`Why`] | whoever ends it first, under the lock | it has come; nobody enters any more |
//!
//! Reading the state is one load. Entering and leaving take the lock, and so does the end, three times at most: it
//! [marks](Roster::mark) (from then on nobody enters), looks at those who are there, and [takes](Roster::take) them out.
//!
//! **Nobody misses it.** Who wants to be told enters and *then* looks at the state. If the entry comes before the mark in the
//! order of the lock, the end finds it; if not, the entry is refused, and the state is there to see.

use crate::primitive::atomic::{
    AtomicU8,
    Ordering::{Acquire, Release},
};
use crate::primitive::{Mutex, MutexGuard};

/// How it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Why {
    /// Somebody has cancelled it.
    Cancelled = 1,
    /// Its deadline has passed.
    Deadline = 2,
}

const LIVE: u8 = 0;

/// An emptied roster keeps the room for so many.
const KEPT: usize = 64;

/// A place in a roster, for who has entered.
pub(crate) type Number = u32;

/// One who has entered, or the number of the next free place, if there is one.
enum Place<E> {
    Taken(E),
    Free(Option<Number>),
}

struct Places<E> {
    all: Vec<Place<E>>,
    free: Option<Number>,
    taken: usize,
}

/// See the module.
pub(crate) struct Roster<E> {
    state: AtomicU8,
    places: Mutex<Places<E>>,
}

impl<E> Roster<E> {
    pub(crate) fn new() -> Self {
        Roster { state: AtomicU8::new(LIVE), places: Mutex::new(Places { all: Vec::new(), free: None, taken: 0 }) }
    }

    /// How it has ended, if it has.
    #[inline]
    pub(crate) fn state(&self) -> Option<Why> {
        // Acquire pairs with the Release in `mark`: what was written before is seen.
        match self.state.load(Acquire) {
            LIVE => None,
            state if state == Why::Cancelled as u8 => Some(Why::Cancelled),
            _ => Some(Why::Deadline),
        }
    }

    /// Enters `entry`, to be told of the end.
    ///
    /// # Errors
    ///
    /// The entry, if the end has come.
    pub(crate) fn enter(&self, entry: E) -> Result<Number, E> {
        let mut places = self.lock();
        if self.state().is_some() {
            return Err(entry);
        }
        places.taken += 1;
        let Some(number) = places.free else {
            // Four thousand million entries do not fit the memory.
            let number = places.all.len() as Number;
            places.all.push(Place::Taken(entry));
            return Ok(number);
        };
        if let Place::Free(next) = std::mem::replace(&mut places.all[number as usize], Place::Taken(entry)) {
            places.free = next;
        }
        Ok(number)
    }

    /// Takes back what was entered at `number`; none if the end has taken it. When this has returned, nobody looks at it.
    pub(crate) fn leave(&self, number: Number) -> Option<E> {
        let mut places = self.lock();
        let next = places.free;
        let place = places.all.get_mut(number as usize)?;
        match std::mem::replace(place, Place::Free(next)) {
            Place::Taken(entry) => {
                places.free = Some(number);
                places.taken -= 1;
                // What a burst has left is given back.
                if places.taken == 0 && places.all.len() > KEPT {
                    (places.all, places.free) = (Vec::new(), None);
                }
                Some(entry)
            }
            free => {
                places.all[number as usize] = free;
                None
            }
        }
    }

    /// The end: sets the state, after `before`, and shows those who are there to `each`, under the lock. False if it has come
    /// before.
    pub(crate) fn mark(&self, why: Why, before: impl FnOnce(), each: impl FnMut(&E)) -> bool {
        let places = self.lock();
        if self.state().is_some() {
            return false;
        }
        before();
        // Release pairs with the Acquire in `state`.
        self.state.store(why as u8, Release);
        let taken = places.all.iter().filter_map(|place| match place {
            Place::Taken(entry) => Some(entry),
            Place::Free(_) => None,
        });
        taken.for_each(each);
        true
    }

    /// Takes out those who are there, and gives them to `each`, under the lock.
    pub(crate) fn take(&self, mut each: impl FnMut(E)) {
        let mut places = self.lock();
        (places.free, places.taken) = (None, 0);
        for place in std::mem::take(&mut places.all) {
            if let Place::Taken(entry) = place {
                each(entry);
            }
        }
    }

    /// How many are there.
    pub(crate) fn len(&self) -> usize {
        self.lock().taken
    }

    fn lock(&self) -> MutexGuard<'_, Places<E>> {
        // Nothing that panics runs under the lock.
        self.places.lock().unwrap_or_else(|e| e.into_inner())
    }
}
