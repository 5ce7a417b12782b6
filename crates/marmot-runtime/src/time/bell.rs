//! What rings at a point in time, and the channel on which that is heard: the inside of timers and tickers.
//!
//! The channel has room for one tick. When the bell rings, the tick goes to the one who has waited longest; if nobody waits, it stays until
//! somebody comes; if there is one already, it is dropped. Whatever can be done with the receiver of a channel can be done with a
//! timer, a choice among several included.
//!
//! **It rings under the lock of the heap** that has its timer, and all that is to be done is done right there: the tick is in the
//! channel, or it has been given to a waiter, who was handed to [`Due`]. So when the timer has been disarmed, there is no
//! ringing under way, and who then empties the channel can be sure that no tick of before comes after. That is why stopping
//! and setting anew disarm first, even though a timer could be moved at once. No numbers of generations are needed.
//!
//! | lock | is held | may be taken with it held |
//! |---|---|---|
//! | `setting` | while the bell is set or stopped | the heap's; the channel's |
//! | the heap's | while the timer is armed, disarmed or fires | the channel's |
//! | the channel's | for a few instructions | none |
//!
//! Nobody parks, yields or is readied with any of them held.

use std::cell::Cell;
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::context::{self, Error};
use crate::sched::{Due, Fire, Timer, clock};
use crate::sync::chan::{self, Receiver, Sender};
use crate::timer::arm_here;

/// See the module.
pub(super) struct Bell {
    timer: Timer,
    /// When it rings next, and how long after that again; 0 if it does not.
    next: Cell<u64>,
    period: Cell<u64>,
    setting: Mutex<()>,
    sender: Sender<Instant>,
    receiver: Receiver<Instant>,
}

// SAFETY: the cells are written by who sets it, while the timer is not armed, and used by who fires it, under the heap's lock; the
// two are ordered by that lock.
unsafe impl Sync for Bell {}

impl Bell {
    /// One that does not ring. It stays where it is while it may ring.
    pub(super) fn new() -> Box<Bell> {
        let (sender, receiver) = chan::bounded(1);
        Box::new(Bell {
            timer: Timer::keeping(),
            next: Cell::new(0),
            period: Cell::new(0),
            setting: Mutex::new(()),
            sender,
            receiver,
        })
    }

    /// Makes it ring after `first`, and then after every `period` again unless that is zero. What it rang before is forgotten.
    /// Returns whether that was to come, or to be received.
    pub(super) fn set(&self, first: Duration, period: Duration) -> bool {
        let _setting = self.setting();
        let was_set = self.silence();
        let when = clock::after(first);
        self.next.set(when);
        self.period.set(u64::try_from(period.as_nanos()).unwrap_or(u64::MAX));
        // SAFETY: a bell is in a box, and is silenced before it goes; and we have the lock.
        unsafe { arm_here::<Bell>(NonNull::from(self), when) };
        was_set
    }

    /// Silences it. What it rang before is forgotten. Returns whether that was to come, or to be received.
    pub(super) fn stop(&self) -> bool {
        let _setting = self.setting();
        self.silence()
    }

    /// The same, for who has the lock.
    fn silence(&self) -> bool {
        let was_armed = self.timer.disarm();
        let was_kept = self.receiver.take().is_some();
        // More than one there may be where some were put back.
        while self.receiver.take().is_some() {}
        was_kept || was_armed
    }

    /// What it rings is heard there.
    pub(super) fn receiver(&self) -> &Receiver<Instant> {
        &self.receiver
    }

    /// Receives a tick if there is one.
    pub(super) fn try_wait(&self) -> Option<Instant> {
        self.receiver.try_recv().ok()
    }

    /// Waits for a tick.
    pub(super) fn wait(&self) -> Result<Instant, Error> {
        context::check_to_wait()?;
        // The bell has a sender, so only the context ends the wait.
        self.receiver.recv().map_err(|_| context::why())
    }

    /// It is time. Returns when it rings next.
    fn ring(&self, now: u64, due: &mut Due) -> Option<u64> {
        self.sender.offer(clock::instant(now), due);
        let (next, period) = (self.next.get(), self.period.get());
        if period == 0 {
            return None;
        }
        // In step with the times before, however late this one is.
        let missed = now.saturating_sub(next) / period;
        self.next.set(next.saturating_add(period.saturating_mul(missed + 1)));
        Some(self.next.get())
    }

    fn setting(&self) -> MutexGuard<'_, ()> {
        // Nothing that panics runs under the lock.
        self.setting.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // Who waits borrows the bell, so nobody does.
        self.timer.disarm();
    }
}

// SAFETY: that is where a bell has its timer.
unsafe impl Fire for Bell {
    type Record = Bell;
    const OFFSET: usize = offset_of!(Bell, timer);

    unsafe fn fire(bell: NonNull<Bell>, now: u64, due: &mut Due) -> Option<u64> {
        // SAFETY: who is armed is alive.
        unsafe { bell.as_ref() }.ring(now, due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait MayMove<Whether> {
        fn is_found() {}
    }
    struct Always;
    struct IfUnpin;
    impl<T: ?Sized> MayMove<Always> for T {}
    impl<T: ?Sized + Unpin> MayMove<IfUnpin> for T {}

    /// It compiles only as long as one of the two applies.
    #[test]
    fn a_box_with_a_bell_does_not_say_that_it_is_alone() {
        <Bell as MayMove<_>>::is_found();
    }
}
