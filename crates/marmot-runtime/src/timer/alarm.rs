//! Alarms: something that is called when its time has come.
//!
//! An [`Alarm`] is in one allocation with what it rings. It may be set, stopped and set again by anybody, in goroutines and on
//! plain threads: it is in the heap of the P of who sets it, or, outside of goroutines, in that of [`sched::outside`]. It belongs to
//! no runtime: when the one is shut down that has it, it moves, and rings in time.
//!
//! As long as it is set, the heap has a reference to it. Ringing hands that on: what is called owns it, and decides where it is dropped.
//!
//! | | what happens to the heap's reference |
//! |---|---|
//! | `set` | is made; if the alarm was set already, the one that the heap has stays, and this one is dropped |
//! | the time has come | the heap's lock is given up; it is passed to [`Ring::ring`] |
//! | `stop` that comes before | is dropped by who stops it, who has another |
//!
//! Who sets and who stops has the alarm's lock, so arming and disarming are in an order, as [`Timer`] demands. Ringing needs no
//! lock at all: it may set and stop alarms, also its own.

use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard};

use super::arm_here;
use crate::sched::{Call, Due, Fire, Timer};

/// What an alarm does.
pub(crate) trait Ring: Send + Sync + Sized + 'static {
    /// Is called when the time has come, with no lock held: on an M, between two goroutines, or on the thread that has the timers of
    /// plain threads. It must not wait.
    ///
    /// What it drops it drops there: if that may be the last reference to something of the user's, whose destructor may wait, it
    /// has to go elsewhere, as into a goroutine.
    fn ring(alarm: Arc<Alarm<Self>>);
}

/// See the module.
pub(crate) struct Alarm<R> {
    timer: Timer,
    /// Held by who sets or stops it.
    setting: Mutex<()>,
    /// What is rung.
    pub(crate) what: R,
}

impl<R: Ring> Alarm<R> {
    /// One that is not set.
    pub(crate) fn new(what: R) -> Arc<Alarm<R>> {
        Arc::new(Alarm { timer: Timer::keeping(), setting: Mutex::new(()), what })
    }

    /// Sets it to ring at `when`, by the scheduler's clock, and calls `note` first: where several set it, the last one has done both.
    /// True if it was set, and does not ring at the time for which it was.
    pub(crate) fn set_with(self: &Arc<Self>, when: u64, note: impl FnOnce(&R)) -> bool {
        let setting = self.lock();
        note(&self.what);
        let own = Arc::into_raw(Arc::clone(self));
        let record = NonNull::new(own.cast_mut()).expect("references are not null");
        // SAFETY: the reference above is given up only after the timer has fired or was disarmed; and we have the lock.
        let was_set = unsafe { arm_here::<Alarm<R>>(record, when) };
        drop(setting);
        if was_set {
            // SAFETY: the heap has had a reference already, and this one is nobody's.
            drop(unsafe { Arc::from_raw(own) });
        }
        was_set
    }

    /// Sees to it that it does not ring, until it is set again; true if it was set. If not, it may be ringing right now.
    pub(crate) fn stop(self: &Arc<Self>) -> bool {
        let setting = self.lock();
        let was_set = self.timer.disarm();
        drop(setting);
        if was_set {
            // SAFETY: it was the heap's, which does not have the timer any more. The caller has another.
            drop(unsafe { Arc::from_raw(Arc::as_ptr(self)) });
        }
        was_set
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        // Nothing that panics runs under the lock.
        self.setting.lock().unwrap_or_else(|e| e.into_inner())
    }
}

// SAFETY: that is where an alarm has its timer.
unsafe impl<R: Ring> Fire for Alarm<R> {
    type Record = Alarm<R>;
    const OFFSET: usize = offset_of!(Alarm<R>, timer);

    unsafe fn fire(alarm: NonNull<Alarm<R>>, _now: u64, due: &mut Due) -> Option<u64> {
        // SAFETY: the heap's reference goes with it, by the address that `set` got for it.
        unsafe { due.call(Call { with: alarm.cast(), run: ring::<R> }) };
        None
    }
}

