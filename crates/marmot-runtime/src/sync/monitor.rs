//! A state under a lock, and those who wait for it to change: what is rare and small waits by this, and needs no protocol of its
//! own.
//!
//! **Who waits** looks at the state with the lock held, and if that will not do, goes into the [list](super::list) before giving
//! the lock up. **Who changes the state** does so with the lock held, says how many that may serve, and takes so many waiters out,
//! to ready each without the lock. So a waiter has either seen the change or is found in the list.
//!
//! **A woken one tries again**, and may find that somebody else was faster; it waits again then, as the first. No wake-up is lost
//! by that, if each change wakes as many as it makes room for, and each try takes room for one. For then there is never more room
//! than there are woken ones that have not tried yet, or the list is empty: a change adds as much to both; a try that succeeds takes
//! one from the room, and one at most from the woken; and a try that fails has seen that there is no room.
//!
//! **A wait that the context ends** takes itself out of the list with the lock held. If it is no longer there, it was woken, and it
//! tries: so a waiter leaves from the list, where it owes nobody anything, or with what it has waited for, or tries in vain and is
//! in the list again. The model is `tests/loom/monitors.rs`.
//!
//! A goroutine whose runtime has stopped is passed over. One that was woken right before that never tries: so the room for which it
//! was woken is found by whoever comes next, but by none that is in the list. Where other runtimes wait too, the state has to be
//! such that a change wakes all.

use super::list::{List, Waiter};
use crate::primitive::{Mutex, MutexGuard};
use crate::sched::{self, WaitReason};
use crate::timer::limit::{self, Ended, NEVER, Place};

/// See the module.
pub(crate) struct Monitor<S> {
    inside: Mutex<Inside<S>>,
}

struct Inside<S> {
    state: S,
    waiters: List,
}

/// The caller's context has ended, and with it the wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// Whether the caller's context ends a wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    Changed,
    ChangedOrCancelled,
}

impl<S: Send> Monitor<S> {
    pub(crate) fn new(state: S) -> Monitor<S> {
        Monitor { inside: Mutex::new(Inside { state, waiters: List::new() }) }
    }

    /// What `look` finds, which is called with the lock held: it must be short and must not panic.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&mut S) -> R) -> R {
        look(&mut self.lock().state)
    }

    /// Changes the state, and wakes as many as `change` returns. It is called with the lock held.
    pub(crate) fn change(&self, change: impl FnOnce(&mut S) -> usize) {
        let mut inside = self.lock();
        let mut left = change(&mut inside.state);
        while left > 0
            && let Some(waiter) = inside.waiters.pop_while(sched::has_stopped)
        {
            // SAFETY: who waits is alive until it has been readied.
            let gp = unsafe { waiter.as_ref() }.gp;
            drop(inside);
            sched::ready(gp);
            left -= 1;
            if left == 0 {
                return;
            }
            inside = self.lock();
        }
    }

    /// Waits until `attempt` returns something. It is called with the lock held, and each time that the state may have changed.
    pub(crate) fn wait<R>(
        &self,
        reason: WaitReason,
        until: Until,
        mut attempt: impl FnMut(&mut S) -> Option<R>,
    ) -> Result<R, Cancelled> {
        if let Some(got) = self.look(&mut attempt) {
            return Ok(got);
        }
        let waiter = Waiter::new(sched::waiter());
        let mut was_woken = false;
        loop {
            let mut inside = self.lock();
            if let Some(got) = attempt(&mut inside.state) {
                return Ok(got);
            }
            // SAFETY: the waiter is in no list, and its owner parks here until it has been taken out.
            unsafe {
                match was_woken {
                    true => inside.waiters.push_front(&waiter),
                    false => inside.waiters.push_back(&waiter),
                }
            }
            drop(inside);
            match until {
                Until::Changed => sched::park(waiter.gp, reason),
                Until::ChangedOrCancelled => {
                    let place = Listed { monitor: self, waiter: &waiter };
                    if limit::park_within(waiter.gp, reason, NEVER, &place) != Ended::Readied {
                        return Err(Cancelled);
                    }
                }
            }
            was_woken = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside<S>> {
        // Nothing that panics runs under the lock.
        self.inside.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A waiter in the list.
struct Listed<'a, S> {
    monitor: &'a Monitor<S>,
    waiter: &'a Waiter,
}

// SAFETY: the waiter is touched with the lock held only, while its owner is parked.
unsafe impl<S: Send> Sync for Listed<'_, S> {}

impl<S: Send> Place for Listed<'_, S> {
    fn retract(&self) -> bool {
        // SAFETY: it is in this list or in none.
        unsafe { self.monitor.lock().waiters.leave(self.waiter) }
    }
}
