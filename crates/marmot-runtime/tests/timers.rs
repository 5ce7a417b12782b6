//! What timers sit in, as they find it when they fire: for an interpreter that knows which memory an address may be used for.

#![cfg(not(loom))]

#[path = "loom/due.rs"]
#[expect(dead_code, reason = "nobody is readied here")]
mod due;
#[path = "../src/primitive.rs"]
#[expect(dead_code, unused_imports, unused_macros, reason = "the heap needs locks and atomics only")]
mod primitive;
#[path = "../src/sched/timers.rs"]
#[expect(dead_code, reason = "some of it is for the scheduler")]
mod timers;

/// What `due` takes goroutines for.
mod sched {
    use std::ptr::NonNull;

    pub struct G;

    pub fn ready(_gp: NonNull<G>) {}
}

use std::cell::Cell;
use std::hint::black_box;
use std::mem::offset_of;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Mutex;

use due::Due;
use timers::{Fire, Timer, Timers};

/// With something on both sides of the timer.
#[repr(C)]
struct Record {
    before: Cell<u64>,
    timer: Timer,
    name: String,
    after: Cell<u64>,
}

impl Record {
    fn new(timer: Timer) -> Record {
        Record { before: Cell::new(0), timer, name: "record".to_owned(), after: Cell::new(0) }
    }

    fn times(&self) -> (u64, u64) {
        (self.before.get(), self.after.get())
    }
}

// SAFETY: that is where a record has its timer.
unsafe impl Fire for Record {
    type Record = Record;
    const OFFSET: usize = offset_of!(Record, timer);

    unsafe fn fire(record: NonNull<Record>, now: u64, _due: &mut Due) -> Option<u64> {
        // SAFETY: who is armed is alive.
        let record = unsafe { record.as_ref() };
        assert_eq!(record.name, "record");
        record.before.set(now);
        record.after.set(record.after.get() + 1);
        (now < 20).then_some(now + 10)
    }
}

/// Heaps live as long as the process. They are kept where whoever looks for leaks finds them.
fn heap() -> &'static Timers {
    static HEAPS: Mutex<Vec<&'static Timers>> = Mutex::new(Vec::new());
    let heap = Box::leak(Box::new(Timers::new()));
    HEAPS.lock().unwrap().push(heap);
    heap
}

fn arm(heap: &'static Timers, record: &Record, when: u64) -> bool {
    // SAFETY: the tests disarm their records before these go, and do so on this thread.
    unsafe { heap.arm::<Record>(NonNull::from(record), when) }
}

#[test]
fn a_timer_that_fires_has_all_of_its_record() {
    let heap = heap();
    let on_the_stack = Record::new(Timer::new());
    let boxed = Box::new(Record::new(Timer::new()));
    let shared = Rc::new(Record::new(Timer::new()));
    for record in [&on_the_stack, &*boxed, &*shared] {
        assert!(!arm(heap, record, 10));
        assert!(arm(heap, record, 11));
    }
    assert_eq!(heap.fire_due(11), 3);
    // They have armed themselves anew; and what they sit in is used by others meanwhile.
    on_the_stack.before.set(0);
    assert_eq!(heap.fire_due(21), 3);
    for record in [&on_the_stack, &*boxed, &*shared] {
        assert_eq!(record.times(), (21, 2));
        assert!(!record.timer.disarm());
    }
}

#[test]
fn also_after_the_box_that_it_sits_in_has_moved() {
    let heap = heap();
    let record = Box::new(Record::new(Timer::new()));
    arm(heap, &record, 10);
    let moved = black_box(record);
    assert_eq!(heap.fire_due(10), 1);
    let record = black_box(moved);
    assert_eq!(record.times(), (10, 1));
    assert!(record.timer.disarm());
}

#[test]
fn also_in_the_heap_that_inherits_it() {
    let (old, heir) = (heap(), heap());
    let record = Record::new(Timer::keeping());
    arm(old, &record, 20);
    old.give_up(heir);
    assert_eq!((record.times(), heir.fire_due(20)), ((0, 0), 1));
    assert_eq!((record.times(), record.timer.disarm()), ((20, 1), false));
}
