//! Whether a tick is to come: what those who put objects in and the tick tell each other.
//!
//! A pool that keeps something **ages** ([`Aging`]), and while one does a tick is **due** ([`Due`]). Two things must not
//! happen: that something is kept and no tick comes, or that ticks come for ever where nothing is kept. Models show both.
//!
//! | | the flag of a pool, [`Aging`] | the time of the next tick, [`Due`] |
//! |---|---|---|
//! | a put that finds the flag false | sets it | asks for a tick, if none is due or the one that is has been lost |
//! | a tick | clears it, then looks whether something is kept, and sets it again | after all pools: forgets the time; asks if a pool ages |
//!
//! Putter and tick each write their own word and then read the other's, with a fence in between: one of them sees the other.
//!
//! A tick that comes while another one runs does nothing, and its timer is used up. The one that runs asks at its end whatever
//! others have asked for meanwhile, so that does no harm.

use std::time::Duration;

use super::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
    fence,
};

/// The time between two ticks. What is not used for two of them is dropped: what a burst needed is given back 5 to 10
/// seconds after it, and what is used at least every 5 seconds stays.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// When a tick is overdue by so much, its timer is lost, and whoever notices takes over.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

fn nanos(time: Duration) -> u64 {
    time.as_nanos() as u64
}

/// When the next tick is due, and whether one is under way.
pub(super) struct Due {
    /// In nanoseconds of whatever clock; 0 if none is due.
    pub(super) at: AtomicU64,
    pub(super) is_ticking: AtomicBool,
}

impl Due {
    /// Whether a tick is due since more than `patience`.
    pub(super) fn is_overdue(&self, now: u64, patience: Duration) -> bool {
        let at = self.at.load(Relaxed);
        at != 0 && now > at + nanos(patience)
    }

    /// Asks for a tick, for a pool that has begun to age: `arm` arms the timer, if it is this call's to do.
    pub(super) fn ask(&self, now: u64, arm: impl FnOnce()) {
        // SeqCst: pairs with the fence in `tick`. Either that finds the pool, or this sees that no tick is due.
        fence(SeqCst);
        // Acquire pairs with the Release in `tick`: if its time is forgotten, its end is seen, too.
        let at = self.at.load(Acquire);
        if at == 0 || now > at + nanos(PATIENCE) {
            self.ask_after(at, now, arm);
        }
    }

    /// Asks for a tick, unless somebody else has since the next one was due `at`.
    fn ask_after(&self, at: u64, now: u64, arm: impl FnOnce()) {
        if self.at.compare_exchange(at, now + nanos(INTERVAL), AcqRel, Relaxed).is_ok() {
            arm();
        }
    }

    /// A tick: `age` lets all pools age, and `wants_another` says afterwards whether one of them [wants](Aging::wants_a_tick)
    /// another. Nothing, if one is under way.
    pub(super) fn tick(
        &self,
        now: impl Fn() -> u64,
        age: impl FnOnce(),
        wants_another: impl FnOnce() -> bool,
        arm: impl FnOnce(),
    ) {
        // Acquire and Release pair with each other.
        if self.is_ticking.compare_exchange(false, true, Acquire, Relaxed).is_err() {
            return;
        }
        let ticking = Ticking(self);
        age();
        // Before the time is forgotten: what others ask for from then on is not used up by a tick that does nothing.
        drop(ticking);
        // Whoever asked since this began may have had a tick for it that did nothing, so it is asked for anew.
        // Release pairs with the Acquire in `ask`. Exchanged, which is more than is needed, so that loom takes it in.
        self.at.swap(0, AcqRel);
        // SeqCst: pairs with the fence in `ask`.
        fence(SeqCst);
        if wants_another() {
            self.ask_after(0, now(), arm);
        }
    }
}

/// That a tick is under way, also until it panics: then it stays overdue, and the next one comes when somebody looks.
struct Ticking<'a>(&'a Due);

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        // Release pairs with the Acquire in `tick`.
        self.0.is_ticking.store(false, Release);
    }
}

/// Whether a pool ages.
pub(super) struct Aging {
    /// Whether a tick is to come to this pool, as far as those know who put something in.
    is_aging: AtomicBool,
    /// Whether the last tick was the first to find nothing. Only ticks write it.
    was_empty: AtomicBool,
}

impl Aging {
    pub(super) fn new() -> Self {
        Aging { is_aging: AtomicBool::new(false), was_empty: AtomicBool::new(false) }
    }

    /// Notes that something was put in. Whether the caller is to [ask](Due::ask) for a tick.
    #[inline]
    pub(super) fn begins(&self) -> bool {
        !self.is_aging.load(Relaxed) && self.begin()
    }

    #[cold]
    fn begin(&self) -> bool {
        // Release pairs with the Acquire in `turn`, which sees what was put in.
        !self.is_aging.swap(true, AcqRel)
    }

    /// Whether a tick is to come to this pool.
    pub(super) fn wants_a_tick(&self) -> bool {
        self.is_aging.load(Relaxed) || self.was_empty.load(Relaxed)
    }

    /// A tick comes to this pool, whose generations `turn` changes, and of which `is_empty` then says whether it keeps nothing.
    /// Called by one at a time.
    pub(super) fn turn(&self, turn: impl FnOnce(), is_empty: impl FnOnce() -> bool) {
        let had_been_empty = self.was_empty.load(Relaxed);
        if !had_been_empty && !self.is_aging.load(Relaxed) {
            return;
        }
        turn();
        // Before the look, so that whoever puts something in from now on asks for a tick itself, and that is not undone below.
        // Acquire pairs with the Release in `begin`.
        self.is_aging.swap(false, AcqRel);
        let is_empty = is_empty();
        if !is_empty {
            self.is_aging.store(true, Relaxed);
        }
        // A put that read `is_aging` just before it became false may have put its object where this did not see it yet: no
        // fence orders the two there. So an empty pool is looked at once more, seconds later, when it is seen.
        self.was_empty.store(is_empty && !had_been_empty, Relaxed);
    }
}
