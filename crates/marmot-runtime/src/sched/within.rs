//! What a goroutine or a thread works under: one word, which is null as long as it has no context.
//!
//! The word is in the G, where every switch passes by, and goes on to those that a goroutine makes. A wait without
//! a context pays one load and one branch for it. What a context is, is in [`Cx`]: a [`Node`] that can end, and values; neither
//! ever changes, so whoever changes the word changes all.
//!
//! The head has the number under which the goroutine has [entered](super::cancel) the node's roster. It belongs to
//! that node: who changes the word keeps the number, and puts both back.

use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Instant;

use super::blocked;
use super::budget;
use super::cancel::{Entry, Node, Place, Stead, ThreadWait, Wait};
use super::current;
use super::g::{G, GRef, Seat};
use super::kept::Kept;
use super::park;
use super::roster::Number;
use super::status::WaitReason;
use super::thread::Parker;

/// A context. It never changes.
pub(crate) struct Cx {
    /// What can end; none if nothing can.
    pub(crate) node: Option<Arc<Node>>,
    pub(crate) values: Option<Arc<Values>>,
}

/// A value, and those that were there before.
pub(crate) struct Values {
    pub(crate) value: Arc<dyn Any + Send + Sync>,
    pub(crate) outer: Option<Arc<Values>>,
}

impl Drop for Values {
    fn drop(&mut self) {
        // One after the other, because a chain of them may be longer than a stack is deep.
        let mut outer = self.outer.take();
        while let Some(values) = outer {
            outer = Arc::into_inner(values).and_then(|mut values| values.outer.take());
        }
    }
}

/// The word.
pub(crate) type Slot = Kept<Cx>;

impl Slot {
    /// Whether what is in it has ended.
    ///
    /// # Safety
    ///
    /// The caller is its owner, or that does not run.
    #[inline]
    pub(super) unsafe fn has_ended(&self) -> bool {
        // SAFETY: the caller's word, and it is not used any longer.
        unsafe { self.peek() }.and_then(|cx| cx.node.as_ref()).is_some_and(|node| node.state().is_some())
    }
}

/// Whether the context of `gp` has ended, which waits. What a plain thread works under is not in its G, and is not asked for: the end of that
/// takes the thread out of its place before it returns.
///
/// # Safety
///
/// `gp` is in a place where it waits, or has been taken out of there and not been readied; and nobody else can take it out meanwhile. So
/// it is inside the call that waits, and does not change its context.
#[inline]
pub(crate) unsafe fn has_context_ended(gp: NonNull<G>) -> bool {
    // SAFETY: the caller's word. What was written before it came to its place is seen by who has that locked.
    unsafe { gp.as_ref().context.has_ended() }
}

/// Does something with the slot of what runs on this thread.
#[inline]
fn with_own<R>(f: impl FnOnce(&Slot) -> R) -> R {
    match current::gp() {
        // SAFETY: the goroutine that runs here has not ended.
        Some(gp) => f(&unsafe { gp.as_ref() }.context),
        None => current::with_thread_context(f),
    }
}

/// The context of what runs on this thread.
pub(crate) fn own() -> Option<Arc<Cx>> {
    with_own(Slot::get)
}

/// What can end the context of what runs on this thread.
pub(crate) fn own_node() -> Option<Arc<Node>> {
    own().and_then(|cx| cx.node.clone())
}

/// Whether what runs on this thread has a context.
#[inline]
pub(crate) fn own_is_set() -> bool {
    with_own(|own| !own.is_empty())
}

/// Whether the context of what runs on this thread has ended.
#[inline]
pub(crate) fn own_has_ended() -> bool {
    with_own(|own| {
        // SAFETY: the caller is its owner.
        let node = unsafe { own.peek() }.and_then(|cx| cx.node.as_ref());
        node.is_some_and(|node| node.has_ended())
    })
}

/// What runs on this thread works under another context, until this is dropped.
///
/// It stays with its thread, but not always with its goroutine: a coroutine in which it was made may be resumed by another one,
/// or never again. So the context and the number in the roster of its node are always exchanged together, and only by the
/// goroutine that they belong to.
pub(crate) struct Within {
    outer: Option<Arc<Cx>>,
    /// How it had entered the roster of the outer node; none if that is the inner one, too.
    entered: Option<u32>,
    /// The goroutine that works under the other context: see [`park::own_number`].
    owner: u64,
    /// It stays with its thread.
    here: PhantomData<*const ()>,
}

