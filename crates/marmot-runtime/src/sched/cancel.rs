//! The end of contexts, and how those hear of it who wait.
//!
//! A [`Node`] is what can end: somebody cancels it, its deadline passes, or its parent ends. Who works under it inherits it
//! ([`super::within`]). In its [roster](super::roster) is who has to hear of the end:
//!
//! | entry | entered | the end |
//! |---|---|---|
//! | a goroutine | at its first wait under this node, and not again at the next; taken back when it ends or leaves the context | sends its M an errand |
//! | a plain thread | for each wait | takes it out of its place and wakes it, under the lock |
//! | a goroutine that has not started and waits for a descriptor | before the wait | takes it out of there and readies it |
//! | a child | when it is made, until it is dropped | ends it, too |
//! | a function | by who wants it called | calls it; its panic is reported, and keeps nobody else from hearing of the end |
//!
//! First the node and all below it are marked, then those who wait are told: who is woken finds everything below marked.
//!
//! # How it reaches a goroutine that is parked
//!
//! A goroutine has settled, and what it waits at may be taken away by others at any time, so only its own M can look: it runs
//! errands between two goroutines, when each of its own is parked, queued or gone. Who waits leaves in its seat where it
//! waits ([`Wait`]), and how it is taken out of there ([`Place`]); the M does that, and readies whom it got. So one end sends
//! one errand to each M, however many wait there, and a wait shares nothing with those of other goroutines.
//!
//! | | the waiter, on its M | who ends the node | the M, on the errand |
//! |---|---|---|---|
//! | 1 | puts itself into its place | marks the node | finds the goroutine's seat by its head |
//! | 2 | enters the roster, unless it is there from an earlier wait | takes the roster, under its lock | looks whether its context has ended, and whether it waits |
//! | 3 | looks at the state: if it has ended, takes itself out | sends each M the list of its goroutines | takes it out of its place, and readies it |
//! | 4 | leaves the [`Wait`] in its seat, and parks | | |
//!
//! **No end is lost.** If the entry (2) comes after the mark, the entry is refused under the lock, and the look (3) sees the
//! state. If it comes before, the list has the goroutine, and its M gets the errand. The errand runs on the thread of the
//! waiter, so before its look (3) or after its parking (4), never between. Before: the mark happens before the errand was sent,
//! which happens before it runs, which comes before the look on the same thread; so the look sees the state. After: the seat
//! says where it waits.
//!
//! **Nobody is taken for another.** The list holds references to heads. A head whose goroutine has ended has no seat any more,
//! whoever has got the stack; one that waits for something else by now waits under a context that has ended, or is left alone; and
//! the seat says where it waits *now*. If somebody else has taken it out meanwhile and its way leads through an inbox,
//! [`Place::retract`] says so, and nothing is done: it goes on with what it was given, and hears of the end at its next wait.
//!
//! **An M that has left** refuses the errand, and none of its goroutines goes on. One that is busy gets to it after eight
//! goroutines at most.
//!
//! # What was rejected
//!
//! * A list of waiters at each node, entered and left at each park: all connections of a server would meet at one lock.
//! * Readying from the end's own thread: it would have to look into the seat of a goroutine that runs.
//! * Walking up the parents at each wait: the state is one load, whatever the depth.

use std::cell::Cell;
use std::error::Error;
use std::mem::{offset_of, take};
use std::ptr::{self, NonNull};
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Relaxed, SeqCst},
    fence,
};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use super::caught::caught_aloud;
use super::census::Errand;
use super::due::{Call, Due};
use super::g::{G, GRef, Head, Seat};
use super::m::M;
use super::roster::{Number, Roster, Why};
use super::timers::{Fire, Timer};
use super::{clock, current, outside, park};

/// Where somebody waits, as that one sees it.
///
/// It is used by other threads, under a timer's lock, so it must neither park nor arm nor ready, and what locks it takes must never
/// be held where a timer is armed or disarmed.
pub(crate) trait Place: Sync {
    /// Takes the waiter out; false if somebody else has, who readies it.
    fn retract(&self) -> bool;
}

/// Where goroutines wait that have not started. It is there for ever.
pub(crate) trait Stead: Sync {
    /// Takes `gp` out; false if it is not there, or somebody else has.
    fn retract_unstarted(&self, gp: NonNull<G>) -> bool;
}

/// A wait that can be ended: on the stack of who waits.
pub(super) struct Wait {
    retract: unsafe fn(NonNull<()>) -> bool,
    place: NonNull<()>,
    cancelled: AtomicBool,
}

