//! What is in a channel: a ring for a bounded one, blocks for one without a bound.
//!
//! Blocks come and go with the messages, so that a channel that was full once gives its memory back. Of those that were emptied, one is
//! kept, so that a channel which never holds much allocates nothing in the long run.

use std::collections::VecDeque;
use std::mem;

/// How large a block gets, in bytes.
const BLOCK: usize = 4096;

/// How many messages a block has at most: of small ones.
const MOST: usize = 512;

/// Messages, in order.
pub(super) enum Store<T> {
    /// For a channel with room for one: it takes no memory of its own.
    One(Option<T>),
    Ring {
        messages: VecDeque<T>,
        capacity: usize,
    },
    Blocks(Blocks<T>),
}

impl<T> Store<T> {
    pub(super) fn bounded(capacity: usize) -> Store<T> {
        match capacity {
            1 => Store::One(None),
            _ => Store::Ring { messages: VecDeque::with_capacity(capacity), capacity },
        }
    }

    pub(super) fn unbounded() -> Store<T> {
        Store::Blocks(Blocks::new())
    }

    #[inline]
    pub(super) fn has_room(&self) -> bool {
        match self {
            Store::One(message) => message.is_none(),
            Store::Ring { messages, capacity } => messages.len() < *capacity,
            Store::Blocks(_) => true,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Store::One(message) => usize::from(message.is_some()),
            Store::Ring { messages, .. } => messages.len(),
            Store::Blocks(blocks) => blocks.len(),
        }
    }

    /// Puts a message behind all others. There is room.
    #[inline]
    pub(super) fn push(&mut self, message: T) {
        match self {
            Store::One(place) => *place = Some(message),
            Store::Ring { messages, .. } => messages.push_back(message),
            Store::Blocks(blocks) => blocks.push(message),
        }
    }

    /// Puts a message before all others, whether there is room or not.
    #[cold]
    pub(super) fn put_back(&mut self, message: T) {
        match self {
            Store::One(place @ None) => *place = Some(message),
            Store::One(Some(_)) => {
                let mut messages = VecDeque::with_capacity(2);
                messages.extend([Some(message), self.pop()].into_iter().flatten());
                *self = Store::Ring { messages, capacity: 1 };
            }
            Store::Ring { messages, .. } => messages.push_front(message),
            Store::Blocks(blocks) => blocks.put_back(message),
        }
    }

    /// Takes the first message.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        match self {
            Store::One(place) => place.take(),
            Store::Ring { messages, .. } => messages.pop_front(),
            Store::Blocks(blocks) => blocks.pop(),
        }
    }

    /// Takes all out, with the memory. What is left has no room.
    pub(super) fn take(&mut self) -> Store<T> {
        mem::replace(self, Store::Ring { messages: VecDeque::new(), capacity: 0 })
    }
}

/// Messages without a bound.
pub(super) struct Blocks<T> {
    /// The first ones.
    front: VecDeque<T>,
    /// Those after them, in full blocks.
    full: VecDeque<VecDeque<T>>,
    /// The last ones. There are none as long as `front` takes them.
    back: VecDeque<T>,
    /// Memory of a block that was emptied.
    spare: VecDeque<T>,
}

impl<T> Blocks<T> {
    const LIMIT: usize = {
        let size = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
        let fit = BLOCK / size;
        if fit == 0 {
            1
        } else if fit > MOST {
            MOST
        } else {
            fit
        }
    };

    fn new() -> Blocks<T> {
        Blocks { front: VecDeque::new(), full: VecDeque::new(), back: VecDeque::new(), spare: VecDeque::new() }
    }

    fn len(&self) -> usize {
        self.front.len() + self.full.len() * Self::LIMIT + self.back.len()
    }

    #[inline]
    fn push(&mut self, message: T) {
        if self.back.is_empty() && self.full.is_empty() && self.front.len() < Self::LIMIT {
            self.front.push_back(message);
            return;
        }
        if self.back.len() == Self::LIMIT {
            let next = mem::take(&mut self.spare);
            self.full.push_back(mem::replace(&mut self.back, next));
        }
        self.back.push_back(message);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        if self.front.is_empty() {
            self.next_block();
        }
        self.front.pop_front()
    }

