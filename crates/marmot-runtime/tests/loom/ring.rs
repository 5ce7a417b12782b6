//! The local ring: its owner, and thieves.

use std::ptr::NonNull;

use loom::sync::Arc;
use loom::thread;

use crate::primitive::RUN_QUEUE_SLOTS as SLOTS;
use crate::runq::RunQueue;
use crate::support::{Item, Items, explore};

struct Ps {
    items: Items,
    rings: [RunQueue<Item>; 3],
}

impl Ps {
    fn new(items: usize) -> Arc<Ps> {
        Arc::new(Ps { items: Items::new(items), rings: [(); 3].map(|()| RunQueue::new()) })
    }

    /// The owner of the first ring puts element `i` at its end.
    fn push(&self, i: usize, overflow: &mut Vec<usize>) {
        self.rings[0].push(self.items.make(i).as_ptr(), |batch| {
            overflow.extend(batch.iter().map(|&item| self.number(item)));
        });
    }

    fn number(&self, item: *mut Item) -> usize {
        self.items.number(NonNull::new(item).expect("a ring holds no null pointers"))
    }

    fn pop(&self, ring: usize) -> Option<usize> {
        self.rings[ring].pop().map(|item| self.number(item))
    }

    fn drain(&self, ring: usize) -> impl Iterator<Item = usize> {
        std::iter::from_fn(move || self.pop(ring))
    }

    fn take_next(&self) -> Option<usize> {
        self.rings[0].take_next().map(|item| self.number(item))
    }

    /// The owner of ring `to` steals from ring `from`.
    fn steal(&self, from: usize, to: usize) -> Option<usize> {
        self.rings[from].steal_into(&self.rings[to]).map(|item| self.number(item))
    }

    /// Checks that what was taken and what is left are all elements, each once.
    fn assert_each_once(&self, mut taken: Vec<usize>) {
        for ring in 0..3 {
            taken.extend(self.drain(ring));
        }
        taken.extend(self.take_next());
        assert!(self.rings.iter().all(RunQueue::is_empty));
        self.items.assert_each_once(taken);
    }
}

#[test]
fn a_full_ring_overflows_while_a_thief_steals() {
    explore(3, || {
        let ps = Ps::new(SLOTS + 1);
        let mut mine = Vec::new();
        (0..SLOTS).for_each(|i| ps.push(i, &mut mine));
        let thief = {
            let ps = Arc::clone(&ps);
            thread::spawn(move || ps.steal(0, 1).into_iter().chain(ps.drain(1)).collect::<Vec<_>>())
        };
        ps.push(SLOTS, &mut mine);
        mine.extend(ps.pop(0));
        mine.extend(thief.join().unwrap());
        ps.assert_each_once(mine);
    });
}

#[test]
fn slots_are_written_again_while_a_thief_copies_them() {
    explore(3, || {
        let ps = Ps::new(SLOTS + 2);
        let mut mine = Vec::new();
        (0..SLOTS).for_each(|i| ps.push(i, &mut mine));
        let thief = {
            let ps = Arc::clone(&ps);
            thread::spawn(move || ps.steal(0, 1).into_iter().collect::<Vec<_>>())
        };
        let mut popped = Vec::new();
        for i in SLOTS..SLOTS + 2 {
            popped.extend(ps.pop(0));
            ps.push(i, &mut mine);
        }
        assert!(popped.is_sorted(), "first in, first out");
        mine.extend(popped);
        mine.extend(thief.join().unwrap());
        ps.assert_each_once(mine);
    });
}

#[test]
fn two_thieves_and_the_owner() {
    explore(2, || {
        let ps = Ps::new(4);
        let mut mine = Vec::new();
        (0..3).for_each(|i| ps.push(i, &mut mine));
        let thieves = [1, 2].map(|ring| {
            let ps = Arc::clone(&ps);
            thread::spawn(move || ps.steal(0, ring).into_iter().collect::<Vec<_>>())
        });
        mine.extend(ps.pop(0));
        ps.push(3, &mut mine);
        for thief in thieves {
            mine.extend(thief.join().unwrap());
        }
        ps.assert_each_once(mine);
    });
}

#[test]
fn what_was_stolen_is_stolen_again() {
    explore(3, || {
        let ps = Ps::new(3);
        let mut taken = Vec::new();
        let first = {
            let ps = Arc::clone(&ps);
            thread::spawn(move || ps.steal(0, 1).into_iter().chain(ps.pop(1)).collect::<Vec<_>>())
        };
        let second = {
            let ps = Arc::clone(&ps);
            thread::spawn(move || ps.steal(1, 2).into_iter().collect::<Vec<_>>())
        };
        (0..3).for_each(|i| ps.push(i, &mut taken));
        for thief in [first, second] {
            taken.extend(thief.join().unwrap());
        }
        ps.assert_each_once(taken);
    });
}

#[test]
fn run_next_is_taken_once() {
    explore(3, || {
        let ps = Ps::new(2);
        let thief = {
            let ps = Arc::clone(&ps);
            thread::spawn(move || ps.take_next().into_iter().chain(ps.steal(0, 1)).collect::<Vec<_>>())
        };
        let mut mine = Vec::new();
        for i in 0..2 {
            let displaced = ps.rings[0].put_next(ps.items.make(i).as_ptr());
            if let Some(item) = displaced {
                ps.rings[0].push(item, |_| unreachable!("there is room"));
            }
        }
        mine.extend(ps.take_next());
        mine.extend(thief.join().unwrap());
        ps.assert_each_once(mine);
    });
}
