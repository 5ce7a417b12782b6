//! M: a machine, that is, an operating-system thread that runs goroutines; and P, the right to do
//! so.
//!
//! Of an M, others see the inbox, the sleeper, the poller's gate and a few counters. All the rest
//! is its own thread's alone: the settled queue, the stack cache, the counts of turns. A P has what must
//! survive when its M is stuck and another takes over: the ring, its inbox, the timers.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::num::NonZero;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use crossbeam_utils::CachePadded;
use marmot_coro::{Progress, StackCache, StackPool};
use marmot_poll::{Events, Poller};

use super::ReportLimit;
use super::census::Errand;
use super::errands::Errands;
use super::g::G;
use super::gate::Gate;
use super::idle::Sleeper;
use super::inbox::Inbox;
use super::leftover::Leftover;
use super::roll::Roll;
use super::runq::RunQueue;
use super::settled::Settled;
use super::timers::Timers;
use super::unwind::Unwinding;
use super::{Sched, budget, current, place};

/// How many events one poll takes: enough that a poll's cost is a small share of each, and so few that what the kernel
/// has touched to report them is still in the processor's cache when their goroutines run.
const EVENTS: usize = 64;

/// How many goroutine numbers an M takes at a time.
const ID_BATCH: u64 = 64;

/// Goroutines that got no stack.
static NOT_STARTED: ReportLimit = ReportLimit::new();

/// A processor: the right to run goroutines, and the queue of those that may start anywhere.
pub(crate) struct P {
    pub(super) runq: RunQueue<G>,
    /// Unstarted goroutines that placement sent here.
    pub(super) inbox: Inbox<G>,
    pub(crate) timers: Timers,
}

impl P {
    pub(super) fn new() -> P {
        P { runq: RunQueue::new(), inbox: Inbox::new(), timers: Timers::new() }
    }
}

/// A counter that one thread writes and others read.
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) const fn new() -> Count {
        Count(AtomicU64::new(0))
    }

    /// Adds one, for the only thread that writes: no atomic addition is needed.
    pub(super) fn add_own(&self) {
        // Release pairs with the Acquire in `get`.
        self.0.store(self.0.load(Relaxed) + 1, Release);
    }

    /// Adds one, for a counter that several threads write.
    pub(super) fn add_shared(&self) {
        self.0.fetch_add(1, Release);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Acquire)
    }
}

/// A number for an M.
fn next_number() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    NEXT.fetch_update(Relaxed, Relaxed, |number| number.checked_add(1)).unwrap_or(0)
}

/// A machine. It lives as long as the process.
pub(crate) struct M {
    pub(crate) id: usize,
    /// No other M of the process has it; zero if there was none left.
    pub(crate) number: u16,
    pub(crate) sched: &'static Sched,
    /// Goroutines settled here that other threads readied.
    pub(super) inbox: Inbox<G>,
    pub(super) sleeper: Sleeper,
    poller: Gate,
    /// Connections placed here; see [`place`].
    pub(super) connections: CachePadded<AtomicUsize>,
    /// The number of the present turn, for others to see whether it gets on. Only its own thread
    /// writes it.
    pub(super) turn: AtomicU32,
    /// Descriptors registered with this M's poller.
    pub(crate) registered: AtomicUsize,
    /// What others ask of this M.
    pub(super) errands: Errands<Box<dyn Errand>>,
    /// How many goroutines have settled here and not ended, for others to see. Only its own thread writes it.
    pub(super) settled_here: AtomicUsize,
    /// Goroutines that this M has made, and ended. Only its own thread writes them.
    pub(super) spawned: Count,
    pub(super) ended: Count,
    pub(super) own: Own,
}