    /// The first block may have more than its messages then, for a while.
    fn put_back(&mut self, message: T) {
        if self.front.is_empty() {
            self.next_block();
        }
        self.front.push_front(message);
    }

    fn next_block(&mut self) {
        let Some(next) = self.full.pop_front() else {
            mem::swap(&mut self.front, &mut self.back);
            return;
        };
        let empty = mem::replace(&mut self.front, next);
        if self.spare.capacity() == 0 {
            self.spare = empty;
        }
        if self.full.capacity() > 64 && self.full.len() < self.full.capacity() / 4 {
            self.full.shrink_to(self.full.capacity() / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory for so many messages.
    fn room<T>(blocks: &Blocks<T>) -> usize {
        let full: usize = blocks.full.iter().map(VecDeque::capacity).sum();
        blocks.front.capacity() + full + blocks.back.capacity() + blocks.spare.capacity()
    }

    fn comes_out_as_it_went_in<T: PartialEq + std::fmt::Debug>(make: fn(usize) -> T) {
        let mut blocks = Blocks::new();
        let (mut came, mut went) = (0, 0);
        // Grows and shrinks by other steps than a block has slots.
        for (more, less) in [(1, 1), (5, 3), (700, 702), (3000, 10), (0, 2500), (2000, 2490), (3, 3)] {
            for _ in 0..more {
                blocks.push(make(came));
                came += 1;
            }
            assert_eq!(blocks.len(), came - went);
            for _ in 0..less {
                assert_eq!(blocks.pop(), Some(make(went)));
                went += 1;
            }
            assert_eq!(blocks.len(), came - went);
        }
        assert_eq!(came, went);
        assert_eq!(blocks.pop(), None);
    }

    #[test]
    fn messages_of_all_sizes_come_out_as_they_went_in() {
        comes_out_as_it_went_in(|i| i);
        comes_out_as_it_went_in(|_| ());
        comes_out_as_it_went_in(|i| i as u8);
        comes_out_as_it_went_in(|i| [i; 100]);
        comes_out_as_it_went_in(|i| Box::new([i; 1000]));
        comes_out_as_it_went_in(|i| [i; 600]);
    }

    #[test]
    fn memory_is_given_back() {
        let mut blocks = Blocks::new();
        (0..1_000_000).for_each(|i: usize| blocks.push(i));
        assert!(blocks.full.len() > 1000);
        while blocks.pop().is_some() {}
        assert!(room(&blocks) <= 4 * Blocks::<usize>::LIMIT, "{}", room(&blocks));
        assert!(blocks.full.capacity() <= 128, "{}", blocks.full.capacity());
    }

    #[test]
    fn what_holds_little_stays_as_it_is() {
        let mut blocks = Blocks::new();
        let around = |blocks: &mut Blocks<usize>| {
            (0..1000).for_each(|i| blocks.push(i));
            (0..1000).for_each(|i| assert_eq!(blocks.pop(), Some(i)));
        };
        (0..4).for_each(|_| around(&mut blocks));
        let before = room(&blocks);
        (0..100).for_each(|_| around(&mut blocks));
        assert!(room(&blocks) <= before, "{} after {before}", room(&blocks));
    }

    #[test]
    fn what_is_put_back_comes_first_whether_there_is_room_or_not() {
        for (mut store, room) in
            [(Store::bounded(0), 0), (Store::bounded(1), 1), (Store::bounded(3), 3), (Store::unbounded(), 1025)]
        {
            (2..2 + room).for_each(|i| store.push(i));
            store.put_back(1);
            store.put_back(0);
            assert_eq!(store.len(), room + 2);
            (0..room + 2).for_each(|i| assert_eq!(store.pop(), Some(i)));
            assert_eq!((store.pop(), store.len()), (None, 0));
            assert_eq!(store.has_room(), room > 0);
            (0..room).for_each(|i| store.push(i));
            assert_eq!((store.len(), store.has_room()), (room, room > 3));
            (0..room).for_each(|i| assert_eq!(store.pop(), Some(i)));
        }
    }
}
