//! Room for one, which several want, of whom some stop waiting when their context ends; and something that all wait for.

use loom::sync::Arc;
use loom::thread;

use crate::monitor::Monitor;
use crate::sched::WaitReason;
use crate::support::{Plain, explore};
use crate::wait::{Limit, unless_lost};

struct Room {
    free: Monitor<usize>,
    /// What only who has room touches.
    turns: Plain,
}

impl Room {
    fn new() -> Arc<Room> {
        Arc::new(Room { free: Monitor::new(1), turns: Plain::new(0) })
    }

    /// Has a turn, unless something else comes first.
    fn turn(&self, limit: Limit) -> bool {
        let has_room = unless_lost(|| self.free.wait(WaitReason::Group, limit, take)).flatten().is_some();
        if has_room {
            self.turns.set(self.turns.get() + 1);
            self.free.change(|free| {
                *free += 1;
                1
            });
        }
        has_room
    }
}

fn take(free: &mut usize) -> Option<()> {
    (*free > 0).then(|| *free -= 1)
}

#[test]
fn three_take_turns_in_room_for_one() {
    explore(3, || {
        let room = Room::new();
        let others = [(); 2].map(|()| {
            let room = Arc::clone(&room);
            thread::spawn(move || assert!(room.turn(Limit::NONE)))
        });
        assert!(room.turn(Limit::NONE) && room.turn(Limit::NONE));
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(room.turns.get(), 4);
        assert_eq!(room.free.look(|free| *free), 1);
    });
}

/// One waits for ever, and another until something else ends that.
fn one_leaves(limit: Limit) {
    explore(3, move || {
        let room = Room::new();
        let leaves = {
            let room = Arc::clone(&room);
            thread::spawn(move || room.turn(limit))
        };
        let patient = {
            let room = Arc::clone(&room);
            thread::spawn(move || assert!(room.turn(Limit::NONE)))
        };
        assert!(room.turn(Limit::NONE));
        let had_room = leaves.join().unwrap();
        patient.join().unwrap();
        assert_eq!(room.turns.get(), 2 + usize::from(had_room));
        assert_eq!(room.free.look(|free| *free), 1);
    });
}

#[test]
fn who_is_cancelled_takes_nobodys_wake_up_along() {
    one_leaves(Limit::Cancelled);
}

#[test]
fn who_does_not_go_on_leaves_its_wake_up_to_the_next() {
    one_leaves(Limit::Lost);
    one_leaves(Limit::CancelledAndLost);
}

#[test]
fn all_see_what_they_have_waited_for() {
    explore(3, || {
        let landed = Arc::new((Monitor::new(false), Plain::new(0)));
        let waiting = [(); 2].map(|()| {
            let landed = Arc::clone(&landed);
            thread::spawn(move || {
                landed.0.wait(WaitReason::Singleflight, Limit::NONE, |landed| landed.then_some(())).unwrap();
                assert_eq!(landed.1.get(), 1);
            })
        });
        landed.1.set(1);
        landed.0.change(|landed| {
            *landed = true;
            usize::MAX
        });
        waiting.into_iter().for_each(|waiting| waiting.join().unwrap());
    });
}
