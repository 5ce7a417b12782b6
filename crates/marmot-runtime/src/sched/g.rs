//! G: the record of a goroutine.
//!
//! One allocation holds the record, the closure and, later, the result ([`super::cell`]). It is
//! made when the goroutine is spawned; the stack comes when it first runs and goes when it ends.
//!
//! | field | who may touch it |
//! |---|---|
//! | `link` | the queue that holds the goroutine |
//! | `coro`, `suspender`, `resume_point`, `timed_out` | the M that the goroutine has settled on; before that, whoever took it from a queue |
//! | `mp` | written once, by the M that first runs it; read by whoever readies it |
//! | `token`, `join`, `refs` | anyone, atomically |
//! | the rest | immutable |
//!
//! A plain thread that waits has a record, too, so that every place where one can wait knows only
//! one kind of waiter: see [`super::thread`].

use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::mem::offset_of;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use marmot_coro::{Coroutine, ResumePoint, Suspender};

use super::Sched;
use super::inbox::{Link, Linked};
use super::join::JoinWord;
use super::m::M;
use super::park;
use super::status::{Status, WaitReason};
use super::thread::Parker;
use super::timers::Timer;
use super::token::Token;

/// What the generic cell around a record does.
pub(crate) struct VTable {
    /// Runs the closure, on the goroutine's own stack, keeps its result or its panic, and lets the
    /// joiner know.
    pub(crate) run: unsafe fn(NonNull<G>),
    /// Drops the closure unrun, makes `why` the result, and lets the joiner know.
    pub(crate) abandon: unsafe fn(NonNull<G>, why: Box<dyn std::any::Any + Send>),
    /// Moves the result out, to `out`: room for a `std::thread::Result` of the closure's type.
    pub(crate) take_result: unsafe fn(NonNull<G>, out: *mut ()),
    /// Drops the result, which nobody will fetch.
    pub(crate) drop_result: unsafe fn(NonNull<G>),
    /// Frees the record.
    pub(crate) free: unsafe fn(NonNull<G>),
}

/// More references than this are a leak that must not become a use after free. The room above it is
/// for threads that count at the same time.
const MAX_REFS: u32 = u32::MAX / 2;

/// How a goroutine is to be made.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) name: Option<Box<str>>,
    /// Usable bytes; `None` is the runtime's default.
    pub(crate) stack_size: Option<usize>,
    /// Where it was spawned.
    pub(crate) site: &'static Location<'static>,
}

/// The record of a goroutine.
#[repr(C)]
pub(crate) struct G {
    link: Link<G>,
    mp: AtomicPtr<M>,
    suspender: Cell<*const Suspender>,
    resume_point: Cell<ResumePoint>,
    coro: UnsafeCell<Option<Coroutine>>,
    pub(crate) status: Status,
    pub(crate) token: Token,
    /// Made by `go_local`: it starts on the M where it was made.
    pub(crate) pinned: Cell<bool>,
    /// A connection that was just accepted: placement spreads these (see [`super::place`]).
    pub(crate) placing: Cell<super::place::Placing>,
    refs: AtomicU32,
    pub(crate) join: JoinWord<G>,
    vtable: &'static VTable,
    /// The runtime that it belongs to; none for a plain thread.
    pub(crate) sched: Option<&'static Sched>,
    pub(crate) id: u64,
    pub(crate) spec: Spec,
    /// For `sleep` and `park_timeout`; a goroutine waits for one thing at a time.
    pub(crate) timer: Timer,
    /// Only in the record of a plain thread.
    parker: Option<Box<Parker>>,
}

// SAFETY: the table at the module's head: each field is atomic, immutable, or touched only by the
// one M (or queue) that owns the goroutine at that time.
unsafe impl Send for G {}
// SAFETY: as above.
unsafe impl Sync for G {}

// SAFETY: `link` is a field of its own, which only queues use.
unsafe impl Linked for G {
    fn link(&self) -> &Link<G> {
        &self.link
    }
}

impl G {
    /// A record with `refs` references.
    pub(crate) fn new(
        sched: Option<&'static Sched>,
        id: u64,
        spec: Spec,
        vtable: &'static VTable,
        refs: u32,
        parker: Option<Box<Parker>>,
    ) -> G {
        G {
            link: Link::default(),
            mp: AtomicPtr::default(),
            suspender: Cell::new(std::ptr::null()),
            resume_point: Cell::new(ResumePoint::default()),
            coro: UnsafeCell::new(None),
            status: Status::new(),
            token: Token::new(),
            pinned: Cell::new(false),
            placing: Cell::new(super::place::Placing::Free),
            refs: AtomicU32::new(refs),
            join: JoinWord::new(),
            vtable,
            sched,
            id,
            spec,
            timer: Timer::new(),
            parker,
        }
    }

