//! Who sleeps, who is looking for work, and how a wake-up is never lost.
//!
//! An M with nothing to do sleeps in its own poller. Two kinds of news can wake it:
//!
//! * **for this M**: something was pushed to its inbox; only it can serve that. The pusher calls [`Sleeper::wake`].
//! * **for any M**: an unstarted goroutine was queued. The submitter calls [`Idle::claim`], which picks one
//!   sleeping M, unless some M is *spinning*, that is, awake and looking for work already.
//!
//! ## The protocol
//!
//! Both directions are Dekker's: each side writes its own word, passes a `SeqCst` fence, and reads the
//! other's. At least one of them sees the other.
//!
//! | submitter | sleeper |
//! |---|---|
//! | 1. push to a queue | 1. stop spinning; say "asleep": [`Sleeper::prepare`], [`Idle::enter`] |
//! | 2. fence | 2. fence (in `enter`) |
//! | 3. read "asleep" and "spinning"; wake one | 3. look at every queue once more; if one has work, stay awake |
//!
//! If the submitter's read at 3 comes before the sleeper's write at 1 in the order of the fences, the sleeper's
//! look at 3 sees the push. Otherwise the submitter sees a sleeper and wakes it. A submitter that wakes nobody
//! because another M spins relies on that M: it stops spinning *before* its last look (step 1), so the same
//! argument covers it. An M that stops spinning because it found work wakes the next one
//! ([`Idle::stop_spinning`] says when), so that a burst of work wakes as many Ms as it needs, one by one.
//!
//! ## States of [`Sleeper`]
//!
//! | state | meaning | who leaves it |
//! |---|---|---|
//! | `AWAKE` | runs goroutines, or looks for one | its M, to `ASLEEP` |
//! | `ASLEEP` | in the poller, or about to be | its M, to `AWAKE`; a waker, to `WOKEN` |
//! | `WOKEN` | a waker has rung, or is about to ring, the poller | its M, to `AWAKE` |
//!
//! Only the waker that moves `ASLEEP` to `WOKEN` rings: a thousand wake-ups of a sleeping M cost one system
//! call, and those of an M that is awake none.
//!
//! Rejected: one lock around the list of sleepers (every hand-over of a connection would take it); waking an M at
//! every submission (Go's essay at the head of `proc.go` says why that thrashes).

use crossbeam_utils::CachePadded;

use crate::primitive::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, SeqCst},
    fence,
};

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;
const WOKEN: u32 = 2;

/// Whether one M sleeps in its poller.
pub(crate) struct Sleeper {
    state: CachePadded<AtomicU32>,
}

impl Sleeper {
    pub(crate) fn new() -> Self {
        Sleeper { state: CachePadded::new(AtomicU32::new(AWAKE)) }
    }

    /// Says "asleep", for [`Idle::enter`] to publish. The M looks at its inbox once more after that, and then
    /// either polls or calls [`Sleeper::finish`] at once.
    pub(crate) fn prepare(&self) {
        self.state.store(ASLEEP, Relaxed);
    }

    /// Says "awake" again.
    pub(crate) fn finish(&self) {
        // Relaxed: what the waker pushed is read from the queue with its own ordering.
        self.state.store(AWAKE, Relaxed);
    }

    /// Whether the M said last that it is awake.
    pub(crate) fn is_awake(&self) -> bool {
        self.state.load(Relaxed) == AWAKE
    }

    /// To be called after pushing to this M's inbox: true if the caller must ring the M's poller.
    #[must_use = "the M sleeps on unless its poller is rung"]
    pub(crate) fn wake(&self) -> bool {
        // Pairs with the fence in `Idle::enter`, which follows `prepare`.
        fence(SeqCst);
        self.state.load(Relaxed) == ASLEEP && self.state.compare_exchange(ASLEEP, WOKEN, Relaxed, Relaxed).is_ok()
    }
}