impl Wait {
    pub(super) fn at<P: Place>(place: &P) -> Wait {
        /// # Safety
        ///
        /// `place` is a `P`.
        unsafe fn retract<P: Place>(place: NonNull<()>) -> bool {
            // SAFETY: the caller's word.
            unsafe { place.cast::<P>().as_ref() }.retract()
        }
        Wait { retract: retract::<P>, place: NonNull::from(place).cast(), cancelled: AtomicBool::new(false) }
    }

    /// Takes the waiter out for the end of its context. If that is true, the caller readies it.
    ///
    /// # Safety
    ///
    /// It waits, or is about to be readied.
    unsafe fn cancel(&self) -> bool {
        // SAFETY: it was made for this place, which is there as long as the wait is.
        let out = unsafe { (self.retract)(self.place) };
        if out {
            // Relaxed: readying orders it.
            self.cancelled.store(true, Relaxed);
        }
        out
    }

    /// Whether it was ended so. For who has waited.
    pub(super) fn was_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }
}

/// A plain thread that waits.
pub(super) struct ThreadWait {
    pub(super) wait: Wait,
    pub(super) gp: NonNull<G>,
}

/// One who has to hear of the end.
pub(super) enum Entry {
    /// It takes itself out before it ends. The reference is for an entry that stays behind: a coroutine that is suspended inside of a
    /// context and dropped, or resumed by another goroutine, never leaves.
    Goroutine(GRef, &'static M),
    /// It takes itself out after the wait.
    Thread(NonNull<ThreadWait>),
    Unstarted(GRef, &'static dyn Stead),
    Child(Weak<Node>),
    Function(Box<dyn FnOnce() + Send>),
}

// SAFETY: a `ThreadWait` is looked at under the roster's lock, under which the thread that waits takes it out before it goes on; the
// rest is `Send`.
unsafe impl Send for Entry {}

/// What a node was ended for, if who did has said.
type Cause = Arc<dyn Error + Send + Sync>;

/// See the module.
pub(crate) struct Node {
    pub(super) roster: Roster<Entry>,
    /// Written once, before the state.
    cause: OnceLock<Cause>,
    /// Where it has entered as a child. Written once, by who makes it.
    parent: OnceLock<(Arc<Node>, Number)>,
    /// By [`clock`], its own deadline or that of one above it; [`NEVER`] if there is none.
    deadline: u64,
    alarm: Option<Box<Alarm>>,
}

/// The time of a deadline that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

/// The timer of a node with a deadline of its own. It is armed once, and disarmed by whoever comes first.
struct Alarm {
    timer: Timer,
    node: Weak<Node>,
    /// Held by who arms and disarms; true when it is not to be armed any more.
    over: Mutex<bool>,
}

impl Node {
    /// A child of `parent`; if that has ended, one that is born so.
    pub(crate) fn new(parent: Option<&Arc<Node>>) -> Arc<Node> {
        Node::make(parent, parent.map_or(NEVER, |parent| parent.deadline), false)
    }

    /// As [`Node::new`], that ends at `deadline` by [`clock`] at the latest.
    pub(crate) fn with_deadline(parent: Option<&Arc<Node>>, deadline: u64) -> Arc<Node> {
        if parent.is_some_and(|parent| parent.deadline <= deadline) {
            return Node::new(parent);
        }
        let node = Node::make(parent, deadline, true);
        if deadline <= clock::now() {
            node.end(Why::Deadline, None);
        } else if let Some(alarm) = &node.alarm {
            alarm.arm(deadline);
        }
        node
    }

    fn make(parent: Option<&Arc<Node>>, deadline: u64, timed: bool) -> Arc<Node> {
        let node = Arc::new_cyclic(|me| {
            let alarm = || Box::new(Alarm { timer: Timer::keeping(), node: Weak::clone(me), over: Mutex::new(false) });
            let (cause, parent) = (OnceLock::new(), OnceLock::new());
            Node { roster: Roster::new(), cause, parent, deadline, alarm: timed.then(alarm) }
        });
        if let Some(parent) = parent {
            // Not before it can be found: an end of the parent that comes now ends it.
            match parent.roster.enter(Entry::Child(Arc::downgrade(&node))) {
                // It is new.
                Ok(number) => assert!(node.parent.set((Arc::clone(parent), number)).is_ok(), "it has one parent"),
                Err(_) => {
                    if let Some((why, cause)) = parent.outcome() {
                        node.end(why, cause);
                    }
                }
            }
        }
        node
    }

    /// How it has ended, if it has.
    #[inline]
    pub(crate) fn state(&self) -> Option<Why> {
        self.roster.state()
    }

    /// How it has ended, and for what.
    pub(crate) fn outcome(&self) -> Option<(Why, Option<Cause>)> {
        self.state().map(|why| (why, self.cause.get().cloned()))
    }

    /// Whether it has ended, or its deadline has passed and the timer has not fired yet: a goroutine that computes keeps the timers
    /// of its M from firing.
    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.state().is_some() || (self.deadline != NEVER && self.deadline <= clock::now())
    }

    /// As [`outcome`](Node::outcome), after it has ended a node whose deadline has passed, and with it all above it of which the same
    /// is true, without waiting for the timer.
    ///
    /// The caller must not be in a place to wait, for it readies others and calls what was registered for the end.
    pub(crate) fn outcome_by_now(self: &Arc<Node>) -> Option<(Why, Option<Cause>)> {
        if !self.has_ended() {
            return None;
        }
        if self.state().is_none() {
            let mut first = self;
            while let Some((parent, _)) = first.parent.get()
                && parent.deadline <= self.deadline
            {
                first = parent;
            }
            first.end(Why::Deadline, None);
        }
        // Another thread may be about to mark this node, too.
        Some(self.outcome().unwrap_or((Why::Deadline, None)))
    }

    /// When it ends at the latest, by [`clock`]; [`NEVER`] if nothing says so.
    pub(crate) fn deadline(&self) -> u64 {
        self.deadline
    }

    /// How many have to hear of its end, with its children.
    pub(crate) fn entries(&self) -> usize {
        self.roster.len()
    }

    /// Lets `f` be called when it has ended; where it has, the function is given back. It must neither park nor take long.
    pub(crate) fn call_after(
        self: &Arc<Node>,
        f: Box<dyn FnOnce() + Send>,
    ) -> Result<Number, Box<dyn FnOnce() + Send>> {
        // One whose deadline has passed refuses it.
        self.outcome_by_now();
        self.roster.enter(Entry::Function(f)).map_err(|refused| match refused {
            Entry::Function(f) => f,
            _ => unreachable!("what is refused is what was to enter"),
        })
    }

    /// Takes such a function back; true if it is not called then.
    pub(crate) fn forget_call(&self, number: Number) -> bool {
        self.roster.leave(number).is_some()
    }

    /// Ends it and all below it; false if it has ended before.
    pub(crate) fn end(self: &Arc<Node>, why: Why, cause: Option<Cause>) -> bool {
        let mut marked: Vec<Arc<Node>> = Vec::new();
        let mut to_mark = vec![Arc::clone(self)];
        while let Some(node) = to_mark.pop() {
            // A child that is being dropped has nobody left who could wait under it.
            let children = |entry: &Entry| {
                if let Entry::Child(child) = entry {
                    to_mark.extend(child.upgrade());
                }
            };
            let before = || {
                if let Some(cause) = &cause {
                    // Once, under the lock.
                    let _ = node.cause.set(Arc::clone(cause));
                }
            };
            if node.roster.mark(why, before, children) {
                marked.push(node);
            }
        }
        // Pairs with the fence in `Slot::publish`: a goroutine that waits unstarted is found there, or who puts it there sees
        // the state.
        fence(SeqCst);
        let mut told = Told::default();
        for node in &marked {
            node.roster.take(|entry| told.take(entry));
            if let Some(alarm) = &node.alarm {
                alarm.disarm();
            }
        }
        told.tell();
        !marked.is_empty()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Its timer is gone before the rest is.
        self.alarm = None;
        // One after the other, because a chain of them may be longer than a stack is deep.
        let mut parent = self.parent.take();
        while let Some((node, number)) = parent {
            drop(node.roster.leave(number));
            parent = Arc::into_inner(node).and_then(|mut node| node.parent.take());
        }
    }
}

impl Alarm {
    /// Arms it here, unless its node has ended.
    fn arm(&self, deadline: u64) {
        let over = self.over.lock().unwrap_or_else(|e| e.into_inner());
        if *over {
            return;
        }
        match current::mp() {
            // SAFETY: it stays where it is until it is disarmed, `fire` is made for it, and we have the lock.
            Some(mp) => unsafe { mp.pp().timers.arm::<Alarm>(NonNull::from(self), deadline) },
            // SAFETY: as above.
            None => unsafe { outside::arm::<Alarm>(NonNull::from(self), deadline) },
        };
    }

