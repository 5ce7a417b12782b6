//! The lock of a [`Mutex`](super::Mutex), without what it guards.
//!
//! | bit | meaning | set by | cleared by |
//! |---|---|---|---|
//! | `LOCKED` | somebody has the lock | who takes it; it stays set while the lock is handed on | who gives it up |
//! | `WAITED` | the list is not empty | who is going to wait, with the list locked | who takes the last one out, with the list locked |
//! | `WOKEN` | somebody was woken, and has not tried yet | who gives the lock up and wakes | the woken one, when it has the lock or waits again |
//!
//! **Uncontended**, the word goes from 0 to `LOCKED` and back, by one exchange each.
//!
//! **Who finds it locked** waits in the [list](super::list). It goes there under the list's own lock, by an exchange that
//! sees `LOCKED` and sets `WAITED`: so whoever gives the lock up after that finds `WAITED`, takes the list's lock and finds
//! the waiter. The list's lock is held for a few instructions and never across a park.
//!
//! **Who gives it up** while others wait clears `LOCKED` and wakes the first; whoever comes first then takes the lock, and that
//! is as a rule not the woken one, but the one who runs already. To hand the lock to one who is not running yet would make
//! all wait for a switch at every turn. There is one woken waiter at a time (`WOKEN`), so that many short turns of
//! others do not wake many for nothing. No wake-up is lost by that: the woken one takes the lock, and wakes the next
//! when it gives it up, or finds `LOCKED` and waits again, by an exchange that clears `WOKEN`; and the holder that
//! it has seen comes by after that.
//!
//! **Nobody starves.** A woken one that comes too late waits again as the first. If it has waited for [`PATIENCE`], the lock
//! becomes fair: from then on it is handed from the holder to the first in the list, in order, with `LOCKED` set all the time,
//! so that nobody can overtake; until one is served that has waited for less than [`CONTENT`], or is the last. (Go's
//! mutex does so too, but stops being fair earlier.)
//!
//! That is enough where those who want the lock take turns in being the one who runs. In a crowd they do not: a thread that is not
//! interrupted takes ten thousand turns in the millisecond in which a hundred goroutines wait for their M, and then each of them
//! has one. So turns that are taken past waiters are counted, which costs nothing as long as nobody waits, and whoever has the lock counts alone. Past a
//! crowd ([`CROWD`]) no more than [`CREDIT`] are taken, be somebody awake or not; and the lock stays fair until every turn in order
//! has made up for [`PAID`] of them. So the least served has a fifth of the mean at least, however fast the machine is, and busy.
//! A few who wait need no such care, and threads that hand a lock on at each turn would be slowed down by a hundred times.
//!
//! A goroutine that locks again and again while others of its own M wait
//! would never let them run to lose their patience: so an attempt that is not a plain one counts as an operation of its
//! turn ([`sched::spend`]).
//!
//! **Orderings.** Taking the lock by an exchange is an Acquire and pairs with the Release of giving it up. Where it is
//! handed on, readying and parking order what was done before. All other accesses are ordered by the list's lock, or
//! decide nothing. The model is `tests/loom/mutex.rs`.
//!
//! **A wait that ends otherwise** (a deadline, a cancellation) locks the list. If the waiter is still
//! there, it takes itself out, and clears `WAITED` if it was the last. Else it has been taken out and will be readied: it
//! waits for that, and has the lock, or is the woken one and tries as always. So no hand-over is lost. One whose context has ended is
//! neither handed the lock nor woken to try (see [`list`](super::list)); and if that happens while it is the woken one, it does not try, but
//! wakes the next.
//!
//! **Who does not go on.** A goroutine whose runtime has stopped is taken out when its turn comes, and not
//! woken, for it would never try, nor give up what it was given. The runtime may stop right after that look. So who waits
//! leaves a [will](crate::sched::with_will): when its M leaves, it is taken out of the list; or, if it was given the lock, gives it up; or,
//! if it is the woken one, gives that up as if it had had the lock for a moment. Until its M leaves, which is after the
//! turn of the goroutine that runs there, others may wait for it. One that *has* the lock when its runtime stops keeps it.
//!
//! **The profile** of contention is told, by who gives the lock up and wakes another, how long that one had been in the list.
//!
//! # What was rejected
//!
//! * Handing over always, as [`Turn`](crate::netpoll::turn) does: a switch for every turn of a contended lock, and the convoy that
//!   follows from it.
//! * More credit, or longer rounds of credit and turns in order, so that a crowd is served faster. What is slow is a turn in order, by
//!   a switch; and how many of all turns these are is just the share that everybody is sure of, however long a round is.
//! * Reading the clock for every waiter when the lock is given up, as `parking_lot` does by chance. Those who wait know
//!   when they came, and look when they come too late.
//! * Queues by address in a table: a mutex of one byte, but one with many waiters holds up others that share its queue.
//! * Spinning where the holder may be a goroutine of the same M. Here one spins only if other Ms are there and nothing waits
//!   to run on this one, and not once others wait for the lock.

