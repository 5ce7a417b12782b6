//! G: a goroutine, and its head.
//!
//! What is known of a goroutine is in two places. The **head** is made when the goroutine is spawned, in one allocation
//! with the closure and, later, the result ([`super::cell`]): what handles share, and what is looked at once in a life.
//! The **G** is what queues and places to wait hold, and what every switch touches. One that has not started is in the
//! allocation of its head. When a goroutine starts and gets its stack, it also gets another G, at the very top of that
//! stack, its *seat*: so a switch touches one page of memory, which it needs for the stack anyway, and a goroutine that
//! waits costs little more than that page.
//!
//! | field of a G | who may touch it |
//! |---|---|
//! | `link` | the queue that holds the goroutine |
//! | `coro`, `suspender`, `resume_point`, `first_look`, `unwinds`, `will` | the M that the goroutine has settled on; before that, whoever took it from a queue |
//! | `context` | the goroutine itself; while it does not run, whoever may resume or start it. It moves to the seat at the start |
//! | `status` | as those; anyone may read it |
//! | `timer` | the goroutine itself; it fires on any M |
//! | `mp`, `head` | immutable |
//!
//! Beside the G, a seat has what is of no use before the start: `roll_place`, `since` and `wait`, which are its M's alone.
//!
//! | field of a head | who may touch it |
//! |---|---|
//! | `token`, `join`, `refs` | anyone, atomically |
//! | `started` | written by the M that starts and ends the goroutine; anyone may read it |
//! | `attribute` | the goroutine itself |
//! | `labels`, `entered`, `unlimited` | the goroutine itself; while it does not run, whoever may resume or start it |
//! | `pinned`, `placing` | whoever took the unstarted goroutine from a queue; at its end, its M |
//! | `unstarted` | a G, see above |
//! | the rest | immutable |
//!
//! A plain thread that waits has both, too, so that every place where one can wait knows only one kind of waiter: see
//! [`super::thread`].

use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::mem::offset_of;
use std::num::NonZero;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use marmot_coro::{Coroutine, ResumePoint, SEAT_SIZE, Saved, Stack, Suspender, prefetch};

use super::Sched;
use super::cancel::{Place, Waits};
use super::current;
use super::inbox::{Link, Linked};
use super::join::JoinWord;
use super::labels::Slot;
use super::m::M;
use super::overflow::Attribute;
use super::park;
use super::place::Placing;
use super::refs::Refs;
use super::status::{State, Status, WaitReason};
use super::thread::Parker;
use super::timers::Timer;
use super::token::Token;
use super::will::Will;
use super::within::{self, Ended, Entered};

/// What the generic cell around a head does.
pub(crate) struct VTable {
    /// Runs the closure, on the goroutine's own stack, keeps its result or its panic, and lets the
    /// joiner know.
    pub(crate) run: unsafe fn(NonNull<Head>),
    /// Drops the closure unrun, makes `why` the result, and lets the joiner know.
    pub(crate) abandon: unsafe fn(NonNull<Head>, why: Box<dyn std::any::Any + Send>),
    /// Moves the result out, to `out`: room for a `std::thread::Result` of the closure's type.
    pub(crate) take_result: unsafe fn(NonNull<Head>, out: *mut ()),
    /// Drops the result, which nobody will fetch.
    pub(crate) drop_result: unsafe fn(NonNull<Head>),
    /// Frees the allocation.
    pub(crate) free: unsafe fn(NonNull<Head>),
}

/// How a goroutine is to be made.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) name: Option<Box<str>>,
    /// Usable bytes; `None` is the runtime's default.
    pub(crate) stack_size: Option<NonZero<usize>>,
    /// Where it was spawned.
    pub(crate) site: &'static Location<'static>,
}

/// See the module. The order is that of use: a switch touches the first two lines of a seat, of which the first begins
/// with what the switch itself keeps at the top of the stack.
#[repr(C)]
pub(crate) struct G {
    coro: UnsafeCell<Option<Coroutine>>,
    pub(super) resume_point: Cell<ResumePoint>,
    suspender: Cell<*const Suspender>,
    /// The M that it has settled on; none before it has started, and for a plain thread.
    mp: Option<&'static M>,
    head: NonNull<Head>,
    /// An address that it will look at first when it goes on.
    first_look: Cell<usize>,
    pub(crate) status: Status,
    /// Whether it unwinds, by a number of its M's: see [`super::unwind`].
    pub(super) unwinds: Cell<u32>,
    /// What it works under. It is given up when the goroutine ends, so that nothing is left when the head goes, or the stack.
    pub(super) context: within::Slot,
    /// What it leaves if it never goes on.
    pub(super) will: Will,
    link: Link<G>,
    /// For `sleep` and `park_timeout`; a goroutine waits for one thing at a time.
    pub(crate) timer: Timer,
}

