//! What a [`Condvar`](super::Condvar) is without the mutex: those who wait, and how they are notified.
//!
//! Who waits comes into the list while it has the mutex. So whoever changes what it waits for, under the mutex, and notifies
//! after that, finds it there: the flag that says whether somebody is there was set before the mutex was given up, and the mutex
//! orders it. Without waiters, to notify is one load.
//!
//! **No notification is lost.** Who notifies takes a waiter out of the list and readies it, and that one was notified, whatever
//! else may end its wait a moment later. A wait that is ended otherwise takes the waiter out first, so that a notification that
//! comes after goes to the next. One that was notified and does not go on, because its runtime has stopped, leaves
//! the notification to the next, by its [will](crate::sched::with_will). The model is `tests/loom/condvar.rs`.

use super::list::{Fate, List, Waiter};
use super::wait::Queue;
use crate::primitive::atomic::{AtomicBool, Ordering::Relaxed};
use crate::primitive::{Mutex, MutexGuard, constant};
use crate::sched;

/// See the module.
pub(crate) struct Signal {
    /// Somebody is in the list. It is written with the list locked.
    is_waited: AtomicBool,
    waiting: Mutex<List>,
}

impl Signal {
    constant! {
        pub(crate) fn new() -> Signal {
            Signal { is_waited: AtomicBool::new(false), waiting: Mutex::new(List::new()) }
        }
    }

    /// Puts `waiter` behind the others.
    ///
    /// # Safety
    ///
    /// It is in no list, and stays where it is until it has been taken out.
    pub(crate) unsafe fn enter(&self, waiter: &Waiter) {
        let mut waiting = self.waiting();
        // SAFETY: the caller's word.
        unsafe { waiting.push_back(waiter) };
        self.is_waited.store(true, Relaxed);
    }

    /// Readies the first.
    #[inline]
    pub(crate) fn notify_one(&self) {
        // Relaxed, here and below: see the module.
        if self.is_waited.load(Relaxed) {
            self.notify_first();
        }
    }

    /// Readies all who wait now.
    #[inline]
    pub(crate) fn notify_all(&self) {
        if self.is_waited.load(Relaxed) {
            self.notify_them();
        }
    }

    #[cold]
    fn notify_first(&self) {
        let mut waiting = self.waiting();
        let first = waiting.next();
        self.is_waited.store(!waiting.is_empty(), Relaxed);
        // SAFETY: who waits is alive until it has been readied.
        let gp = first.map(|first| unsafe { first.as_ref() }).map(|first| {
            first.fate.set(Fate::Woken);
            first.gp
        });
        drop(waiting);
        if let Some(gp) = gp {
            sched::ready(gp);
        }
    }

    #[cold]
    fn notify_them(&self) {
        let mut waiting = self.waiting();
        let taken = waiting.take_all(Fate::Woken);
        self.is_waited.store(false, Relaxed);
        drop(waiting);
        taken.ready();
    }

    fn waiting(&self) -> MutexGuard<'_, List> {
        // Nothing that panics runs under the lock.
        self.waiting.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Queue for Signal {
    fn retract(&self, waiter: &Waiter) -> bool {
        let mut waiting = self.waiting();
        // SAFETY: it waits here and nowhere else.
        let was_there = unsafe { waiting.leave(waiter) };
        self.is_waited.store(!waiting.is_empty(), Relaxed);
        was_there
    }

    fn lose(&self, waiter: &Waiter) {
        if !self.retract(waiter) && waiter.fate.get() == Fate::Woken {
            self.notify_one();
        }
    }
}
