//! One wait for something that is handed out from a list, whatever ends it.
//!
//! | it ends by | who takes the waiter out | what the caller does |
//! |---|---|---|
//! | who has what is waited for | that one, who says what becomes of it ([`Fate`](super::list::Fate)) | goes on with it |
//! | the time, or the context | [`Queue::retract`] | goes on without it |
//! | its runtime's stop: the caller never goes on | [`Queue::lose`] | – |
//!
//! All three lock the list, and so one of them finds the waiter there. Where the end of a wait that was retracted concerns others, it
//! is the caller that sees to it, or, if that one does not go on, `lose`.
//!
//! The end of the context comes to a goroutine some time after whoever ended it has gone on; in between, nothing is given to it (see
//! [`list`](super::list)).

use super::list::Waiter;
use crate::context;
use crate::sched::{self, Bequest, WaitReason, with_will, within};
use crate::timer::limit::{Ended, NEVER, Place, park_within, park_within_time};

/// What may end a wait before it has what it waits for.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    until: u64,
    observes: bool,
}

impl Limit {
    /// Nothing.
    pub(crate) const NONE: Limit = Limit { until: NEVER, observes: false };

    /// The end of the caller's context.
    pub(crate) const CONTEXT: Limit = Limit { until: NEVER, observes: true };

    /// A time, and nothing else.
    pub(crate) fn time(until: u64) -> Limit {
        Limit { until, observes: false }
    }

    /// The same, or the end of the caller's context.
    pub(crate) fn or_context(self) -> Limit {
        Limit { observes: true, ..self }
    }

    /// Whether the end of the caller's context counts.
    #[inline]
    pub(crate) fn observes(self) -> bool {
        self.observes
    }

    /// Whether the caller's context has ended, if that counts. Unlike [`check`](Limit::check), it never lets others run.
    pub(crate) fn has_ended(self) -> bool {
        self.observes && within::own_has_ended()
    }

    /// Whether the caller's context has ended, if that counts.
    ///
    /// # Errors
    ///
    /// If it has: why.
    pub(crate) fn check(self) -> Result<(), context::Error> {
        if self.observes { context::check_to_wait() } else { Ok(()) }
    }
}

/// Why a wait was ended by the context or, if that counts as its end, by the time.
pub(crate) fn why(ended: Ended) -> context::Error {
    match (ended, context::ended()) {
        (Ended::Cancelled, Err(error)) => error,
        (Ended::Cancelled, Ok(())) => context::Error::cancelled(None),
        _ => context::Error::deadline(None),
    }
}

/// A list of those who wait, with its lock.
pub(crate) trait Queue: Sync {
    /// Takes `waiter` out; false if somebody else has, who readies it.
    fn retract(&self, waiter: &Waiter) -> bool;

    /// `waiter` does not go on: takes it out, or gives to others what it was given.
    fn lose(&self, waiter: &Waiter);
}

/// Waits. The caller has put `waiter`, which is its own, into `queue`.
pub(crate) fn wait<Q: Queue>(queue: &Q, waiter: &Waiter, reason: WaitReason, limit: Limit) -> Ended {
    let spot = Spot { queue, waiter };
    with_will(waiter.gp, &spot, || match limit {
        Limit { until, observes: true } => park_within(waiter.gp, reason, until, &spot),
        Limit { until: NEVER, .. } => {
            sched::park(waiter.gp, reason);
            Ended::Readied
        }
        Limit { until, .. } => park_within_time(waiter.gp, reason, until, &spot),
    })
}

/// Where somebody waits.
struct Spot<'a, Q> {
    queue: &'a Q,
    waiter: &'a Waiter,
}

impl<Q: Queue> Place for Spot<'_, Q> {
    fn retract(&self) -> bool {
        self.queue.retract(self.waiter)
    }
}

impl<Q: Queue> Bequest for Spot<'_, Q> {
    fn pass_on(&self) {
        self.queue.lose(self.waiter);
    }
}