/// What is in the seat of a goroutine that has started.
#[repr(C)]
pub(crate) struct Seat {
    pub(crate) g: G,
    /// Its place in the roll of its M.
    pub(super) roll_place: Cell<u32>,
    /// Since when it waits, by [`super::clock`]; zero if it does not, or if nobody has asked for times.
    pub(super) since: Cell<u64>,
    /// Where it waits, if its context may end that, and else null: also when it has ended, and in memory that is new. So the start
    /// does not write it.
    pub(super) wait: Waits,
}

const _: () = assert!(size_of::<Seat>() <= SEAT_SIZE && align_of::<Seat>() <= 16, "it fits the seat of a stack");

/// See the module.
#[repr(C)]
pub(crate) struct Head {
    /// The goroutine as long as it has not started.
    unstarted: G,
    refs: Refs,
    /// For `park` and `unpark`.
    pub(crate) token: Token,
    /// For waits inside the library, which must not use up what the program's `unpark` left.
    pub(crate) inner_token: Token,
    /// Made by `go_local`: it starts on the M where it was made.
    pub(crate) pinned: Cell<bool>,
    /// The attribute whose function it runs.
    pub(super) attribute: Cell<Attribute>,
    /// A connection that was just accepted: placement spreads these (see [`super::place`]).
    pub(crate) placing: Cell<Placing>,
    /// How it hears of the end of its context.
    pub(super) entered: Entered,
    /// How many places it is in where no call yields for its budget.
    pub(super) unlimited: Cell<u32>,
    /// What its samples are marked with.
    pub(crate) labels: Slot,
    /// Where the goroutine is once it has started; null before that and after its end.
    started: AtomicPtr<G>,
    pub(crate) join: JoinWord<G>,
    vtable: &'static VTable,
    /// The runtime that it belongs to; none for a plain thread.
    pub(crate) sched: Option<&'static Sched>,
    pub(crate) id: u64,
    pub(crate) spec: Spec,
    /// Only for a plain thread.
    parker: Option<Box<Parker>>,
}

// SAFETY: the table at the module's head: each field is atomic, immutable, or touched only by the
// one M (or queue) that owns the goroutine at that time.
unsafe impl Send for G {}
// SAFETY: as above.
unsafe impl Sync for G {}
// SAFETY: as above.
unsafe impl Send for Head {}
// SAFETY: as above.
unsafe impl Sync for Head {}

// SAFETY: `link` is a field of its own, which only queues use.
unsafe impl Linked for G {
    fn link(&self) -> &Link<G> {
        &self.link
    }
}

impl G {
    fn new(head: NonNull<Head>, context: within::Slot) -> G {
        G {
            coro: UnsafeCell::new(None),
            resume_point: Cell::new(ResumePoint::default()),
            suspender: Cell::new(ptr::null()),
            mp: None,
            head,
            first_look: Cell::new(0),
            status: Status::new(),
            unwinds: Cell::new(0),
            context,
            will: Cell::new(None),
            link: Link::default(),
            timer: Timer::new(),
        }
    }

    /// The head, which lives at least until the goroutine has ended.
    #[inline]
    pub(crate) fn head(&self) -> &Head {
        // SAFETY: the scheduler has a reference to the head until the goroutine has ended, and a thread's lives as long as
        // the thread.
        unsafe { self.head.as_ref() }
    }

    pub(crate) fn head_ptr(&self) -> NonNull<Head> {
        self.head
    }

