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
//! in the list again. One that was woken and does not go on, because its runtime has stopped, wakes the next by its
//! [will](crate::sched::with_will), as if it had tried in vain. The model is `tests/loom/monitors.rs`.

use super::list::{Fate, List, Waiter};
use super::wait::{Limit, Queue, wait};
use crate::primitive::{Mutex, MutexGuard};
use crate::sched::{self, Ended, WaitReason};

/// See the module.
pub(crate) struct Monitor<S> {
    inside: Mutex<Inside<S>>,
}

struct Inside<S> {
    state: S,
    waiters: List,
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
            let waiter = unsafe { waiter.as_ref() };
            waiter.fate.set(Fate::Woken);
            let gp = waiter.gp;
            drop(inside);
            sched::ready(gp);
            left -= 1;
            if left == 0 {
                return;
            }
            inside = self.lock();
        }
    }

    /// Waits until `attempt` returns something. It is called with the lock held, and each time that the state may have changed. None
    /// if something else has ended the wait, as `limit` allows.
    pub(crate) fn wait<R>(
        &self,
        reason: WaitReason,
        limit: Limit,
        mut attempt: impl FnMut(&mut S) -> Option<R>,
    ) -> Option<R> {
        if let Some(got) = self.look(&mut attempt) {
            return Some(got);
        }
        let waiter = Waiter::new(sched::waiter());
        loop {
            let mut inside = self.lock();
            if let Some(got) = attempt(&mut inside.state) {
                return Some(got);
            }
            // SAFETY: the waiter is in no list, and its owner parks here until it has been taken out.
            unsafe {
                match waiter.fate.replace(Fate::Waits) {
                    Fate::Woken => inside.waiters.push_front(&waiter),
                    _ => inside.waiters.push_back(&waiter),
                }
            }
            drop(inside);
            if wait(self, &waiter, reason, limit) != Ended::Readied {
                return None;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside<S>> {
        // Nothing that panics runs under the lock.
        self.inside.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl<S: Send> Queue for Monitor<S> {
    fn retract(&self, waiter: &Waiter) -> bool {
        // SAFETY: it is in this list or in none.
        unsafe { self.lock().waiters.leave(waiter) }
    }

    fn lose(&self, waiter: &Waiter) {
        if !self.retract(waiter) && waiter.fate.get() == Fate::Woken {
            self.change(|_| 1);
        }
    }
}
