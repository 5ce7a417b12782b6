//! A stack whose addresses have been looked up, and the part of it that is shown.

use std::sync::Arc;

use crate::Cut;
use crate::symbols::{Frame, Lookup};

/// A stack, innermost address first.
pub struct Stack {
    places: Vec<Place>,
    /// Which of all frames are shown.
    start: usize,
    end: usize,
}

struct Place {
    address: usize,
    frames: Arc<[Frame]>,
    /// How many frames are inside of it.
    before: usize,
}

/// What is shown of an address.
pub struct Shown<'a> {
    /// The address.
    pub address: usize,
    /// Its frames, innermost first; none, if nothing is known of it.
    pub frames: &'a [Frame],
    /// Which of the address's frames these are.
    pub part: (usize, usize),
}

impl Stack {
    /// Looks the addresses up, and decides what is shown.
    pub fn new(lookup: &mut Lookup, addresses: &[usize], cut: Cut) -> Stack {
        let mut before = 0;
        let places = addresses.iter().map(|address| {
            let place = Place { address: *address, frames: lookup.resolve(*address), before };
            before += place.len();
            place
        });
        let places: Vec<Place> = places.collect();
        let (start, end) = cut.range(&all(&places));
        Stack { places, start, end }
    }

    /// What is shown, innermost first.
    pub fn shown(&self) -> impl Iterator<Item = Shown<'_>> {
        self.places.iter().filter_map(|place| {
            let from = self.start.max(place.before);
            let to = self.end.min(place.before + place.len());
            let part = (from.checked_sub(place.before)?, to.checked_sub(place.before)?);
            let frames = place.frames.get(part.0..part.1).unwrap_or_default();
            (part.0 < part.1).then_some(Shown { address: place.address, frames, part })
        })
    }

    /// The functions that are cut off at the inner end.
    pub fn cut_functions(&self) -> impl Iterator<Item = &str> {
        all(&self.places).into_iter().take(self.start).flatten().map(|frame| &*frame.function)
    }
}

impl Place {
    /// An address of which nothing is known counts as a frame.
    fn len(&self) -> usize {
        self.frames.len().max(1)
    }
}

fn all(places: &[Place]) -> Vec<Option<&Frame>> {
    let frames = places.iter().flat_map(|place| (0..place.len()).map(|index| place.frames.get(index)));
    frames.collect()
}