    /// The M that it has settled on; none before it has started, and for a plain thread.
    #[inline]
    pub(crate) fn mp(&self) -> Option<&'static M> {
        self.mp
    }

    /// The runtime that it belongs to; none for a plain thread.
    #[inline]
    pub(crate) fn sched(&self) -> Option<&'static Sched> {
        match self.mp {
            Some(mp) => Some(mp.sched),
            None => self.head().sched,
        }
    }

    /// Whether it has neither started, nor is a plain thread.
    #[inline]
    pub(crate) fn is_unstarted(&self) -> bool {
        self.mp.is_none() && self.head().parker.is_none()
    }

    /// What a plain thread waits at; none for a goroutine.
    #[inline]
    pub(crate) fn parker(&self) -> Option<&Parker> {
        match self.mp {
            Some(_) => None,
            None => self.head().parker.as_deref(),
        }
    }

    /// Seats an unstarted goroutine on `stack`, settled on `mp`, to run its closure there: the G that it is from now on.
    ///
    /// # Safety
    ///
    /// The caller took the goroutine from a queue, and is `mp`'s own thread.
    pub(crate) unsafe fn start(&self, stack: Stack, mp: &'static M) -> NonNull<G> {
        let (head, seat) = (self.head, stack.seat().cast::<G>());
        let beside = seat.cast::<Seat>().as_ptr();
        let coro = Coroutine::new(stack, move |suspender| {
            // SAFETY: seated below, before it is resumed, and until it ends.
            unsafe { seat.as_ref() }.suspender.set(suspender);
            // SAFETY: this is the goroutine itself, once.
            unsafe { (head.as_ref().vtable.run)(head) }
        });
        let place = seat.as_ptr();
        // Pairs with the fence in `Head::state`: who sees a status of this goroutine sees that the one before has ended.
        fence(Release);
        // The status is the one field that somebody may look at who has the address of an earlier goroutine of this stack,
        // so it is never written but atomically, and the others one by one.
        // SAFETY: a seat has the size and the alignment, its stack is the coroutine's alone, and memory of stacks is never
        // unmapped.
        unsafe {
            (&raw mut (*place).coro).write(UnsafeCell::new(Some(coro)));
            (&raw mut (*place).resume_point).write(Cell::default());
            (&raw mut (*place).suspender).write(Cell::new(ptr::null()));
            (&raw mut (*place).mp).write(Some(mp));
            (&raw mut (*place).head).write(head);
            (&raw mut (*place).first_look).write(Cell::new(0));
            (&raw mut (*place).link).write(Link::default());
            (&raw mut (*place).unwinds).write(Cell::new(0));
            (&raw mut (*place).context).write(self.context.take());
            (&raw mut (*place).will).write(Cell::new(None));
            (&raw mut (*place).timer).write(Timer::new());
            (&raw mut (*beside).since).write(Cell::new(0));
            (*place).status.reset();
        }
        // Release pairs with the Acquire in `Head::started` and `Head::state`.
        self.head().started.store(place, Release);
        seat
    }

    /// Takes the stack of a goroutine that has returned. Its G is gone with it.
    ///
    /// # Safety
    ///
    /// Only for the M that the goroutine has settled on, once, after the coroutine has finished.
    pub(crate) unsafe fn end(&self) -> Stack {
        // Relaxed: whoever reads it afterwards finds null, or an address whose status still can be read.
        self.head().started.store(ptr::null_mut(), Relaxed);
        // SAFETY: the M is alone with it.
        let coro = unsafe { &mut *self.coro.get() }.take();
        // `start` made it.
        coro.expect("a started goroutine has a stack").into_stack()
    }

    /// Runs it until it suspends itself or has finished.
    ///
    /// # Safety
    ///
    /// Only for the M that the goroutine has settled on, outside the goroutine itself.
    #[inline]
    pub(crate) unsafe fn resume(&self) -> marmot_coro::Progress {
        // SAFETY: the caller is alone with the coroutine.
        let coro = unsafe { &mut *self.coro.get() };
        // `start` made it, and `end` alone takes it away.
        coro.as_mut().expect("a started goroutine has a stack").resume()
    }

    /// Asks for the memory that readying it touches. It need not be alive.
    #[inline]
    pub(crate) fn ask_to_ready(gp: NonNull<G>) {
        prefetch(gp.addr().get() + offset_of!(G, mp));
    }

    /// Asks for the first memory that resuming it touches. It need not be alive.
    #[inline]
    pub(crate) fn ask_to_resume(gp: NonNull<G>) {
        prefetch(gp.addr().get());
        prefetch(gp.addr().get() + offset_of!(G, mp));
    }

    /// Asks for the rest of the memory that resuming it touches. Only for the M that it has settled on.
    #[inline]
    pub(crate) fn ask_for_the_rest(&self) {
        self.resume_point.get().prefetch();
        prefetch(self.first_look.get());
    }

    /// Says which address it will look at first when it goes on.
    #[inline]
    pub(crate) fn looks_first_at(&self, address: usize) {
        self.first_look.set(address);
    }

    /// Switches away, to the M's loop.
    ///
    /// # Safety
    ///
    /// Only from within the goroutine.
    #[inline]
    pub(crate) unsafe fn suspend(&self) {
        let mut saved = Saved::new();
        self.resume_point.set(ResumePoint::here(&mut saved));
        // SAFETY: set at the coroutine's entry, and valid until that entry returns, after the
        // caller does.
        unsafe { (*self.suspender.get()).suspend() }
    }

    /// Where its timer is.
    pub(crate) const TIMER: usize = offset_of!(G, timer);
}

