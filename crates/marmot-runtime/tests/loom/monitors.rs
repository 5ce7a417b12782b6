//! Room for one, which several want, of whom some stop waiting when their context ends; and something that all wait for.

use loom::sync::Arc;
use loom::thread;

use crate::monitor::{Cancelled, Monitor, Until};
use crate::sched::WaitReason;
use crate::support::{Plain, explore};
use crate::timer::limit;

struct Room {
    free: Monitor<usize>,
    /// What only who has room touches.
    turns: Plain,
}

impl Room {
    fn new() -> Arc<Room> {
        Arc::new(Room { free: Monitor::new(1), turns: Plain::new(0) })
    }

    fn turn(&self, until: Until) -> Result<(), Cancelled> {
        self.free.wait(WaitReason::Group, until, take)?;
        self.turns.set(self.turns.get() + 1);
        self.free.change(|free| {
            *free += 1;
            1
        });
        Ok(())
    }
}

fn take(free: &mut usize) -> Option<()> {
    (*free > 0).then(|| *free -= 1)
}

#[test]
fn three_take_turns_in_room_for_one() {
    explore(2, || {
        let room = Room::new();
        let others = [(); 2].map(|()| {
            let room = Arc::clone(&room);
            thread::spawn(move || room.turn(Until::Changed).unwrap())
        });
        room.turn(Until::Changed).unwrap();
        room.turn(Until::Changed).unwrap();
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(room.turns.get(), 4);
        assert_eq!(room.free.look(|free| *free), 1);
    });
}

#[test]
fn who_stops_waiting_takes_nobodys_wake_up_along() {
    explore(3, || {
        let room = Room::new();
        let cancelled = {
            let room = Arc::clone(&room);
            thread::spawn(move || room.turn(Until::ChangedOrCancelled).is_ok())
        };
        let patient = {
            let room = Arc::clone(&room);
            thread::spawn(move || room.turn(Until::Changed).unwrap())
        };
        room.turn(Until::Changed).unwrap();
        limit::cancel();
        let had_room = cancelled.join().unwrap();
        patient.join().unwrap();
        assert_eq!(room.turns.get(), 2 + usize::from(had_room));
        assert_eq!(room.free.look(|free| *free), 1);
    });
}

#[test]
fn all_see_what_they_have_waited_for() {
    explore(3, || {
        let landed = Arc::new((Monitor::new(false), Plain::new(0)));
        let waiting = [Until::Changed, Until::ChangedOrCancelled].map(|until| {
            let landed = Arc::clone(&landed);
            thread::spawn(move || {
                landed.0.wait(WaitReason::Singleflight, until, |landed| landed.then_some(())).unwrap();
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