    fn disarm(&self) {
        let mut over = self.over.lock().unwrap_or_else(|e| e.into_inner());
        *over = true;
        self.timer.disarm();
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.timer.disarm();
    }
}

// SAFETY: that is where an alarm has its timer.
unsafe impl Fire for Alarm {
    type Record = Alarm;
    const OFFSET: usize = offset_of!(Alarm, timer);

    unsafe fn fire(alarm: NonNull<Alarm>, _now: u64, due: &mut Due) -> Option<u64> {
        // SAFETY: who is armed is there.
        let alarm = unsafe { alarm.as_ref() };
        // One that is being dropped has nobody left under it.
        if let Some(node) = alarm.node.upgrade() {
            // The reference goes with the call.
            let with = NonNull::new(Arc::into_raw(node).cast_mut()).expect("references are not null").cast();
            // SAFETY: that is the node, and it is called once.
            unsafe { due.call(Call { with, run: pass }) };
        }
        None
    }
}

/// # Safety
///
/// `node` is a reference to a `Node` that is the caller's.
unsafe fn pass(node: NonNull<()>) {
    // SAFETY: the caller's word.
    unsafe { Arc::from_raw(node.cast::<Node>().as_ptr().cast_const()) }.end(Why::Deadline, None);
}

/// Those who are to be told of an end.
#[derive(Default)]
struct Told {
    /// Goroutines that have started, by their Ms.
    settled: Vec<(Option<&'static M>, Vec<GRef>)>,
    unstarted: Vec<(GRef, &'static dyn Stead)>,
    functions: Vec<Box<dyn FnOnce() + Send>>,
    /// What is dropped outside of all locks.
    rest: Vec<Entry>,
}

impl Told {
    /// Takes what was in a roster, whose lock is held.
    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Goroutine(g, mp) => {
                let same = |other: &Option<&'static M>| other.is_some_and(|other| ptr::eq(other, mp));
                match self.settled.iter_mut().find(|(other, _)| same(other)) {
                    Some((_, those)) => those.push(g),
                    None => self.settled.push((Some(mp), vec![g])),
                }
            }
            Entry::Thread(waiting) => {
                // SAFETY: it takes itself out of the roster, whose lock is held, before it goes on.
                let waiting = unsafe { waiting.as_ref() };
                // SAFETY: as above.
                if unsafe { waiting.wait.cancel() } {
                    park::ready(waiting.gp);
                }
            }
            Entry::Unstarted(g, stead) => self.unstarted.push((g, stead)),
            Entry::Function(f) => self.functions.push(f),
            Entry::Child(_) => self.rest.push(entry),
        }
    }

