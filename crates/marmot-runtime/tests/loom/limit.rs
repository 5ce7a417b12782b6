//! What waits with a limit need: one whose time comes at once, or whose context ends at once. Whoever comes first decides.

use std::ptr::NonNull;
use std::time::Duration;

use crate::sched::{self, G, WaitReason};

pub const NEVER: u64 = u64::MAX;

/// For so long one waits until one's context ends.
pub const CANCELLED: Duration = Duration::from_secs(1);

/// For so long one waits until one's time comes.
pub const TIMED: Duration = Duration::from_secs(2);

pub trait Place: Sync {
    fn retract(&self) -> bool;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Readied,
    TimedOut,
    Cancelled,
}

pub fn park_within<P: Place>(gp: NonNull<G>, reason: WaitReason, until: u64, place: &P) -> Ended {
    let is_cancelled = until == CANCELLED.as_secs();
    if is_cancelled {
        sched::note_end(gp, true);
    }
    let ended = match (until, is_cancelled) {
        (NEVER, _) => Ended::Readied,
        (_, true) if place.retract() => Ended::Cancelled,
        (_, false) if place.retract() => Ended::TimedOut,
        _ => Ended::Readied,
    };
    if ended == Ended::Readied {
        sched::park(gp, reason);
    }
    if is_cancelled {
        sched::note_end(gp, false);
    }
    ended
}