impl Within {
    /// Changes the context.
    #[must_use = "the context from before is to come back"]
    pub(crate) fn enter(cx: Option<Arc<Cx>>) -> Within {
        let inner = node_of(cx.as_ref()).map(Arc::as_ptr);
        let outer = with_own(|own| own.replace(cx));
        let same = node_of(outer.as_ref()).map(Arc::as_ptr) == inner;
        let entered = if same { None } else { Some(own_g().map_or(0, |g| g.head().entered.replace(0))) };
        Within { outer, entered, owner: park::own_number(), here: PhantomData }
    }

    /// Takes back what its owner, which is not the caller, has left in the roster of the outer node.
    #[cold]
    fn forget_entry(&self) {
        if let (Some(node), Some(number)) = (node_of(self.outer.as_ref()), self.entered.and_then(|n| n.checked_sub(1)))
        {
            drop(node.roster.leave(number));
        }
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        if self.owner != park::own_number() {
            return self.forget_entry();
        }
        if let Some(g) = own_g() {
            match self.entered {
                Some(entered) => {
                    g.leave_roster();
                    g.head().entered.set(entered);
                }
                // The number that is there belongs to another node if a coroutine has left a context of the goroutine's in between.
                None if !is_node_of(&g.context, self.outer.as_ref()) => g.leave_roster(),
                None => {}
            }
        }
        let outer = self.outer.take();
        drop(with_own(|own| own.replace(outer)));
    }
}

fn node_of(cx: Option<&Arc<Cx>>) -> Option<&Arc<Node>> {
    cx.and_then(|cx| cx.node.as_ref())
}

/// Whether what is in `slot` ends with `cx`. For the slot's owner.
fn is_node_of(slot: &Slot, cx: Option<&Arc<Cx>>) -> bool {
    // SAFETY: the caller's word.
    let inner = unsafe { slot.peek() }.and_then(|cx| cx.node.as_ref());
    inner.map(Arc::as_ptr) == node_of(cx).map(Arc::as_ptr)
}

/// The G of the goroutine that runs on this thread.
fn own_g<'a>() -> Option<&'a G> {
    // SAFETY: it has not ended, and who asks is on its stack.
    current::gp().map(|gp| unsafe { &*gp.as_ptr() })
}

impl G {
    /// Takes itself out of the roster of its context, if it is there. For the goroutine itself, or who has it.
    fn leave_roster(&self) {
        let Some(number) = self.head().entered.replace(0).checked_sub(1) else { return };
        // SAFETY: the caller is its owner.
        if let Some(node) = unsafe { self.context.peek() }.and_then(|cx| cx.node.as_ref()) {
            drop(node.roster.leave(number));
        }
    }

    fn note_entry(&self, number: Number) {
        self.head().entered.set(number + 1);
    }

    /// Gives its context up, at its end. What that drops, as the last, may be a program's, and do anything.
    pub(super) fn leave_context(&self) {
        self.leave_roster();
        drop(self.context.replace(None));
    }

    /// Lets the goroutine, which has not started and waits at `stead` next, hear of the end of its context. If that has come,
    /// who puts it there sees it.
    pub(crate) fn watch_unstarted(&self, stead: &'static dyn Stead) {
        // SAFETY: it does not run, and the caller has it.
        if let Some(node) = unsafe { self.context.peek() }.and_then(|cx| cx.node.as_ref())
            && let Ok(number) = node.roster.enter(Entry::Unstarted(GRef::of(self.head()), stead))
        {
            self.note_entry(number);
        }
    }

    /// The node of its context. For the goroutine itself, or who has it.
    pub(crate) fn node(&self) -> Option<Arc<Node>> {
        if self.context.is_empty() { None } else { self.context.get().and_then(|cx| cx.node.clone()) }
    }
}

/// The goroutine that runs here has waited unstarted, and does so no longer.
pub(crate) fn unwatch_own() {
    if let Some(g) = own_g() {
        g.leave_roster();
    }
}

/// How a wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "only `Readied` says that it was given what it waited for"]
pub(crate) enum Ended {
    /// By who took it out of its place, and readied it.
    Readied,
    /// By the time.
    TimedOut,
    /// Because its context has ended.
    Cancelled,
}