/// What only the M's own thread touches. What every turn touches comes first.
#[repr(C, align(64))]
pub(super) struct Own {
    settled: UnsafeCell<Settled>,
    /// How many goroutines of the settled queue may still run before this M looks at everything else.
    pub(super) row: Cell<u32>,
    /// This M counts among the spinning ones.
    pub(super) spinning: Cell<bool>,
    /// There are leftovers.
    pub(super) has_leftovers: Cell<bool>,
    /// The turn in which this M looked at its timers last, and at its poller.
    pub(super) timed: Cell<u32>,
    pub(super) looked: Cell<u32>,
    /// How many goroutines were in the settled queue after it had looked at its poller.
    pub(super) round: Cell<u32>,
    /// How many goroutines of the settled queue run in a row: fewer where turns are long.
    pub(super) row_len: Cell<u32>,
    /// When this M read the clock last, and when it looked at its poller; 0 if that is not known.
    pub(super) clock: Cell<u64>,
    pub(super) looked_at: Cell<u64>,
    pub(super) pp: Cell<Option<&'static P>>,
    pub(super) unwinding: Unwinding,
    stacks: UnsafeCell<StackCache>,
    pub(super) events: RefCell<Events>,
    /// What the running goroutine leaves to this M.
    pub(super) leftovers: RefCell<Vec<Arc<dyn Leftover>>>,
    /// Goroutines that have settled here and not ended.
    roll: UnsafeCell<Roll>,
    /// The next number of a goroutine, and the end of the batch that it is of.
    next_id: Cell<u64>,
    ids_end: Cell<u64>,
    /// An M to whose P something was sent, its turn then, and when that was seen first.
    pub(super) watched: Cell<Option<(usize, u32, u64)>>,
}

// SAFETY: `own` is reached only through methods that are for the M's own thread; the rest is `Sync`
// itself.
unsafe impl Sync for M {}
// SAFETY: an M is made by one thread and then run by another, once.
unsafe impl Send for M {}

impl M {
    pub(super) fn new(id: usize, sched: &'static Sched, poller: Poller) -> M {
        M {
            id,
            number: next_number(),
            sched,
            inbox: Inbox::new(),
            sleeper: Sleeper::new(),
            poller: Gate::new(poller),
            connections: CachePadded::new(AtomicUsize::new(0)),
            turn: AtomicU32::new(0),
            registered: AtomicUsize::new(0),
            errands: Errands::new(),
            settled_here: AtomicUsize::new(0),
            spawned: Count::new(),
            ended: Count::new(),
            own: Own {
                settled: UnsafeCell::new(Settled::new()),
                row: Cell::new(0),
                spinning: Cell::new(false),
                has_leftovers: Cell::new(false),
                timed: Cell::new(0),
                looked: Cell::new(0),
                round: Cell::new(0),
                row_len: Cell::new(super::find::ROW),
                clock: Cell::new(0),
                looked_at: Cell::new(0),
                pp: Cell::new(None),
                unwinding: Unwinding::new(),
                stacks: UnsafeCell::new(StackCache::new(StackPool::global())),
                events: RefCell::new(Events::with_capacity(EVENTS)),
                leftovers: RefCell::new(Vec::new()),
                roll: UnsafeCell::new(Roll::new()),
                next_id: Cell::new(0),
                ids_end: Cell::new(0),
                watched: Cell::new(None),
            },
        }
    }

    // ---- for any thread ----

    /// Puts a goroutine that settled here into the inbox, and wakes this M if it sleeps.
    pub(super) fn ready_from_afar(&self, gp: NonNull<G>) {
        // SAFETY: the caller took `gp` out of where it waited, and a G stays until its goroutine has ended.
        unsafe { self.inbox.push(gp) };
        self.nudge();
    }

    /// Gives this M's P an unstarted goroutine, and wakes the M if it sleeps.
    pub(super) fn hand(&self, gp: NonNull<G>) {
        // SAFETY: the caller took `gp` from a queue, and a G stays until its goroutine has ended.
        unsafe { self.home_p().inbox.push(gp) };
        // Its fence pairs with the one in `leave`.
        if let Some(i) = self.sched.idle.claim_one(self.id) {
            self.sched.ms()[i].nudge();
        }
        if self.sched.is_stopping() {
            // The M may have left, and then nobody else looks there.
            for gp in self.home_p().inbox.take_all() {
                self.sched.abandon(gp, Box::new(super::Stopped));
            }
        }
    }

    /// Wakes this M if it sleeps, so that it looks at its queues and its timers.
    pub(crate) fn nudge(&self) {
        if self.sleeper.wake() {
            self.ring();
        }
    }

    /// Makes the poll of this M return.
    pub(super) fn ring(&self) {
        if let Some(Err(e)) = self.poller.with(Poller::wake) {
            super::fatal("a poller cannot be woken", &e);
        }
    }

    /// Calls `f` with this M's poller, unless the runtime has shut down.
    pub(crate) fn with_poller<R>(&'static self, f: impl FnOnce(&Poller) -> R) -> Option<R> {
        match current::mp() {
            Some(mp) if std::ptr::eq(mp, self) => self.own_poller().map(f),
            _ => self.poller.with(f),
        }
    }