/// # Safety
///
/// `alarm` is a reference to an `Alarm<R>` that is the caller's.
unsafe fn ring<R: Ring>(alarm: NonNull<()>) {
    // SAFETY: the caller's word.
    R::ring(unsafe { Arc::from_raw(alarm.cast::<Alarm<R>>().as_ptr()) });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{PoisonError, Weak};
    use std::time::Duration;

    use super::*;
    use crate::sched::clock;

    impl<R: Ring> Alarm<R> {
        fn set(self: &Arc<Self>, when: u64) -> bool {
            self.set_with(when, |_| {})
        }
    }

    const LONG: u64 = 3_600_000_000_000;
    const LIMIT: Duration = Duration::from_secs(60);

    /// Tells when it rings, and drops nothing of its own.
    struct Teller(Mutex<Sender<u64>>);

    impl Ring for Teller {
        fn ring(alarm: Arc<Alarm<Self>>) {
            let teller = alarm.what.0.lock().unwrap_or_else(PoisonError::into_inner);
            // The test may have ended.
            let _ = teller.send(clock::now());
        }
    }

    fn teller() -> (Arc<Alarm<Teller>>, Receiver<u64>) {
        let (tell, told) = channel();
        (Alarm::new(Teller(Mutex::new(tell))), told)
    }

    /// Waits until nobody but the test has it.
    fn until_alone<T>(weak: &Weak<T>, count: usize) {
        let begun = std::time::Instant::now();
        while weak.strong_count() > count {
            assert!(begun.elapsed() < LIMIT, "{} references", weak.strong_count());
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_rings_once_and_not_early() {
        let (alarm, told) = teller();
        let when = clock::now() + 2_000_000;
        assert!(!alarm.set(when));
        assert!(told.recv_timeout(LIMIT).unwrap() >= when);
        assert!(!alarm.stop());
        // It can be set again.
        assert!(!alarm.set(clock::now()));
        told.recv_timeout(LIMIT).unwrap();
        let weak = Arc::downgrade(&alarm);
        until_alone(&weak, 1);
        drop(alarm);
        assert_eq!(told.recv(), Err(std::sync::mpsc::RecvError), "it rang once each time, and is gone");
    }

    #[test]
    fn one_that_is_stopped_does_not_ring_and_one_that_is_let_go_does() {
        let (alarm, told) = teller();
        assert!(!alarm.set(clock::now() + LONG));
        assert_eq!(Arc::strong_count(&alarm), 2, "the heap has one");
        assert!(alarm.set(clock::now() + LONG + 1), "it was set");
        assert_eq!(Arc::strong_count(&alarm), 2);
        assert!(alarm.stop());
        assert!(!alarm.stop());
        assert_eq!(Arc::strong_count(&alarm), 1);
        alarm.set(clock::now() + LONG);
        assert!(alarm.set(clock::now() + 1_000_000), "it is moved to an earlier time");
        drop(alarm);
        told.recv_timeout(LIMIT).unwrap();
        assert!(told.recv().is_err(), "nothing is left of it");
    }

    #[test]
    fn many_threads_set_and_stop_the_same() {
        let (alarm, told) = teller();
        let threads: Vec<_> = (0..4_u64)
            .map(|i| {
                let alarm = Arc::clone(&alarm);
                std::thread::spawn(move || {
                    (0..500).fold((0, 0), |(set, stopped), n| {
                        let again = alarm.set(clock::now() + (i * 131 + n * 17) % 50_000);
                        (set + u32::from(!again), stopped + u32::from(n % 3 == 0 && alarm.stop()))
                    })
                })
            })
            .collect();
        let counts: Vec<(u32, u32)> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let (set, stopped) = counts.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let weak = Arc::downgrade(&alarm);
        until_alone(&weak, 1);
        drop(alarm);
        assert_eq!(told.iter().count() as u32, set - stopped, "each setting was rung, moved or stopped");
    }

    #[test]
    fn whoever_sets_it_last_has_noted_last() {
        struct Noted(AtomicU64);
        impl Ring for Noted {
            fn ring(_alarm: Arc<Alarm<Self>>) {}
        }
        let alarm = Alarm::new(Noted(AtomicU64::new(0)));
        for round in 0..500 {
            std::thread::scope(|s| {
                for i in 0..2 {
                    let alarm = &alarm;
                    s.spawn(move || {
                        let when = clock::now() + LONG + round * 2 + i;
                        alarm.set_with(when, |noted| noted.0.store(when, Relaxed));
                    });
                }
            });
            let noted = alarm.what.0.load(Relaxed);
            assert!(alarm.timer.fires_by(noted) && !alarm.timer.fires_by(noted - 1));
        }
        alarm.stop();
    }

    #[test]
    fn one_that_panics_keeps_no_other_from_ringing() {
        struct Panics;
        impl Ring for Panics {
            fn ring(_alarm: Arc<Alarm<Self>>) {
                panic!("it is part of the test");
            }
        }
        let panics = Alarm::new(Panics);
        let (alarm, told) = teller();
        let when = clock::now() + 1_000_000;
        panics.set(when);
        alarm.set(when + 1);
        told.recv_timeout(LIMIT).unwrap();
        until_alone(&Arc::downgrade(&panics), 1);
        // The thread is there still.
        alarm.set(clock::now());
        told.recv_timeout(LIMIT).unwrap();
    }

    #[test]
    fn very_many_that_are_due_at_once_all_ring() {
        let (alarm, told) = teller();
        let tell = alarm.what.0.lock().unwrap().clone();
        let when = clock::now() + 5_000_000;
        let alarms: Vec<_> = (0..5000).map(|i| (i, Alarm::new(Teller(Mutex::new(tell.clone()))))).collect();
        alarms.iter().for_each(|(i, alarm)| assert!(!alarm.set(when + i % 7)));
        for _ in &alarms {
            assert!(told.recv_timeout(LIMIT).unwrap() >= when);
        }
    }
}
