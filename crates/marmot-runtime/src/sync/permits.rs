//! The permits of a [`Semaphore`](super::Semaphore), or the room in a [group](crate::group()), and who waits for them.
//!
//! The word has the number of free permits, and `WAITED` if the list is not empty. Without `WAITED`, permits are taken and given
//! back by one exchange. With it, the number changes only with the list locked.
//!
//! **In order.** Who finds too few, or others who wait, goes into the list, under its lock, by an exchange that sets `WAITED`. Whoever
//! gives permits back then locks the list, and hands them to the first as long as there are enough for it, and so on; what is left
//! is free, but nobody takes it past those who wait. So a waiter for many is not overtaken by others for few.
//!
//! **A wait that ends otherwise** may have kept others waiting who want less: they are served by the one that has waited, when it goes
//! on. One that does not go on, because its runtime has stopped, is passed over, and keeps nobody waiting who comes after that. Its
//! runtime may stop right after that look; so it leaves what it was handed to its [will](crate::sched::with_will).
//!
//! **Too many.** To add permits past [`MOST`] panics, but what is given back is never refused: if others were added meanwhile, there are
//! [`MOST`] free ones then, and the rest is gone. Nobody counts the permits that are lent, for that would be a second exchange.
//!
//! **Orderings.** To take is an Acquire, to give back is a Release; who hands permits over has acquired what came with them, and
//! readying and parking do the rest. The model is `tests/loom/semaphore.rs`.
//!
//! # What was rejected
//!
//! * To let who runs take permits before those who wait, as the mutex does. A permit is mostly held across I/O, so a switch is little
//!   beside it; and a limit on the work that is under way is expected to be served in order.

use super::list::{Fate, List, Taken, Waiter};
use super::wait::{Limit, Queue, wait};
use crate::primitive::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::primitive::{Mutex, MutexGuard, constant};
use crate::sched::{self, Ended, WaitReason};

const WAITED: usize = 1;
/// What one permit adds.
const PERMIT: usize = 2;

/// So many there can be.
pub(crate) const MOST: usize = usize::MAX >> 2;

/// See the module.
pub(crate) struct Permits {
    word: AtomicUsize,
    waiting: Mutex<List>,
}

impl Permits {
    constant! {
        pub(crate) fn new(permits: usize) -> Permits {
            assert!(permits <= MOST, "a semaphore cannot have so many permits");
            Permits { word: AtomicUsize::new(permits * PERMIT), waiting: Mutex::new(List::new()) }
        }
    }

    /// How many are free.
    pub(crate) fn free(&self) -> usize {
        self.word.load(Relaxed) / PERMIT
    }