    /// The P that this M holds while it runs.
    pub(crate) fn home_p(&self) -> &'static P {
        &self.sched.ps()[self.id]
    }

    // ---- for its own thread ----

    /// The P that this M holds.
    #[inline]
    pub(crate) fn pp(&self) -> &'static P {
        // Only an M that holds a P runs goroutines, or code that asks.
        self.own.pp.get().expect("a running M holds a P")
    }

    pub(super) fn own_poller(&self) -> Option<&Poller> {
        // SAFETY: this is the M's own thread, and it closes the poller as its last act.
        unsafe { self.poller.own() }
    }

    pub(super) fn close_poller(&self) {
        // SAFETY: this is the M's own thread, and no reference is held across the call.
        unsafe { self.poller.close() }
    }

    /// Does something with the settled queue.
    #[inline]
    fn with_settled<R>(&self, f: impl FnOnce(&mut Settled) -> R) -> R {
        // SAFETY: this is the M's own thread, and no caller's `f` comes back here.
        f(unsafe { &mut *self.own.settled.get() })
    }

    /// Does something with the roll.
    #[inline]
    fn with_roll<R>(&self, f: impl FnOnce(&mut Roll) -> R) -> R {
        // SAFETY: this is the M's own thread, and no caller's `f` comes back here.
        f(unsafe { &mut *self.own.roll.get() })
    }

    /// Who is at this place of the roll.
    pub(super) fn on_roll(&self, place: usize) -> NonNull<G> {
        self.with_roll(|roll| roll.at(place))
    }

    /// Gives back what a burst of goroutines has left of the roll.
    pub(super) fn trim_roll(&self) {
        self.with_roll(|roll| roll.trim(self.settled_here()));
    }

    /// Who is in the settled queue.
    pub(super) fn queued_here(&self) -> Vec<NonNull<G>> {
        self.with_settled(|settled| settled.all())
    }

    /// How many goroutines have settled here and not ended.
    pub(crate) fn settled_here(&self) -> usize {
        self.settled_here.load(Relaxed)
    }

    /// Takes the oldest of the settled queue.
    #[inline]
    pub(super) fn take_settled(&self) -> Option<NonNull<G>> {
        self.with_settled(Settled::pop)
    }

    /// How many goroutines are in the settled queue.
    pub(super) fn settled_len(&self) -> u32 {
        self.with_settled(|settled| u32::try_from(settled.len()).unwrap_or(u32::MAX / 2))
    }

    /// Puts a goroutine that settled here into the settled queue.
    #[inline]
    pub(super) fn ready_here(&self, gp: NonNull<G>) {
        // SAFETY: a G stays until its goroutine has ended.
        unsafe { gp.as_ref() }.status.ready();
        self.with_settled(|settled| settled.push(gp));
    }

    /// As [`ready_here`](M::ready_here), for a goroutine whose memory is better not touched yet. Its state says that it waits, until
    /// it runs, or [`note_queued`](M::note_queued) is called.
    #[inline]
    pub(crate) fn ready_unseen(&self, gp: NonNull<G>) {
        self.with_settled(|settled| settled.push(gp));
    }

    /// Lets the state of those in the settled queue say so.
    pub(super) fn note_queued(&self) {
        // SAFETY: a G stays until its goroutine has ended.
        self.with_settled(|settled| settled.show_new(|gp| unsafe { gp.as_ref() }.status.note_queued()));
    }

    /// Puts an unstarted goroutine that is to start here, and nowhere else, into the settled queue.
    pub(super) fn start_here(&self, gp: NonNull<G>) {
        self.with_settled(|settled| settled.push(gp));
    }

    /// Whether there are unstarted goroutines that this M would start next.
    pub(super) fn has_unstarted(&self) -> bool {
        !self.pp().runq.is_empty() || !self.sched.globq.is_empty()
    }

    /// A goroutine number; numbers are unique in the process and count up roughly.
    pub(crate) fn next_id(&self) -> u64 {
        let mut next = self.own.next_id.get();
        if next == self.own.ids_end.get() {
            next = super::take_ids(ID_BATCH);
            self.own.ids_end.set(next + ID_BATCH);
        }
        self.own.next_id.set(next + 1);
        next
    }

    /// Queues a goroutine that was just spawned here, to run next unless somebody takes it first. True if there were so many already
    /// that the ring has overflowed.
    #[inline]
    pub(crate) fn spawn(&'static self, gp: NonNull<G>) -> bool {
        self.spawned.add_own();
        // SAFETY: a G stays until its goroutine has ended.
        if unsafe { gp.as_ref() }.head().pinned.get() {
            self.start_here(gp);
            return false;
        }
        let displaced = self.pp().runq.put_next(gp.as_ptr());
        let has_overflowed = displaced.is_some_and(|displaced| self.enqueue(displaced));
        self.wake_another();
        has_overflowed
    }

    /// Queues an unstarted goroutine after the others.
    pub(super) fn queue(&'static self, gp: NonNull<G>) {
        self.enqueue(gp.as_ptr());
        self.wake_another();
    }

    /// Lets an M that sleeps look for what was queued here.
    pub(super) fn wake_another(&self) {
        // Alone, this M would wake nobody but itself.
        if self.sched.ps.len() > 1 {
            self.sched.wake_one();
        }
    }

    /// Puts an unstarted goroutine at the end of the ring; true if that has overflowed.
    pub(super) fn enqueue(&self, gp: *mut G) -> bool {
        let mut has_overflowed = false;
        self.pp().runq.push(gp, |batch| {
            has_overflowed = true;
            // The ring holds no null pointers.
            let batch = batch.iter().map(|&gp| NonNull::new(gp).expect("queued pointers are not null"));
            // SAFETY: they come out of the ring just now, and a G stays until its goroutine has ended.
            if !unsafe { self.sched.globq.push_all(batch.clone()) } {
                batch.for_each(|gp| self.sched.abandon(gp, Box::new(super::Stopped)));
            }
        });
        has_overflowed
    }

    /// Runs `gp` until it parks, yields or ends.
    #[inline]
    pub(super) fn execute(&'static self, gp: NonNull<G>) {
        // SAFETY: goroutines live until they end.
        let gp = match unsafe { gp.as_ref() }.mp() {
            Some(_) => gp,
            None => match self.start(gp) {
                Some(seated) => seated,
                None => return,
            },
        };
        // SAFETY: as above.
        let g = unsafe { gp.as_ref() };
        g.status.run();
        self.own.unwinding.before(g);
        current::begin_turn(gp, budget::TURN);
        // SAFETY: this is the M that `gp` has settled on.
        let progress = unsafe { g.resume() };
        current::end_turn();
        self.own.unwinding.after(g, matches!(progress, Progress::Finished));
        if self.own.has_leftovers.get() {
            self.finish_leftovers();
        }
        if let Progress::Finished = progress {
            self.finish(gp);
        }
    }

    /// Stops looking for work. The last to do so sends another to look, because there may be more.
    #[cold]
    pub(super) fn found_work(&self) {
        self.own.spinning.set(false);
        if self.sched.idle.stop_spinning() {
            self.sched.wake_one();
        }
    }

    /// Gives `gp` a stack and settles it here. None if it went to another M, or no stack could be
    /// had.
    #[inline(never)]
    fn start(&'static self, gp: NonNull<G>) -> Option<NonNull<G>> {
        if !place::stays(self, gp) {
            return None;
        }
        // SAFETY: goroutines live until they end.
        let g = unsafe { gp.as_ref() };
        let size = g.head().spec.stack_size.map_or(self.sched.stack_size, NonZero::get);
        // SAFETY: this is the M's own thread, and the cache calls nobody back.
        let stack = match unsafe { &mut *self.own.stacks.get() }.take(size) {
            Ok(stack) => stack,
            Err(e) => {
                NOT_STARTED.report(format_args!("{} was not started: {e}", g.head()));
                self.sched.abandon(gp, Box::new(e));
                return None;
            }
        };
        // SAFETY: it came from a queue, and this is the M's own thread.
        let gp = unsafe { g.start(stack, self) };
        self.with_roll(|roll| roll.enter(gp, &self.settled_here));
        Some(gp)
    }

    /// Takes leave of a goroutine that has returned.
    #[inline(never)]
    fn finish(&self, gp: NonNull<G>) {
        // SAFETY: its stack, and so its seat, is still its own.
        let g = unsafe { gp.as_ref() };
        let head = g.head_ptr();
        self.with_roll(|roll| roll.leave(gp, &self.settled_here));
        // SAFETY: this is the M that `gp` has settled on, and it has finished.
        let stack = unsafe { g.end() };
        // SAFETY: this is the M's own thread, and the cache calls nobody back.
        unsafe { &mut *self.own.stacks.get() }.put(stack);
        self.sched.retire_by(head, || self.ended.add_own());
    }

    /// Gives the cached stacks back to the shared pool.
    pub(super) fn flush_stacks(&self) {
        // SAFETY: this is the M's own thread, and the cache calls nobody back.
        unsafe { &mut *self.own.stacks.get() }.flush();
    }
}