impl Seat {
    /// The seat of a goroutine.
    ///
    /// # Safety
    ///
    /// `gp` is the G of one that has started and has not ended, and the caller is that goroutine, or the M that it has
    /// settled on.
    #[inline]
    pub(super) unsafe fn of<'a>(gp: NonNull<G>) -> &'a Seat {
        // SAFETY: `G::start` has put the G there, at the beginning of a seat.
        unsafe { gp.cast().as_ref() }
    }

    /// Since when it waits, where that is known.
    pub(crate) fn waits_since(&self) -> Option<u64> {
        Some(self.since.get()).filter(|&since| since != 0)
    }
}

impl Head {
    /// Makes a head at `place`, with `refs` references.
    ///
    /// # Safety
    ///
    /// `place` is room for it, and it stays there until it is freed by the vtable.
    #[inline(always)]
    pub(crate) unsafe fn make(
        place: NonNull<Head>,
        sched: Option<&'static Sched>,
        id: u64,
        spec: Spec,
        vtable: &'static VTable,
        refs: u32,
        parker: Option<Box<Parker>>,
    ) {
        let (labels, context) = if sched.is_some() { inherited() } else { (Slot::empty(), within::Slot::empty()) };
        let head = Head {
            unstarted: G::new(place, context),
            refs: Refs::new(refs),
            token: Token::new(),
            inner_token: Token::new(),
            pinned: Cell::new(false),
            attribute: Cell::new(Attribute::None),
            placing: Cell::new(Placing::Free),
            entered: Cell::new(0),
            unlimited: Cell::new(0),
            labels,
            started: AtomicPtr::default(),
            join: JoinWord::new(),
            vtable,
            sched,
            id,
            spec,
            parker,
        };
        // SAFETY: the caller's word.
        unsafe { place.write(head) }
    }

    /// The G of a goroutine that has not started, or of a plain thread.
    pub(crate) fn unstarted(head: NonNull<Head>) -> NonNull<G> {
        const { assert!(offset_of!(Head, unstarted) == 0) };
        head.cast()
    }

    /// The G of a started goroutine. For whoever has to ready it, that is, took it out of where it waits.
    pub(crate) fn started(&self) -> NonNull<G> {
        // Acquire pairs with the Release in `G::start`.
        NonNull::new(self.started.load(Acquire)).unwrap_or(NonNull::from(&self.unstarted))
    }

    /// The seat of a started goroutine that has not ended. For its M.
    pub(super) fn seated(&self) -> Option<NonNull<G>> {
        NonNull::new(self.started.load(Relaxed))
    }

    /// What the goroutine is doing, for reports.
    pub(crate) fn state(&self) -> State {
        let gp = self.started.load(Acquire);
        // SAFETY: it is the seat of this goroutine, or was; memory of stacks is never unmapped, and a status in a seat is
        // never written but atomically.
        let status = NonNull::new(gp).map(|gp| unsafe { (*gp.as_ptr()).status.get() });
        // Pairs with the fence in `G::start`.
        fence(Acquire);
        match status {
            // Still the same goroutine's, so the status was.
            Some(state) if self.started.load(Relaxed) == gp => state,
            _ if self.join.is_done() => State::Dead,
            _ => self.unstarted.status.get(),
        }
    }

    /// Waits until it has ended. Only for its one handle.
    pub(crate) fn wait_for_end(&self) {
        if self.join.is_done() {
            return;
        }
        let gp = park::waiter();
        if self.join.publish(gp) {
            park::park(gp, WaitReason::Join);
            debug_assert!(self.join.is_done());
        }
    }