    fn tell(mut self) {
        for (mp, goroutines) in take(&mut self.settled) {
            if let Some(mp) = mp {
                mp.send(Box::new(Visit(goroutines)));
            }
        }
        for (g, stead) in take(&mut self.unstarted) {
            if stead.retract_unstarted(g.unstarted()) {
                park::ready(g.unstarted());
            }
        }
        for f in take(&mut self.functions) {
            // Whoever ends a context has nothing to do with what others have hung on it, and the rest is to be called, too.
            caught_aloud(format_args!("what was to be called after the end of a context has panicked"), f);
        }
    }
}

/// Goroutines of one M whose context has ended.
struct Visit(Vec<GRef>);

/// So many goroutines an M looks at before it goes on with others.
const PART: usize = 256;

impl Errand for Visit {
    fn run(&mut self, mp: &'static M) -> bool {
        for g in self.0.drain(self.0.len().saturating_sub(PART)..) {
            mp.end_wait(&g);
        }
        !self.0.is_empty()
    }
}

impl M {
    /// Ends the wait of a goroutine that has settled here, if it waits and its context has ended. Only for this M's own thread,
    /// between two goroutines.
    fn end_wait(&self, head: &Head) {
        // One that has ended has no seat.
        let Some(gp) = head.seated() else { return };
        // SAFETY: it has not ended, and this is its M: it entered the roster here.
        let seat = unsafe { Seat::of(gp) };
        // SAFETY: what is in the seat is on the stack of the goroutine, which waits there.
        let Some(wait) = (unsafe { seat.wait.get().as_ref() }) else { return };
        // SAFETY: it does not run, so its context stays.
        if unsafe { seat.g.context.has_ended() } && unsafe { wait.cancel() } {
            seat.wait.set(ptr::null());
            self.ready_here(gp);
        }
    }
}

/// Where a goroutine that has started waits, for its M to see; null if it does not, or nobody may end it.
pub(super) type Waits = Cell<*const Wait>;
