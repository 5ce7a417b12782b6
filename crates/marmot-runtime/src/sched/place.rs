//! Placement: which M a connection's goroutine settles on.
//!
//! Stealing balances goroutines that are queued, but not those that start at once and then stay: a
//! listener on an M that is never quite busy would settle every connection there. So the goroutine
//! that is spawned right after an accept counts as a connection, and when it is about to start, it
//! goes to the M that serves the fewest, unless this one is within an eighth of that. Goroutines
//! that were not spawned after an accept are left where they are: moving them costs a wake-up and
//! gains nothing that stealing would not.
//!
//! | state | meaning |
//! |---|---|
//! | `Free` | not a connection |
//! | `Fresh` | a connection that is not placed yet |
//! | `On(i)` | it counts among the connections of M `i` |

use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

use super::Sched;
use super::g::{G, Head};
use super::m::M;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placing {
    Free,
    Fresh,
    On(u16),
}

/// Whether the unstarted `gp` is to start on `mp`. If not, it has been sent to the M where it
/// belongs.
pub(super) fn stays(mp: &'static M, gp: NonNull<G>) -> bool {
    // SAFETY: the caller took `gp` from a queue.
    let g = unsafe { gp.as_ref() }.head();
    match g.placing.get() {
        Placing::Free => true,
        // It was sent here; or it was sent to another M, which was stuck, and this one rescued it.
        Placing::On(i) => {
            if usize::from(i) != mp.id {
                mp.sched.ms()[usize::from(i)].connections.fetch_sub(1, Relaxed);
                count(mp, g);
            }
            true
        }
        Placing::Fresh if g.pinned.get() => {
            count(mp, g);
            true
        }
        Placing::Fresh => {
            let fewest = mp.sched.ms().iter().min_by_key(|m| m.connections.load(Relaxed));
            // There is at least this M.
            let there = fewest.expect("a runtime has an M");
            let least = there.connections.load(Relaxed);
            if mp.connections.load(Relaxed) <= least + least / 8 {
                count(mp, g);
                return true;
            }
            count(there, g);
            there.hand(gp);
            false
        }
    }
}

fn count(mp: &M, g: &Head) {
    mp.connections.fetch_add(1, Relaxed);
    // There are at most `MAX_PROCS` Ms, which is less.
    g.placing.set(Placing::On(u16::try_from(mp.id).expect("an M's number fits")));
}

/// To be called when `g` has ended.
pub(super) fn ended(sched: &Sched, g: &Head) {
    if let Placing::On(i) = g.placing.get() {
        sched.ms()[usize::from(i)].connections.fetch_sub(1, Relaxed);
    }
}
