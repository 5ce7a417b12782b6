//! The budget of a turn: what a goroutine may do before it has to let others run.
//!
//! Nothing preempts a goroutine, and one that never has to wait would keep its M to itself: a peer that always has something to say, or a
//! loop that asks a lock, a handle or a channel again and again for what another goroutine of the same M is to do. So
//! every call that can be the body of such a loop charges the budget of the turn, and the call that finds it used up yields. Then
//! the M looks at its poller, its timers and its inboxes, too.
//!
//! | what is charged | of a turn |
//! |---|---|
//! | [`OPERATION`]: a descriptor was tried, a message was handed over, something would have to be waited for | 1 / 64, half a millisecond's worth of system calls |
//! | [`SPAWN`]: a goroutine was made, or a scope for some | 1 / 1,024 |
//! | [`CHECK`]: a look at something that others change, a lock that nobody contends | 1 / 16,384, a tenth of a millisecond's worth |
//!
//! A yield costs some ten nanoseconds, and a microsecond with the look at the poller: one hundredth of what a turn of the cheapest
//! calls takes.
//!
//! The count is a word of the thread, which every turn of a goroutine sets anew. Outside of goroutines it means nothing.
//!
//! **A call that charges may yield**, and so lets others of its M run. It must not be made by the runtime on behalf of a
//! goroutine that is in a place to wait, or holds a turn of a descriptor or a lock that is not Marmot's.

use std::marker::PhantomData;
use std::ptr::NonNull;

use super::g::{G, GRef};
use super::runq::OVERFLOW;
use super::{current, park};

/// What a turn has.
pub(super) const TURN: u32 = 64 * OPERATION;

pub(crate) const OPERATION: u32 = 256;
pub(crate) const SPAWN: u32 = 16;
pub(crate) const CHECK: u32 = 1;

/// Charges the running goroutine, which yields if it has used its turn up. Does nothing outside of goroutines.
#[inline]
pub(crate) fn charge(cost: u32) {
    if !current::charge(cost) {
        used_up();
    }
}

/// Lets no call of the calling goroutine's yield for its budget until what is returned is dropped: for a place in which a switch does
/// harm. A call that waits still does.
#[must_use = "the budget is limited again at once"]
pub(crate) fn unlimited() -> Unlimited {
    // SAFETY: the goroutine that runs here.
    let owner = current::gp().map(|gp| GRef::of(unsafe { gp.as_ref() }.head()));
    if let Some(owner) = &owner {
        owner.unlimited.set(owner.unlimited.get() + 1);
    }
    Unlimited { owner, here: PhantomData }
}

/// See [`unlimited`]. It counts its goroutine, for it may be on the stack of a coroutine that another one drops, on the same thread.
pub(crate) struct Unlimited {
    owner: Option<GRef>,
    here: PhantomData<*const ()>,
}

impl Drop for Unlimited {
    fn drop(&mut self) {
        if let Some(owner) = &self.owner {
            owner.unlimited.set(owner.unlimited.get() - 1);
        }
    }
}

/// Whether calls of `gp`, which runs here, may yield for their budget.
fn is_limited(gp: NonNull<G>) -> bool {
    // SAFETY: the goroutine that runs here.
    unsafe { gp.as_ref() }.head().unlimited.get() == 0
}

/// As [`charge`], for an [`OPERATION`].
#[inline]
pub(crate) fn spend() {
    charge(OPERATION);
}

#[cold]
#[inline(never)]
fn used_up() {
    match (current::gp(), current::mp()) {
        (Some(gp), Some(mp)) if is_limited(gp) => {
            mp.look_next();
            // The next turn has a budget of its own.
            give_way();
        }
        // As seldom as possible again: until the next turn, if a goroutine is in a place where it must not yield.
        _ => current::set_budget(u32::MAX),
    }
}

/// Lets others run, unstarted goroutines above all, after the caller has made so many that the ring could not hold them. As many as a
/// ring holds have their turns now, which is as many as can be made until it overflows again; so a loop that makes goroutines makes
/// as many as run.
#[cold]
#[inline(never)]
pub(crate) fn catch_up() {
    if let (Some(gp), Some(mp)) = (current::gp(), current::mp())
        && is_limited(gp)
    {
        for _ in 0..2 * OVERFLOW {
            if !mp.has_unstarted() {
                break;
            }
            give_way();
        }
    }
}

/// Lets the others of this M run. What was noted for the next goroutine that is made here stays for that one.
fn give_way() {
    let accepted = current::take_accept();
    park::yield_now();
    if accepted {
        current::note_accept();
    }
}