    /// The M that it has settled on; none before it has started, and for a plain thread.
    pub(crate) fn mp(&self) -> Option<&'static M> {
        // SAFETY: only `settle` writes it. Relaxed: whoever holds the goroutine got it by an
        // Acquire from a place where its M had put it.
        unsafe { self.mp.load(Relaxed).as_ref() }
    }

    /// Whether it has neither started, nor is a plain thread.
    pub(crate) fn is_unstarted(&self) -> bool {
        self.parker.is_none() && self.mp().is_none()
    }

    pub(crate) fn settle(&self, mp: &'static M) {
        self.mp.store(std::ptr::from_ref(mp).cast_mut(), Relaxed);
    }

    pub(crate) fn parker(&self) -> Option<&Parker> {
        self.parker.as_deref()
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

    pub(crate) fn vtable(&self) -> &'static VTable {
        self.vtable
    }

    /// The coroutine.
    ///
    /// # Safety
    ///
    /// Only for the M that the goroutine has settled on, outside the goroutine itself.
    #[expect(clippy::mut_from_ref, reason = "the M is the only one to call, see the safety section")]
    pub(crate) unsafe fn coro(&self) -> &mut Option<Coroutine> {
        // SAFETY: the caller is alone.
        unsafe { &mut *self.coro.get() }
    }

    /// Remembers how to switch away.
    pub(crate) fn set_suspender(&self, s: &Suspender) {
        self.suspender.set(s);
    }

    /// Asks for the stack where it is going to go on. Only for the M that it has settled on.
    #[inline]
    pub(crate) fn prefetch(&self) {
        self.resume_point.get().prefetch();
    }

    /// Switches away, to the M's loop.
    ///
    /// # Safety
    ///
    /// Only from within the goroutine.
    pub(crate) unsafe fn suspend(&self) {
        self.resume_point.set(ResumePoint::here());
        // SAFETY: set at the coroutine's entry, and valid until that entry returns, after the
        // caller does.
        unsafe { (*self.suspender.get()).suspend() }
    }

    /// The record whose timer this is.
    pub(crate) fn of_timer(t: NonNull<Timer>) -> NonNull<G> {
        // SAFETY: a `Timer` handed to us sits in a record, at this offset.
        unsafe { t.byte_sub(offset_of!(G, timer)).cast() }
    }

    /// Drops one reference.
    ///
    /// # Safety
    ///
    /// The caller owns one, and does not use it afterwards.
    pub(crate) unsafe fn release(gp: NonNull<G>) {
        // SAFETY: a reference keeps the record alive.
        let g = unsafe { gp.as_ref() };
        // Release pairs with the Acquire of whoever frees: it sees all that was done through the
        // others. (A load and not a fence, because ThreadSanitizer does not know fences.)
        if g.refs.fetch_sub(1, Release) == 1 {
            g.refs.load(Acquire);
            // SAFETY: that was the last reference.
            unsafe { (g.vtable.free)(gp) }
        }
    }
}

impl fmt::Display for G {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "goroutine {}", self.id)?;
        if let Some(name) = &self.spec.name {
            write!(f, " '{name}'")?;
        }
        write!(f, " (spawned at {})", self.spec.site)
    }
}

/// A counted reference to a record.
pub(crate) struct GRef(NonNull<G>);

// SAFETY: the count is atomic, and what can be reached through `&G` is as the table at the module's
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
    pub(crate) unsafe fn from_owned(gp: NonNull<G>) -> GRef {
        GRef(gp)
    }

    /// Adds a reference.
    pub(crate) fn of(g: &G) -> GRef {
        // Relaxed: a new reference is made from one that exists.
        if g.refs.fetch_add(1, Relaxed) > MAX_REFS {
            super::fatal("too many handles to a goroutine", &"they were leaked");
        }
        GRef(NonNull::from(g))
    }

    pub(crate) fn as_ptr(&self) -> NonNull<G> {
        self.0
    }
}

impl std::ops::Deref for GRef {
    type Target = G;

    fn deref(&self) -> &G {
        // SAFETY: a reference keeps the record alive.
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
        unsafe { G::release(self.0) }
    }
}
