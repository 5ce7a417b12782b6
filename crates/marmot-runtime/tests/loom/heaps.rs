//! The heaps of timers: one that is given up while an owner disarms a timer of it, or arms it anew, and its M fires it.

use std::mem::offset_of;
use std::ptr::NonNull;

use loom::sync::Arc;
use loom::thread;

use crate::due::Due;
use crate::support::{Plain, explore};
use crate::timers::{Fire, Timer, Timers, UNARMED};

const DUE: u64 = 5;

/// What a timer sits in. Whoever disarms it uses the rest without any other ordering, as who frees it does.
struct Record {
    timer: Timer,
    fired: Plain,
}

impl Record {
    fn new(timer: Timer) -> Arc<Record> {
        Arc::new(Record { timer, fired: Plain::new(0) })
    }

    /// Disarms it: true if it was armed. How often it has fired is known after that.
    fn end(&self) -> (bool, usize) {
        let was_armed = self.timer.disarm();
        (was_armed, self.fired.get())
    }
}

// SAFETY: that is where a record has its timer.
unsafe impl Fire for Record {
    type Record = Record;
    const OFFSET: usize = offset_of!(Record, timer);

    unsafe fn fire(record: NonNull<Record>, now: u64, _due: &mut Due) -> Option<u64> {
        // SAFETY: the caller's word.
        let record = unsafe { record.as_ref() };
        assert!(now >= DUE);
        record.fired.set(record.fired.get() + 1);
        None
    }
}

fn heap() -> &'static Timers {
    Box::leak(Box::new(Timers::new()))
}

fn arm(heap: &'static Timers, record: &Record, when: u64) -> bool {
    // SAFETY: every model disarms its records before they go, and each record has one owner at a time.
    unsafe { heap.arm::<Record>(NonNull::from(record), when) }
}

#[test]
fn who_has_disarmed_a_timer_is_alone_with_it_wherever_it_was() {
    explore(3, || {
        let (old, heir) = (heap(), heap());
        let record = Record::new(Timer::keeping());
        assert!(!arm(old, &record, DUE));
        let m = thread::spawn(move || {
            old.fire_due(DUE - 1);
            old.give_up(heir);
            heir.fire_due(DUE);
        });
        let (was_armed, fired) = record.end();
        assert_eq!(fired, usize::from(!was_armed), "it fires once, or not at all");
        m.join().unwrap();
        assert_eq!((record.end(), old.next(), heir.next()), ((false, fired), UNARMED, UNARMED));
    });
}

#[test]
fn a_timer_that_does_not_keep_its_time_fires_once_when_its_heap_is_given_up() {
    explore(3, || {
        let (old, heir) = (heap(), heap());
        let record = Record::new(Timer::new());
        arm(old, &record, DUE);
        let m = thread::spawn(move || old.give_up(heir));
        let (was_armed, fired) = record.end();
        assert_eq!(fired, usize::from(!was_armed));
        m.join().unwrap();
        assert_eq!((old.next(), heir.next()), (UNARMED, UNARMED));
    });
}

#[test]
fn a_timer_that_is_armed_anew_is_in_one_heap() {
    explore(3, || {
        let (old, heir, mine) = (heap(), heap(), heap());
        let record = Record::new(Timer::keeping());
        arm(old, &record, DUE);
        let m = thread::spawn(move || old.give_up(heir));
        assert!(arm(mine, &record, DUE + 1), "it was armed, here or there");
        m.join().unwrap();
        assert_eq!((old.next(), heir.next(), mine.next()), (UNARMED, UNARMED, DUE + 1));
        assert_eq!(mine.fire_due(DUE + 1), 1);
        assert_eq!(record.end(), (false, 1));
    });
}

#[test]
fn several_owners_in_turn_and_the_m_fire_it_as_often_as_it_was_armed() {
    explore(2, || {
        let (old, heir) = (heap(), heap());
        let record = Record::new(Timer::keeping());
        arm(old, &record, DUE);
        let m = thread::spawn(move || {
            old.fire_due(DUE);
            old.give_up(heir);
        });
        // It has fired already if it was not armed.
        let again = arm(heir, &record, DUE);
        m.join().unwrap();
        let fired = heir.fire_due(DUE) + usize::from(!again);
        assert_eq!(record.end(), (false, fired));
    });
}