    /// Takes `n`, if they are free and nobody waits.
    #[inline]
    pub(crate) fn try_take(&self, n: usize) -> bool {
        let mut word = self.word.load(Relaxed);
        while word & WAITED == 0 && word / PERMIT >= n {
            // Acquire pairs with the Release of who has given them back.
            match self.word.compare_exchange_weak(word, word - n * PERMIT, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Takes `n`, unless `limit` comes first: `Readied` if they are taken.
    #[inline]
    pub(crate) fn take(&self, n: usize, reason: WaitReason, limit: Limit) -> Ended {
        if self.try_take(n) { Ended::Readied } else { self.take_slowly(n, reason, limit) }
    }

    #[cold]
    fn take_slowly(&self, n: usize, reason: WaitReason, limit: Limit) -> Ended {
        sched::spend();
        let waiter = Waiter::wanting(sched::waiter(), n);
        if !self.queue_up(&waiter) {
            return Ended::Readied;
        }
        let ended = wait(self, &waiter, reason, limit);
        if ended != Ended::Readied {
            self.serve(0);
        }
        ended
    }

    /// Puts the waiter into the list; false if it need not wait, and has its permits.
    fn queue_up(&self, waiter: &Waiter) -> bool {
        let mut waiting = self.waiting();
        while waiting.first().is_some_and(has_stopped) {
            drop(waiting);
            self.serve(0);
            waiting = self.waiting();
        }
        loop {
            if self.try_take(waiter.wants) {
                return false;
            }
            let word = self.word.load(Relaxed);
            let has_to_wait = word & WAITED != 0 || word / PERMIT < waiter.wants;
            if has_to_wait && self.word.compare_exchange(word, word | WAITED, Relaxed, Relaxed).is_ok() {
                break;
            }
        }
        // SAFETY: it is in no list, and its owner parks until it has been taken out.
        unsafe { waiting.push_back(waiter) };
        true
    }

    /// Adds `n`, for good.
    ///
    /// # Panics
    ///
    /// If more than [`MOST`] were free then. Nothing has changed in that case.
    pub(crate) fn add(&self, n: usize) {
        self.serve_if(n, |free| {
            assert!(n <= MOST && free <= MOST - n, "a semaphore cannot have so many permits");
        });
    }

    /// Gives `n` back.
    #[inline]
    pub(crate) fn give(&self, n: usize) {
        let mut word = self.word.load(Relaxed);
        while word & WAITED == 0 {
            // Release pairs with the Acquire of who takes them.
            match self.word.compare_exchange_weak(word, sum(word, n), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        self.serve(n);
    }

    /// Adds `n`, and hands out what can be handed out.
    #[cold]
    fn serve(&self, n: usize) {
        self.serve_if(n, |_| {});
    }

    /// As [`serve`](Permits::serve). `check` sees how many were free, whenever they are about to become more, and may panic.
    fn serve_if(&self, n: usize, check: impl Fn(usize)) {
        let mut waiting = self.waiting();
        let mut taken = Taken::new();
        let mut word = self.word.load(Relaxed);
        loop {
            check(word / PERMIT);
            if word & WAITED != 0 {
                break;
            }
            // Nobody waits. Release as in `give`.
            match self.word.compare_exchange_weak(word, sum(word, n), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        // Acquire pairs with the Release of those who gave back what is handed on here. From here on the word is ours.
        let mut free = sum(self.word.load(Acquire), n) / PERMIT;
        while let Some(first) = waiting.first() {
            let (wants, is_passed_over) = (first.wants, has_stopped(first));
            if wants > free && !is_passed_over {
                break;
            }
            let first = waiting.pop_front().expect("it is the first");
            if !is_passed_over {
                free -= wants;
                // SAFETY: it was in the list until now, which is locked.
                unsafe { taken.push(first, Fate::Given) };
            }
        }
        let waited = if waiting.is_empty() { 0 } else { WAITED };
        // Release as in `give`.
        self.word.store((free * PERMIT) | waited, Release);
        drop(waiting);
        taken.ready();
    }

    /// Takes up to `n` out of those that are free, for good.
    pub(crate) fn remove(&self, n: usize) -> usize {
        let _waiting = self.waiting();
        let mut word = self.word.load(Relaxed);
        loop {
            let fewer = n.min(word / PERMIT);
            // Acquire as in `try_take`.
            match self.word.compare_exchange_weak(word, word - fewer * PERMIT, Acquire, Relaxed) {
                Ok(_) => return fewer,
                Err(now) => word = now,
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, List> {
        // What panics under the lock does so before it has changed anything.
        self.waiting.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Whether somebody who is in the list does not go on.
fn has_stopped(waiter: &Waiter) -> bool {
    sched::has_stopped(waiter.gp)
}

/// The word with `n` more permits, or with as many as there can be.
fn sum(word: usize, n: usize) -> usize {
    word + n.min(MOST - word / PERMIT) * PERMIT
}

impl Queue for Permits {
    fn retract(&self, waiter: &Waiter) -> bool {
        // SAFETY: it waits here and nowhere else. `WAITED` stays until somebody serves: the caller, or `lose`.
        unsafe { self.waiting().leave(waiter) }
    }

    fn lose(&self, waiter: &Waiter) {
        self.retract(waiter);
        self.serve(if waiter.fate.get() == Fate::Given { waiter.wants } else { 0 });
    }
}