    /// As [`Head::wait_for_end`]; false if the caller's context has ended first.
    #[inline]
    pub(crate) fn wait_for_end_or_cancelled(&self) -> bool {
        if self.join.is_done() {
            return true;
        }
        match current::gp() {
            // SAFETY: the goroutine that runs here has not ended.
            Some(gp) if unsafe { gp.as_ref() }.context.is_empty() => {
                if self.join.publish(gp) {
                    park::park_here(gp, WaitReason::Join, 0);
                    debug_assert!(self.join.is_done());
                }
                true
            }
            _ => self.wait_for_end_under(),
        }
    }

    #[cold]
    #[inline(never)]
    fn wait_for_end_under(&self) -> bool {
        if within::own_has_ended() {
            return false;
        }
        let gp = park::waiter();
        !self.join.publish(gp) || within::park_in(gp, WaitReason::Join, &Joining(self, gp)) == Ended::Readied
    }

    pub(crate) fn vtable(&self) -> &'static VTable {
        self.vtable
    }

    /// Drops one reference.
    ///
    /// # Safety
    ///
    /// The caller owns one, and does not use it afterwards.
    pub(crate) unsafe fn release(head: NonNull<Head>) {
        // SAFETY: a reference keeps the head alive.
        let h = unsafe { head.as_ref() };
        if h.refs.release() {
            // SAFETY: that was the last reference.
            unsafe { (h.vtable.free)(head) }
        }
    }
}

/// What a new goroutine takes over from what runs on this thread.
#[inline]
fn inherited() -> (Slot, within::Slot) {
    match current::gp() {
        Some(gp) => {
            // SAFETY: the goroutine that runs here has not ended.
            let own = unsafe { gp.as_ref() };
            let labels = &own.head().labels;
            if labels.is_empty() && own.context.is_empty() {
                return (Slot::empty(), within::Slot::empty());
            }
            copied(labels, &own.context)
        }
        None => current::with_thread_labels(|labels| current::with_thread_context(|context| copied(labels, context))),
    }
}

#[cold]
#[inline(never)]
fn copied(labels: &Slot, context: &within::Slot) -> (Slot, within::Slot) {
    (labels.copy(), context.copy())
}

/// Where somebody waits for the end of a goroutine.
struct Joining<'a>(&'a Head, NonNull<G>);

// SAFETY: the address is compared only.
unsafe impl Sync for Joining<'_> {}

impl Place for Joining<'_> {
    fn retract(&self) -> bool {
        self.0.join.retract(self.1)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "goroutine {}", self.id)?;
        if let Some(name) = &self.spec.name {
            write!(f, " '{name}'")?;
        }
        write!(f, " (spawned at {})", self.spec.site)
    }
}

/// A counted reference to a head.
pub(crate) struct GRef(NonNull<Head>);

// SAFETY: the count is atomic, and what can be reached through `&Head` is as the table at the module's
// head says.
unsafe impl Send for GRef {}
// SAFETY: as above.
unsafe impl Sync for GRef {}

impl GRef {
    /// Takes over one reference that the caller owns.
    ///
    /// # Safety
    ///
    /// The caller owns it.
    pub(crate) unsafe fn from_owned(head: NonNull<Head>) -> GRef {
        GRef(head)
    }

    /// Adds a reference.
    pub(crate) fn of(head: &Head) -> GRef {
        head.refs.share("too many handles to a goroutine");
        // The address that the head knows of itself may be used for the whole allocation.
        GRef(head.unstarted.head)
    }

    pub(crate) fn as_ptr(&self) -> NonNull<Head> {
        self.0
    }

    /// The G of a goroutine that has not started, or of a plain thread.
    pub(crate) fn unstarted(&self) -> NonNull<G> {
        Head::unstarted(self.0)
    }
}

impl std::ops::Deref for GRef {
    type Target = Head;

    fn deref(&self) -> &Head {
        // SAFETY: a reference keeps the head alive.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for GRef {
    fn clone(&self) -> GRef {
        GRef::of(self)
    }
}

impl Drop for GRef {
    fn drop(&mut self) {
        // SAFETY: this reference is owned and not used again.
        unsafe { Head::release(self.0) }
    }
}
