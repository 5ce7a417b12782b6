//! What runs on this thread: its M, and the goroutine that the M is in.
//!
//! The thread-local has a constant initialiser and no destructor, so a look at it is one load. A
//! settled goroutine never changes threads, so it does no harm when the compiler keeps the
//! thread-local's address.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use super::Sched;
use super::g::{G, Head};
use super::labels::Slot;
use super::m::M;
use super::within;

struct Current {
    mp: Cell<Option<&'static M>>,
    gp: Cell<*mut G>,
    /// What the running goroutine may still do before it has to yield: see [`super::budget`].
    budget: Cell<u32>,
    /// The head of a plain thread that has waited: see [`super::thread`].
    thread: Cell<*mut Head>,
    /// The runtime for which this thread, which is no M, runs a blocking closure.
    serves: Cell<Option<&'static Sched>>,
    /// The thread has accepted a connection that no goroutine has been spawned for yet.
    accepted: Cell<bool>,
    /// The labels of a plain thread. Whoever sets them takes them back, so that nothing is left at its end.
    labels: ManuallyDrop<Slot>,
    /// The context of a plain thread, as its labels.
    context: ManuallyDrop<within::Slot>,
}

thread_local! {
    static CURRENT: Current = const {
        Current {
            mp: Cell::new(None),
            gp: Cell::new(ptr::null_mut()),
            budget: Cell::new(u32::MAX),
            thread: Cell::new(ptr::null_mut()),
            serves: Cell::new(None),
            accepted: Cell::new(false),
            labels: ManuallyDrop::new(Slot::empty()),
            context: ManuallyDrop::new(within::Slot::empty()),
        }
    };
}

/// The M whose thread this is.
#[inline]
pub(crate) fn mp() -> Option<&'static M> {
    CURRENT.with(|c| c.mp.get())
}

/// The scheduler of what runs on this thread; none on a plain thread.
pub(crate) fn sched() -> Option<&'static Sched> {
    CURRENT.with(|c| c.mp.get().map(|mp| mp.sched).or(c.serves.get()))
}

/// Says for which runtime this thread runs a blocking closure.
pub(crate) fn set_serves(sched: Option<&'static Sched>) {
    CURRENT.with(|c| c.serves.set(sched));
}

/// The goroutine that runs on this thread.
#[inline]
pub(crate) fn gp() -> Option<NonNull<G>> {
    CURRENT.with(|c| NonNull::new(c.gp.get()))
}

/// Makes this thread an M's.
pub(super) fn set_mp(mp: &'static M) {
    CURRENT.with(|c| c.mp.set(Some(mp)));
}

/// Makes this thread a plain one again: no goroutine runs here any more.
pub(super) fn leave_m() {
    CURRENT.with(|c| {
        c.mp.set(None);
        c.gp.set(ptr::null_mut());
    });
}

/// The head of this plain thread, if it has one.
#[inline]
pub(super) fn thread() -> Option<NonNull<Head>> {
    CURRENT.with(|c| NonNull::new(c.thread.get()))
}

pub(super) fn set_thread(head: *mut Head) {
    CURRENT.with(|c| c.thread.set(head));
}

/// A goroutine runs on this thread from now on, and may do so much.
#[inline]
pub(super) fn begin_turn(gp: NonNull<G>, budget: u32) {
    CURRENT.with(|c| {
        c.gp.set(gp.as_ptr());
        c.budget.set(budget);
    });
}

/// No goroutine runs on this thread.
#[inline]
pub(super) fn end_turn() {
    CURRENT.with(|c| c.gp.set(ptr::null_mut()));
}

#[inline]
pub(super) fn set_budget(budget: u32) {
    CURRENT.with(|c| c.budget.set(budget));
}

/// Takes `cost` off the budget; false if that is used up.
#[inline]
pub(super) fn charge(cost: u32) -> bool {
    CURRENT.with(|c| {
        let (left, is_used_up) = c.budget.get().overflowing_sub(cost);
        c.budget.set(left);
        !is_used_up
    })
}

/// Remembers that a connection was accepted here: the next goroutine spawned from here probably
/// serves it.
pub(crate) fn note_accept() {
    CURRENT.with(|c| c.accepted.set(true));
}

/// Whether the goroutine being spawned is to be placed as a connection's.
pub(crate) fn take_accept() -> bool {
    CURRENT.with(|c| c.accepted.get() && c.accepted.replace(false))
}

/// Does something with the labels of this thread, which is in no goroutine.
#[inline]
pub(super) fn with_thread_labels<R>(f: impl FnOnce(&Slot) -> R) -> R {
    CURRENT.with(|c| f(&c.labels))
}

/// Does something with the context of this thread, which is in no goroutine.
#[inline]
pub(super) fn with_thread_context<R>(f: impl FnOnce(&within::Slot) -> R) -> R {
    CURRENT.with(|c| f(&c.context))
}
