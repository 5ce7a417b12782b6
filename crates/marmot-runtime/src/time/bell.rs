//! What rings at a point in time, and who waits for it: the inside of timers and tickers.
//!
//! A bell has room for one tick. When it rings, the tick goes to the one who has waited longest; if nobody waits, it stays until
//! somebody comes; if there is one already, it is dropped.
//!
//! **It rings under the lock of the heap** that has its timer, and all that is to be done is done right there: the tick is in its
//! place, or the waiter is out of the list and handed to [`Due`]. So when the timer has been disarmed, there is no
//! ringing under way, and who then empties the place can be sure that no tick of before comes after. That is why stopping
//! and setting anew disarm first, even though a timer could be moved at once. No numbers of generations are needed.
//!
//! | lock | is held | may be taken with it held |
//! |---|---|---|
//! | `setting` | while the bell is set or stopped | the heap's; `state` |
//! | the heap's | while the timer is armed, disarmed or fires | `state` |
//! | `state` | for a few instructions | none |
//!
//! **Who waits** puts itself into the list with `state` locked, after it has seen there that no tick is there; and who rings looks into
//! the list with `state` locked. So each tick finds who waits, or is found. A waiter whose context ends takes itself out; if it is
//! not there any more, it has been given the tick, and has it.
//!
//! Rejected: to let those who are woken look again. A tick would then be taken by whoever comes by, and who chooses among
//! several things would have to wake another when it has chosen something else.

use std::cell::Cell;
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::context::{self, Error};
use crate::sched::{self, Due, Timer, WaitReason, clock};
use crate::sync::list::{List, Waiter};
use crate::timer::arm_here;
use crate::timer::limit::{Ended, NEVER, Place, park_within};

/// See the module.
#[repr(C)]
pub(super) struct Bell {
    timer: Timer,
    setting: Mutex<()>,
    state: Mutex<State>,
}

struct State {
    /// When it rang, if nobody has received that.
    tick: Option<u64>,
    /// When it rings next; for one that rings again and again.
    next: u64,
    /// How long after that it rings again; 0 if it does not.
    period: u64,
    waiters: List,
}

/// One who waits. What is given to it is written before it is readied.
#[repr(C)]
struct Waiting {
    waiter: Waiter,
    tick: Cell<u64>,
}

/// Where one waits.
struct At<'a> {
    bell: &'a Bell,
    waiting: &'a Waiting,
}

// SAFETY: the waiter is touched with the list locked.
unsafe impl Sync for At<'_> {}

impl Place for At<'_> {
    fn retract(&self) -> bool {
        // SAFETY: it is in no other list.
        unsafe { self.bell.state().waiters.leave(&self.waiting.waiter) }
    }
}

impl Bell {
    /// One that does not ring. It stays where it is while it may ring.
    pub(super) fn new() -> Box<Bell> {
        let state = State { tick: None, next: NEVER, period: 0, waiters: List::new() };
        Box::new(Bell { timer: Timer::keeping(), setting: Mutex::new(()), state: Mutex::new(state) })
    }

    /// Makes it ring after `first`, and then after every `period` again unless that is zero. What it rang before is forgotten.
    /// Returns whether that was to come, or to be received.
    pub(super) fn set(&self, first: Duration, period: Duration) -> bool {
        let _setting = self.setting();
        let (mut was_set, when) = (self.timer.disarm(), clock::after(first));
        {
            let mut state = self.state();
            was_set |= state.tick.take().is_some();
            state.next = when;
            state.period = u64::try_from(period.as_nanos()).unwrap_or(NEVER);
        }
        // SAFETY: a bell is in a box, and is silenced before it goes; `fire` is made for bells; and we have the lock.
        unsafe { arm_here(&self.timer, when, fire) };
        was_set
    }

    /// Silences it. What it rang before is forgotten. Returns whether that was to come, or to be received.
    pub(super) fn stop(&self) -> bool {
        let _setting = self.setting();
        let was_set = self.timer.disarm();
        self.state().tick.take().is_some() || was_set
    }

    /// Receives a tick if there is one.
    pub(super) fn try_wait(&self) -> Option<Instant> {
        self.state().tick.take().map(clock::instant)
    }

    /// Waits for a tick.
    pub(super) fn wait(&self) -> Result<Instant, Error> {
        context::check()?;
        if let Some(tick) = self.try_wait() {
            sched::spend();
            return Ok(tick);
        }
        let gp = sched::waiter();
        let waiting = Waiting { waiter: Waiter::new(gp), tick: Cell::new(0) };
        {
            let mut state = self.state();
            if let Some(tick) = state.tick.take() {
                return Ok(clock::instant(tick));
            }
            // SAFETY: it is in no list, and its owner waits until it has been taken out.
            unsafe { state.waiters.push_back(&waiting.waiter) };
        }
        match park_within(gp, WaitReason::Tick, NEVER, &At { bell: self, waiting: &waiting }) {
            Ended::Readied => Ok(clock::instant(waiting.tick.get())),
            Ended::TimedOut | Ended::Cancelled => Err(context::why()),
        }
    }

    /// It is time: gives the tick to one who waits, or leaves it. Returns when it rings next.
    fn ring(&self, now: u64, due: &mut Due) -> Option<u64> {
        let mut state = self.state();
        match state.waiters.pop_while(sched::has_stopped) {
            Some(waiter) => {
                // SAFETY: every waiter of this list sits at the beginning of a `Waiting`, which is alive until it has been readied.
                let waiting = unsafe { waiter.cast::<Waiting>().as_ref() };
                waiting.tick.set(now);
                due.push(waiting.waiter.gp);
            }
            None => {
                state.tick.get_or_insert(now);
            }
        }
        if state.period == 0 {
            return None;
        }
        // In step with the times before, however late this one is.
        let missed = now.saturating_sub(state.next) / state.period;
        state.next = state.next.saturating_add(state.period.saturating_mul(missed + 1));
        Some(state.next)
    }

    fn setting(&self) -> MutexGuard<'_, ()> {
        // Nothing that panics runs under the lock.
        self.setting.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // As above.
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // Who waits borrows the bell, so nobody does.
        self.timer.disarm();
    }
}

/// # Safety
///
/// `timer` sits in a `Bell`, and is armed.
unsafe fn fire(timer: NonNull<Timer>, now: u64, due: &mut Due) -> Option<u64> {
    // SAFETY: the caller's word; who is armed is alive.
    unsafe { timer.byte_sub(offset_of!(Bell, timer)).cast::<Bell>().as_ref() }.ring(now, due)
}
