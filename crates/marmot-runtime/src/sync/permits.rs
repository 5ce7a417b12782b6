//! The permits of a [`Semaphore`](super::Semaphore), or the room in a [group](crate::group()), and who waits for them.
//!
//! The word has the number of free permits, and `WAITED` if the list is not empty. Without `WAITED`, permits are taken and given
//! back by one exchange. With it, the number changes only with the list locked.
//!
//! **In order.** Who finds too few, or others who wait, goes into the list, under its lock, by an exchange that sets `WAITED`. Whoever
//! gives permits back then locks the list, and hands them to the first as long as there are enough for it, and so on; what is left
//! is free, but nobody takes it past those who wait. So a waiter for many is not overtaken by others for few.
//!
//! **More than there are.** Who wants more than there ever were at a time, free and lent, cannot be served before some are added. It waits
//! apart, in a list of its own, and nobody waits for it; when there are enough, it goes behind those who wait by then. What counts is not how
//! many there are now: where permits are forgotten, and others added by the tick, that is less for a while, and a waiter for many
//! would be overtaken by others for few.
//!
//! **A wait that ends otherwise** may have kept others waiting who want less: they are served by the one that has waited, when it goes
//! on, or by whoever comes before that. One that is still in the list though its context has ended, or its runtime has stopped, is
//! passed over, and keeps nobody waiting. Its runtime may stop right after that look; so it leaves what it was handed to its
//! [will](crate::sched::with_will).
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
//! * To keep who wants more than there are now, and not ever, apart. That is Go's rule, whose semaphores do not grow or shrink.

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
    waiting: Mutex<Waiting>,
}

struct Waiting {
    list: List,
    /// Those that want more than `most`.
    apart: List,
    /// How many there are, free and lent; and how many there ever were at a time.
    total: usize,
    most: usize,
}