/// The set of sleeping Ms, and the number of those that look for work.
pub(crate) struct Idle {
    spinning: CachePadded<AtomicUsize>,
    /// One bit an M: set while it sleeps and nobody has claimed it.
    asleep: Box<[AtomicU64]>,
}

impl Idle {
    /// For `n` Ms, all of them awake.
    pub(crate) fn new(n: usize) -> Self {
        Idle {
            spinning: CachePadded::new(AtomicUsize::new(0)),
            asleep: (0..n.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Says that M `i` sleeps and may be claimed. It looks at every queue afterwards.
    pub(crate) fn enter(&self, i: usize) {
        // AcqRel: pairs with the claimer's, so that a claim is seen by `leave`.
        self.asleep[i / 64].fetch_or(1 << (i % 64), AcqRel);
        // Pairs with the fences in `claim`, in `claim_one` and in `Sleeper::wake`.
        fence(SeqCst);
    }

    /// Says that M `i` is awake. True if somebody claimed it: it counts as spinning now.
    #[must_use = "a claimed M counts as spinning"]
    pub(crate) fn leave(&self, i: usize) -> bool {
        let bit = 1 << (i % 64);
        // Acquire pairs with the claimer's Release.
        self.asleep[i / 64].fetch_and(!bit, AcqRel) & bit == 0
    }

    /// To be called after queueing work that any M can do: the M to wake, if one is needed. It counts as
    /// spinning from now on; the caller wakes it with [`Sleeper::wake`].
    #[must_use = "the claimed M sleeps on unless it is woken"]
    pub(crate) fn claim(&self) -> Option<usize> {
        loop {
            // Pairs with the fence in `enter`.
            fence(SeqCst);
            if self.spinning.load(Relaxed) != 0
                || self.first_asleep().is_none()
                || self.spinning.compare_exchange(0, 1, AcqRel, Relaxed).is_err()
            {
                return None;
            }
            while let Some((w, bit)) = self.first_asleep() {
                // AcqRel: pairs with `leave`.
                if self.asleep[w].fetch_and(!bit, AcqRel) & bit != 0 {
                    return Some(w * 64 + bit.trailing_zeros() as usize);
                }
            }
            // Those who slept have woken by themselves. Meanwhile another submitter may have relied on the
            // spinner that we announced, and an M may have gone to sleep before that one's push: look again.
            self.spinning.fetch_sub(1, AcqRel);
        }
    }

    /// Like [`Idle::claim`], for work that M `i` should do: claims that M if it sleeps. If it is awake,
    /// nobody need be woken, because an M looks at its queues before it sleeps.
    #[must_use = "the claimed M sleeps on unless it is woken"]
    pub(crate) fn claim_one(&self, i: usize) -> Option<usize> {
        let bit = 1 << (i % 64);
        // Pairs with the fence in `enter`.
        fence(SeqCst);
        if self.asleep[i / 64].load(Relaxed) & bit == 0 {
            return None;
        }
        self.spinning.fetch_add(1, AcqRel);
        if self.asleep[i / 64].fetch_and(!bit, AcqRel) & bit != 0 {
            return Some(i);
        }
        // As in `claim`: somebody may have relied on the spinner that never was.
        self.spinning.fetch_sub(1, AcqRel);
        self.claim()
    }

    /// Stops being a spinner. True if this was the last one: if it stops because it found work, it has
    /// to [`claim`](Idle::claim) another M, and if it found none, it has to look once more.
    pub(crate) fn stop_spinning(&self) -> bool {
        // No fence here: the one in `enter` follows, or the one in `claim`.
        self.spinning.fetch_sub(1, AcqRel) == 1
    }

    /// The word and the bit of the first M that sleeps unclaimed.
    fn first_asleep(&self) -> Option<(usize, u64)> {
        let words = self.asleep.iter().map(|w| w.load(Acquire));
        words.enumerate().find_map(|(i, w)| (w != 0).then_some((i, w & w.wrapping_neg())))
    }
}