use std::hint::spin_loop;
use std::time::Duration;

use super::list::{Fate, List, Waiter};
use super::wait::{Limit, Queue, wait};
use crate::primitive::atomic::{
    AtomicU8, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::primitive::{MODELLED, Mutex, MutexGuard, constant};
use crate::profile;
use crate::sched::{self, Ended, WaitReason, clock};

const LOCKED: u8 = 1;
const WAITED: u8 = 2;
const WOKEN: u8 = 4;

/// How long one waits before the lock becomes fair, in nanoseconds. Some hundred times what a switch takes.
const PATIENCE: u64 = 1_000_000;

/// The lock remains fair until one is served that has waited for less than this. If it were as long as [`PATIENCE`], a lock
/// that a hundred want all the time would be fair for one round only, and then whoever runs would have it ten thousand times.
const CONTENT: u64 = PATIENCE / 10;

/// So many turns may be taken past a crowd of waiters before the lock becomes fair.
/// Under the model few: there is no time for more.
const CREDIT: u32 = if MODELLED { 2 } else { 1024 };

/// How many of those one turn in order makes up for.
const PAID: u32 = 4;

/// So many waiters are a crowd.
const CROWD: usize = if MODELLED { 1 } else { 16 };

/// How often one looks before one waits: about as long as parking and readying would take.
const SPINS: u32 = 100;

/// See the module.
pub(crate) struct Raw {
    word: AtomicU8,
    /// How many turns were taken past those who wait, and not made up for. Only for who has the lock.
    debt: AtomicU32,
    waiters: Mutex<Waiters>,
}

struct Waiters {
    list: List,
    /// The lock is handed on in order.
    is_fair: bool,
}

impl Raw {
    constant! {
        pub(crate) fn new() -> Raw {
            Raw { word: AtomicU8::new(0), debt: AtomicU32::new(0), waiters: Mutex::new(Waiters { list: List::new(), is_fair: false }) }
        }
    }

    /// Takes the lock. Parks the goroutine, or blocks the plain thread.
    #[inline]
    pub(crate) fn lock(&self) {
        // Acquire pairs with the Release in `unlock`, here and below.
        if self.word.compare_exchange(0, LOCKED, Acquire, Relaxed).is_err() {
            let _has_it = self.lock_slowly(Limit::NONE);
        }
    }

    /// Takes the lock, unless `limit` comes first: `Readied` if it is taken.
    pub(crate) fn lock_within(&self, limit: Limit) -> Ended {
        // Acquire pairs as in `lock`.
        match self.word.compare_exchange(0, LOCKED, Acquire, Relaxed) {
            Ok(_) => Ended::Readied,
            Err(_) => self.lock_slowly(limit),
        }
    }

    /// Takes the lock if nobody has it.
    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        let mut word = self.word.load(Relaxed);
        while word & LOCKED == 0 {
            match self.word.compare_exchange_weak(word, word | LOCKED, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Gives the lock up. Only for who has it.
    #[inline]
    pub(crate) fn unlock(&self) {
        // Release pairs with the Acquire of who takes it next, here and below.
        if self.word.compare_exchange(LOCKED, 0, Release, Relaxed).is_err() {
            self.unlock_slowly();
        }
    }

    #[cold]
    fn lock_slowly(&self, limit: Limit) -> Ended {
        sched::spend();
        if sched::may_spin() {
            self.spin();
        }
        let waiter = Waiter::new(sched::waiter(), limit.observes());
        // `WOKEN` once this is the woken one.
        let mut woken = 0;
        loop {
            let word = self.word.load(Relaxed);
            if word & LOCKED == 0 {
                if self.word.compare_exchange(word, (word & !woken) | LOCKED, Acquire, Relaxed).is_ok() {
                    return Ended::Readied;
                }
                continue;
            }
            if self.queue_up(&waiter, woken) {
                let ended = wait(self, &waiter, WaitReason::Mutex, limit);
                if ended != Ended::Readied || waiter.fate.get() == Fate::Given {
                    return ended;
                }
                woken = WOKEN;
                // Whatever is given up from now on is for the next.
                if limit.has_ended() {
                    self.give_up_the_try();
                    return Ended::Cancelled;
                }
            }
        }
    }

    /// Puts the waiter into the list; false if the word is no longer such that it had to wait.
    fn queue_up(&self, waiter: &Waiter, woken: u8) -> bool {
        let mut waiters = self.waiters();
        let word = self.word.load(Relaxed);
        let marked = (word & !woken) | WAITED;
        if word & LOCKED == 0 || self.word.compare_exchange(word, marked, Relaxed, Relaxed).is_err() {
            return false;
        }
        let now = clock::now();
        waiter.queued.set(now);
        waiter.fate.set(Fate::Waits);
        // SAFETY: the waiter is in no list, and its owner parks until it has been taken out.
        unsafe {
            if woken == 0 {
                waiter.since.set(now);
                waiters.list.push_back(waiter);
            } else {
                waiters.is_fair |= has_waited(waiter, now) >= PATIENCE;
                waiters.list.push_front(waiter);
            }
        }
        true
    }

    #[cold]
    fn unlock_slowly(&self) {
        // As long as the lock is ours, nobody but us sets `WOKEN`; and with the list locked, nobody else changes the word, but for
        // the woken one, if that gives its try up.
        let mut waiters = loop {
            let word = self.word.load(Relaxed);
            let debt = self.debt.load(Relaxed);
            if word & WAITED != 0 && (word & WOKEN == 0 || debt >= CREDIT) {
                let mut waiters = self.waiters();
                if debt >= CREDIT {
                    waiters.is_fair |= waiters.list.len() >= CROWD;
                    if !waiters.is_fair {
                        self.debt.store(0, Relaxed);
                    }
                }
                if waiters.is_fair || self.word.load(Relaxed) & WOKEN == 0 {
                    break waiters;
                }
                continue;
            }
            // Nobody waits, or somebody is awake already.
            if word & WAITED != 0 {
                self.debt.store(debt + 1, Relaxed);
            }
            if self.word.compare_exchange(word, word & !LOCKED, Release, Relaxed).is_ok() {
                return;
            }
        };
        // SAFETY: who waits is alive until it has been readied.
        let Some(waiter) = waiters.list.next().map(|first| unsafe { first.as_ref() }) else {
            waiters.is_fair = false;
            self.word.fetch_and(!(LOCKED | WAITED), Release);
            return;
        };
        let delay = profile::watches_contention().then(|| clock::now().saturating_sub(waiter.queued.get()));
        let (gp, rest) = (waiter.gp, if waiters.list.is_empty() { 0 } else { WAITED });
        if waiters.is_fair {
            waiter.fate.set(Fate::Given);
            let debt = self.debt.load(Relaxed).saturating_sub(PAID);
            let owes = debt > 0 && waiters.list.len() >= CROWD;
            self.debt.store(if owes { debt } else { 0 }, Relaxed);
            waiters.is_fair = rest != 0 && (owes || has_waited(waiter, clock::now()) >= CONTENT);
            self.word.fetch_and(!WAITED | rest, Relaxed);
        } else {
            waiter.fate.set(Fate::Woken);
            self.word.store(WOKEN | rest, Release);
        }
        drop(waiters);
        sched::ready(gp);
        if let Some(delay) = delay {
            profile::contended(Duration::from_nanos(delay));
        }
    }

    /// What the woken one does that does not try any more.
    #[cold]
    fn give_up_the_try(&self) {
        loop {
            let word = self.word.load(Relaxed);
            let taken = (word & !WOKEN) | LOCKED;
            if self.word.compare_exchange(word, taken, Acquire, Relaxed).is_ok() {
                // Whoever had it wakes the next, or it is ours for the moment.
                if word & LOCKED == 0 {
                    self.unlock();
                }
                return;
            }
        }
    }

    /// Waits a little for the lock to be given up, as long as nobody queues for it.
    fn spin(&self) {
        for _ in 0..SPINS {
            if self.word.load(Relaxed) != LOCKED {
                return;
            }
            spin_loop();
        }
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        // Nothing that panics runs under the lock.
        self.waiters.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Queue for Raw {
    fn retract(&self, waiter: &Waiter) -> bool {
        let mut waiters = self.waiters();
        // SAFETY: it waits here and nowhere else.
        let was_there = unsafe { waiters.list.leave(waiter) };
        if was_there && waiters.list.is_empty() {
            waiters.is_fair = false;
            // Relaxed: it tells nothing else, and what was released by the word before still is.
            self.word.fetch_and(!WAITED, Relaxed);
        }
        was_there
    }

    fn lose(&self, waiter: &Waiter) {
        if self.retract(waiter) {
            return;
        }
        match waiter.fate.get() {
            Fate::Given => self.unlock(),
            Fate::Woken => self.give_up_the_try(),
            Fate::Waits | Fate::Dismissed | Fate::PassedOver => {}
        }
    }
}

/// How long it has waited, in nanoseconds.
fn has_waited(waiter: &Waiter, now: u64) -> u64 {
    now.saturating_sub(waiter.since.get())
}