/// As [`park::park`], until the caller's context ends at the latest. `gp` has been put into `place`.
#[inline]
pub(crate) fn park_in<P: Place>(gp: NonNull<G>, reason: WaitReason, place: &P) -> Ended {
    // SAFETY: the caller's own G.
    match unsafe { gp.as_ref() }.parker() {
        None => park_here_in(gp, reason, 0, place),
        Some(parker) => park_thread(gp, parker, reason, None, place),
    }
}

/// As [`park_in`], for a goroutine. When it goes on, it will look first at `address`.
#[inline]
pub(crate) fn park_here_in<P: Place>(gp: NonNull<G>, reason: WaitReason, address: usize, place: &P) -> Ended {
    // SAFETY: the caller's own G, which is its context's owner and waits here.
    match unsafe { gp.as_ref().context.peek() } {
        None => {
            park::park_here(gp, reason, address);
            Ended::Readied
        }
        Some(cx) => park_under(cx, gp, reason, address, place),
    }
}

/// See the module `cancel` for the order of the steps.
#[inline(never)]
fn park_under<P: Place>(cx: &Cx, gp: NonNull<G>, reason: WaitReason, address: usize, place: &P) -> Ended {
    let Some(node) = &cx.node else {
        park::park_here(gp, reason, address);
        return Ended::Readied;
    };
    // SAFETY: the caller's own G.
    let g = unsafe { gp.as_ref() };
    if g.head().entered.get() == 0 {
        enter(node, g);
    }
    if node.has_ended() {
        if place.retract() {
            // Who tries again and again, as a loop does that takes this for a time, would keep its M to itself.
            budget::charge(budget::OPERATION);
            return Ended::Cancelled;
        }
        // Somebody has taken it out, and readies it.
        park::park_here(gp, reason, address);
        return Ended::Readied;
    }
    let wait = Wait::at(place);
    // SAFETY: the caller's own G.
    let seat = unsafe { Seat::of(gp) };
    seat.wait.set(&raw const wait);
    park::park_here(gp, reason, address);
    seat.wait.set(ptr::null());
    if wait.was_cancelled() { Ended::Cancelled } else { Ended::Readied }
}

#[cold]
#[inline(never)]
fn enter(node: &Node, g: &G) {
    // A goroutine runs on an M.
    let mp = g.mp().expect("a goroutine has an M");
    // Where it is refused, the node has ended, and that is seen next.
    if let Ok(number) = node.roster.enter(Entry::Goroutine(GRef::of(g.head()), mp)) {
        g.note_entry(number);
    }
}

/// Blocks the plain thread, whose G is in `place`, until it is woken, or the time, or its context's end has come.
#[cold]
#[inline(never)]
pub(crate) fn park_thread<P: Place>(
    gp: NonNull<G>,
    parker: &Parker,
    reason: WaitReason,
    until: Option<Instant>,
    place: &P,
) -> Ended {
    let waiting = ThreadWait { wait: Wait::at(place), gp };
    let node = own_node();
    let entered = match &node {
        None => None,
        Some(node) => match node.roster.enter(Entry::Thread(NonNull::from(&waiting))) {
            Ok(number) => Some((node, number)),
            Err(_) if place.retract() => return Ended::Cancelled,
            Err(_) => None,
        },
    };
    let mut ended = Ended::Readied;
    let mut wait = || match until {
        None => parker.wait(),
        Some(until) => {
            if !parker.wait_until(until) {
                if place.retract() {
                    ended = Ended::TimedOut;
                } else {
                    parker.wait();
                }
            }
        }
    };
    if blocked::timed() {
        blocked::time(None, reason, wait)
    } else {
        wait()
    }
    if let Some((node, number)) = entered {
        // When this has returned, nobody looks at `waiting`.
        drop(node.roster.leave(number));
    }
    if waiting.wait.was_cancelled() { Ended::Cancelled } else { ended }
}

/// Runs `f`, on a plain thread, under the context of the goroutine that waits for it. `f` does not unwind.
pub(crate) fn lend(g: &G, f: impl FnOnce()) {
    if g.context.is_empty() {
        return f();
    }
    let _within = Within::enter(g.context.get());
    f();
}

/// What a head keeps for this: the number that it has entered under, plus one; 0 if it has not.
pub(super) type Entered = Cell<u32>;
