//! Tests of the heap itself, with times that are mere numbers.

use std::ptr::NonNull;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::due::{Call, Due};
use super::timers::{Fire, LATEST, ROOM, Timer, Timers, UNARMED};

fn heap() -> &'static Timers {
    Box::leak(Box::new(Timers::new()))
}

/// A timer with nothing around it, that fires as the function does.
macro_rules! kind {
    ($name:ident, $fire:expr) => {
        struct $name;

        // SAFETY: the record is the timer.
        unsafe impl Fire for $name {
            type Record = Timer;
            const OFFSET: usize = 0;

            unsafe fn fire(timer: NonNull<Timer>, now: u64, due: &mut Due) -> Option<u64> {
                let fire: fn(&Timer, u64, &mut Due) -> Option<u64> = $fire;
                // SAFETY: an armed timer is alive.
                fire(unsafe { timer.as_ref() }, now, due)
            }
        }
    };
}

kind!(Once, |_, _, _| None);

/// # Safety
///
/// As for `Timers::arm`.
unsafe fn arm<F: Fire<Record = Timer>>(heap: &'static Timers, timer: &Timer, when: u64) -> bool {
    // SAFETY: the caller's word.
    unsafe { heap.arm::<F>(NonNull::from(timer), when) }
}

/// A cheap generator: the test needs variety, not quality.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *seed >> 33
}

#[test]
fn fires_in_order_whatever_was_moved_or_disarmed() {
    let heap = heap();
    let timers: Vec<Timer> = (0..500).map(|_| Timer::new()).collect();
    let mut due = vec![None; timers.len()];
    let mut seed = 7;
    for _ in 0..5000 {
        let i = next(&mut seed) as usize % timers.len();
        if next(&mut seed).is_multiple_of(4) {
            timers[i].disarm();
            due[i] = None;
        } else {
            let when = 1 + next(&mut seed) % 10_000;
            // SAFETY: the timers outlive the heap's use, and this thread is alone.
            unsafe { arm::<Once>(heap, &timers[i], when) };
            due[i] = Some(when);
        }
    }
    let mut left: Vec<u64> = due.iter().flatten().copied().collect();
    left.sort_unstable();
    while let Some(&first) = left.first() {
        assert_eq!(heap.next(), first);
        let n = left.iter().take_while(|&&w| w == first).count();
        assert_eq!(heap.fire_due(first - 1), 0);
        assert_eq!(heap.fire_due(first), n);
        left.drain(..n);
    }
    assert_eq!(heap.next(), u64::MAX);
    assert!(timers.iter().all(|t| !t.fires_by(u64::MAX - 1)));
}

#[test]
fn a_timer_may_ask_to_be_armed_again() {
    kind!(Again, |_, now, _| (now < 30).then_some(now + 10));
    let heap = heap();
    let timer = Timer::new();
    // SAFETY: the timer outlives its arming.
    unsafe { arm::<Again>(heap, &timer, 10) };
    assert_eq!((heap.fire_due(10), heap.next()), (1, 20));
    assert_eq!((heap.fire_due(20), heap.next()), (1, 30));
    assert_eq!((heap.fire_due(30), heap.next()), (1, u64::MAX));
}

#[test]
fn a_heap_that_is_given_up_keeps_nobody_and_fires_early_only_who_bears_it() {
    kind!(Early, |timer, now, _| {
        assert!(now == LATEST && !timer.keeps_time);
        None
    });
    let (old, heir) = (heap(), heap());
    let timers: Vec<Timer> = (0..600).map(|i| if i % 2 == 0 { Timer::new() } else { Timer::keeping() }).collect();
    let when = |i: usize| 1000 + (i as u64 * 7919) % 600;
    // SAFETY: the timers are disarmed at the end, or have fired.
    timers.iter().enumerate().for_each(|(i, timer)| assert!(!unsafe { arm::<Early>(old, timer, when(i)) }));
    old.give_up(heir);
    assert_eq!(old.next(), UNARMED);
    assert_eq!(heir.next(), (0..600).filter(|i| i % 2 == 1).map(when).min().unwrap());
    for (i, timer) in timers.iter().enumerate() {
        assert_eq!(timer.disarm(), i % 2 == 1, "who moved can be disarmed where it is");
    }
    assert_eq!(heir.next(), UNARMED);
}

#[test]
fn callbacks_are_called_with_no_lock_and_a_panic_of_theirs_ends_there() {
    static CALLED: AtomicU64 = AtomicU64::new(0);
    static HEAP: LazyLock<Timers> = LazyLock::new(Timers::new);
    static TIMER: LazyLock<Timer> = LazyLock::new(Timer::new);
    kind!(Calls, |_, _, due| {
        fn run(_: NonNull<()>) {
            CALLED.fetch_add(1, Relaxed);
            // The lock is free: this would wait for ever. SAFETY: the timer is static, and disarmed below.
            unsafe { arm::<Once>(&HEAP, &TIMER, 20) };
            std::panic::resume_unwind(Box::new(()));
        }
        // SAFETY: `run` asks for nothing.
        unsafe { due.call(Call { with: NonNull::dangling(), run }) };
        None
    });
    // SAFETY: as above.
    unsafe { arm::<Calls>(&HEAP, &TIMER, 10) };
    assert_eq!(HEAP.fire_due(10), 1);
    assert_eq!((CALLED.load(Relaxed), HEAP.next()), (1, 20));
    assert!(TIMER.disarm());
}

#[test]
fn many_that_are_due_at_once_fire_in_batches_and_leave_no_memory() {
    let heap = heap();
    let timers: Vec<Timer> = (0..3 * ROOM).map(|_| Timer::new()).collect();
    // SAFETY: they outlive their firing.
    timers.iter().for_each(|timer| assert!(!unsafe { arm::<Once>(heap, timer, 5) }));
    assert_eq!(heap.fire_due(5), timers.len());
    assert_eq!(heap.room(), 0);
    // SAFETY: as above; they are disarmed before they go.
    timers.iter().for_each(|timer| assert!(!unsafe { arm::<Once>(heap, timer, 5) }));
    assert!(timers.iter().all(Timer::disarm));
    assert_eq!(heap.room(), 0);
}

#[test]
fn arming_in_another_heap_leaves_the_first() {
    let (a, b) = (heap(), heap());
    let timer = Timer::new();
    // SAFETY: the timer is disarmed at the end.
    unsafe {
        arm::<Once>(a, &timer, 5);
        arm::<Once>(b, &timer, 9);
    }
    assert_eq!((a.next(), b.next()), (u64::MAX, 9));
    timer.disarm();
    timer.disarm();
    assert_eq!(b.next(), u64::MAX);
}