impl Permits {
    constant! {
        pub(crate) fn new(permits: usize) -> Permits {
            assert!(permits <= MOST, "a semaphore cannot have so many permits");
            let waiting = Waiting { list: List::new(), apart: List::new(), total: permits, most: permits };
            Permits { word: AtomicUsize::new(permits * PERMIT), waiting: Mutex::new(waiting) }
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
        let waiter = Waiter::wanting(sched::waiter(), limit.observes(), n);
        if !self.queue_up(&waiter) {
            return Ended::Readied;
        }
        let ended = wait(self, &waiter, reason, limit);
        if ended != Ended::Readied {
            self.serve(0);
        }
        ended
    }

    /// Puts the waiter into a list; false if it need not wait, and has its permits.
    fn queue_up(&self, waiter: &Waiter) -> bool {
        let mut waiting = self.waiting();
        // The first may have gone, or not go on, and nobody has served the others since.
        let taken = self.hand_out(&mut waiting, 0);
        let has_to_wait = waiter.wants > waiting.most || !self.take_or_mark(waiter.wants);
        if has_to_wait {
            // SAFETY: it is in no list, and its owner parks until it has been taken out.
            unsafe { waiting.list_of(waiter).push_back(waiter) };
        }
        drop(waiting);
        taken.ready();
        has_to_wait
    }

    /// Takes `n`; if they are not free, or others wait, sets `WAITED`. For who has the list.
    fn take_or_mark(&self, n: usize) -> bool {
        loop {
            if self.try_take(n) {
                return true;
            }
            let word = self.word.load(Relaxed);
            let has_to_wait = word & WAITED != 0 || word / PERMIT < n;
            if has_to_wait && self.word.compare_exchange(word, word | WAITED, Relaxed, Relaxed).is_ok() {
                return false;
            }
        }
    }

    /// Adds `n`, for good.
    ///
    /// # Panics
    ///
    /// If more than [`MOST`] were free then. Nothing has changed in that case.
    pub(crate) fn add(&self, n: usize) {
        let mut waiting = self.waiting();
        let mut word = self.word.load(Relaxed);
        loop {
            assert!(n <= MOST && word / PERMIT <= MOST - n, "a semaphore cannot have so many permits");
            // Release as in `give`.
            match self.word.compare_exchange_weak(word, sum(word, n), Release, Relaxed) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        waiting.total = MOST.min(waiting.total + n);
        waiting.most = waiting.most.max(waiting.total);
        if waiting.line_up() {
            self.word.fetch_or(WAITED, Relaxed);
        }
        let taken = self.hand_out(&mut waiting, 0);
        drop(waiting);
        taken.ready();
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
        let mut waiting = self.waiting();
        let mut word = self.word.load(Relaxed);
        while word & WAITED == 0 {
            // Nobody waits. Release as in `give`.
            match self.word.compare_exchange_weak(word, sum(word, n), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        debug_assert!(!waiting.list.is_empty(), "`WAITED` is set");
        let taken = self.hand_out(&mut waiting, n);
        drop(waiting);
        taken.ready();
    }

    /// Adds `n`, if anybody waits in order, and hands out what can be handed out.
    fn hand_out(&self, waiting: &mut Waiting, n: usize) -> Taken {
        let mut taken = Taken::new();
        if waiting.list.is_empty() {
            return taken;
        }
        // Acquire pairs with the Release of those who gave back what is handed on here. As long as `WAITED` is set, the word is ours.
        let mut free = sum(self.word.load(Acquire), n) / PERMIT;
        while let Some(wants) =
            waiting.list.first_that_goes_on().map(|first| first.wants).filter(|wants| *wants <= free)
        {
            free -= wants;
            let first = waiting.list.pop_front().expect("it is the first");
            // SAFETY: it was in the list until now, which is locked.
            unsafe { taken.push(first, Fate::Given) };
        }
        let waited = if waiting.list.is_empty() { 0 } else { WAITED };
        // Release as in `give`.
        self.word.store((free * PERMIT) | waited, Release);
        taken
    }

    /// Takes up to `n` out of those that are free, for good.
    pub(crate) fn remove(&self, n: usize) -> usize {
        let mut waiting = self.waiting();
        let mut word = self.word.load(Relaxed);
        let fewer = loop {
            let fewer = n.min(word / PERMIT);
            // Acquire as in `try_take`.
            match self.word.compare_exchange_weak(word, word - fewer * PERMIT, Acquire, Relaxed) {
                Ok(_) => break fewer,
                Err(now) => word = now,
            }
        };
        waiting.total = waiting.total.saturating_sub(fewer);
        fewer
    }

    /// `n` that are lent do not come back.
    pub(crate) fn forget(&self, n: usize) {
        let mut waiting = self.waiting();
        waiting.total = waiting.total.saturating_sub(n);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // What panics under the lock does so before it has changed anything.
        self.waiting.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Waiting {
    /// Where `waiter` waits, if it does.
    fn list_of(&mut self, waiter: &Waiter) -> &mut List {
        if waiter.wants > self.most { &mut self.apart } else { &mut self.list }
    }

    /// Puts those behind the others that want no more than `most` by now; whether there were any.
    fn line_up(&mut self) -> bool {
        let mut still_apart = List::new();
        let mut moves = false;
        while let Some(waiter) = self.apart.pop_front() {
            // SAFETY: it was in a list until now, which is locked, and is alive until it is readied.
            unsafe {
                let waiter = waiter.as_ref();
                let fits = waiter.wants <= self.most;
                moves |= fits;
                if fits { &mut self.list } else { &mut still_apart }.push_back(waiter);
            }
        }
        self.apart = still_apart;
        moves
    }
}

/// The word with `n` more permits, or with as many as there can be.
fn sum(word: usize, n: usize) -> usize {
    word + n.min(MOST - word / PERMIT) * PERMIT
}

impl Queue for Permits {
    fn retract(&self, waiter: &Waiter) -> bool {
        let mut waiting = self.waiting();
        // SAFETY: it waits here and nowhere else.
        let was_there = unsafe { waiting.list_of(waiter).leave(waiter) };
        if was_there && waiting.list.is_empty() {
            // Relaxed: it tells nothing else, and what was released by the word before still is.
            self.word.fetch_and(!WAITED, Relaxed);
        }
        was_there
    }

    fn lose(&self, waiter: &Waiter) {
        self.retract(waiter);
        self.serve(if waiter.fate.get() == Fate::Given { waiter.wants } else { 0 });
    }
}
