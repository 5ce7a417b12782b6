//! The slots, rings and shards of pools.
//!
//! An object is a cell, which loom watches: who gets it changes it, so that two owners at the same time are found, and
//! also one that does not see what the one before did. It is an allocation of loom's as well: one that is lost is found as
//! a leak. At the end each has been taken as often as the model says.

use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::ring::Ring;
use crate::shard::Side;
use crate::slot::{SLOTS, Slots};

/// What is pooled: it counts its owners.
struct Object {
    owners: UnsafeCell<usize>,
    _leaks_are_found: Arc<()>,
}

fn object() -> NonNull<Object> {
    NonNull::from(Box::leak(Box::new(Object { owners: UnsafeCell::new(0), _leaks_are_found: Arc::new(()) })))
}

/// What each owner does: it changes the object.
fn own(object: NonNull<Object>) -> NonNull<Object> {
    // SAFETY: whoever has taken an object is its only owner; that is what the models are about.
    unsafe { object.as_ref() }.owners.with_mut(|owners| unsafe { *owners += 1 });
    object
}

/// What the last owner does; returns how many it has had.
fn end(object: NonNull<Object>) -> usize {
    // SAFETY: as in `own`; the box was leaked by `object`.
    unsafe { Box::from_raw(own(object).as_ptr()) }.owners.with(|owners| unsafe { *owners })
}

fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(f);
}

#[test]
fn an_object_in_a_slot_is_taken_once() {
    model(|| {
        let slots = Arc::new(Slots::new());
        assert!(slots.put(own(object()), SLOTS));
        // The tick and a thief.
        let others = [(); 2].map(|()| {
            let slots = Arc::clone(&slots);
            thread::spawn(move || slots.steal().map(end).is_some())
        });
        // The owner, which puts back what it takes.
        let mut put = 1;
        if let Some(taken) = slots.pop() {
            assert!(slots.put(own(taken), SLOTS), "only the owner fills them");
        } else {
            assert!(slots.put(own(object()), SLOTS), "only the owner fills them");
            put += 1;
        }
        let taken = others.map(|other| usize::from(other.join().unwrap())).iter().sum::<usize>();
        let left = usize::from(slots.pop().map(end).is_some());
        assert_eq!((taken + left, slots.len()), (put, 0));
    });
}

#[test]
fn the_owner_passes_over_slots_that_others_have_emptied() {
    model(|| {
        let slots = Arc::new(Slots::new());
        assert!(slots.put(own(object()), SLOTS) && slots.put(own(object()), SLOTS));
        let thief = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || slots.steal().map(end).is_some())
        };
        let popped = [(); 2].map(|()| slots.pop().map(end).is_some());
        assert!(slots.put(own(object()), SLOTS), "there is room for what has been taken");
        let stolen = thief.join().unwrap();
        let left = std::iter::from_fn(|| slots.pop()).map(end).count();
        let popped = popped.into_iter().filter(|popped| *popped).count();
        assert_eq!((popped + usize::from(stolen) + left, slots.len()), (3, 0));
    });
}

#[test]
fn an_object_in_a_ring_is_taken_once() {
    model(|| {
        let ring = Arc::new(Ring::new(2));
        assert!(ring.push(own(object())));
        let thieves = [(); 2].map(|()| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.steal().map(end).is_some())
        });
        let mut ended = 0;
        let mut pushed = 1;
        for _ in 0..2 {
            let next = own(object());
            pushed += 1;
            if !ring.push(next) {
                end(next);
                ended += 1;
            }
        }
        ended += usize::from(ring.pop().map(end).is_some());
        ended += thieves.map(|thief| usize::from(thief.join().unwrap())).iter().sum::<usize>();
        while let Some(left) = ring.pop() {
            end(left);
            ended += 1;
        }
        assert_eq!((ended, ring.len()), (pushed, 0));
    });
}

#[test]
fn a_slot_of_a_ring_is_filled_again_only_when_it_has_been_read() {
    model(|| {
        let ring = Arc::new(Ring::new(1));
        assert!(ring.push(own(object())));
        let thief = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.steal().map(end))
        };
        let second = own(object());
        let was_pushed = ring.push(second);
        if !was_pushed {
            end(second);
        }
        let stolen = thief.join().unwrap();
        assert!(stolen.is_some(), "there was one all the time");
        let left = ring.pop().map(end);
        assert_eq!(left.is_some(), was_pushed);
    });
}

#[test]
fn a_tick_takes_all_that_a_side_has() {
    model(|| {
        let side = Arc::new(Side::new());
        assert!(side.private.put(own(object()), SLOTS) && side.push(own(object())));
        let tick = {
            let side = Arc::clone(&side);
            thread::spawn(move || std::iter::from_fn(|| side.take_any()).map(end).count())
        };
        // The owner has read the old generation and uses this side still.
        let taken = side.private.pop().or_else(|| side.pop());
        if let Some(object) = taken {
            assert!(side.private.put(own(object), SLOTS) || side.push(object));
        }
        let ticked = tick.join().unwrap();
        let left = std::iter::from_fn(|| side.take_any()).map(end).count();
        assert_eq!((ticked + left, side.len()), (2, 0));
    });
}

#[test]
fn a_side_drops_what_it_has() {
    model(|| {
        let side = Side::new();
        assert!(side.private.put(object(), SLOTS) && side.push(object()));
    });
}
