//! `scope`: goroutines that borrow from the caller's stack.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, RefUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex};
use std::thread::Result;

use super::Goroutine;
use super::join::Claim;
use super::spawn::{self, New};
use crate::context::{Cancel, Context};
use crate::sched::{self, G, Spec, WaitReason, budget};

/// Why a scope is cancelled that nobody has cancelled.
const PANICKED: &str = "the scope's closure or a goroutine of it panicked";

/// What the goroutines of a scope share with who opened it.
struct Shared {
    /// Goroutines that have not ended, and one for the opener until it waits.
    running: AtomicUsize,
    /// Who waits for the last of them.
    waiter: AtomicPtr<G>,
    /// One of them panicked, and nobody joined it.
    panicked: AtomicBool,
    /// What they work under, and so does the opener until it waits.
    context: Context,
    cancel: Cancel,
}

impl Shared {
    /// One of those counted is done.
    fn leave(&self) {
        // The waiter is read first: once the count is zero, the opener may be gone, though not this
        // (shared) state. Release pairs with the Acquire in `wait`: what the goroutine did is seen
        // after the scope.
        if self.running.fetch_sub(1, AcqRel) == 1 {
            // The opener has left its own count, and so has set the waiter before.
            if let Some(gp) = NonNull::new(self.waiter.load(Acquire)) {
                sched::ready(gp);
            }
        }
    }

    /// The opener waits for all.
    fn wait(&self) {
        let gp = sched::waiter();
        // Release pairs with the Acquire in `leave`, through the count.
        self.waiter.store(gp.as_ptr(), Release);
        if self.running.fetch_sub(1, AcqRel) != 1 {
            sched::park(gp, WaitReason::Scope);
        }
    }
}

/// See [`Scope::all`].
#[must_use = "the goroutines are waited for at once"]
pub(super) struct All<'a>(&'a Shared);

impl Drop for All<'_> {
    fn drop(&mut self) {
        self.0.wait();
    }
}

/// A scope in which goroutines can be started that borrow from the caller's stack; see [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    shared: Arc<Shared>,
    // Invariance, as in `std::thread::Scope`: neither lifetime may be shortened or lengthened.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

// What is shared by way of it are atomics and a context: a panic leaves nothing half done there.
impl RefUnwindSafe for Scope<'_, '_> {}

/// Opens a scope: goroutines started in it may borrow from the caller's stack, and all of them have
/// ended when this returns, also when `f` panics. As `std::thread::scope`.
///
/// The scope has a [context](crate::context) of its own, which ends with the caller's. `f` works under it, and so do the goroutines that
/// are made there. It is cancelled when `f` or a goroutine of the scope panics, be that joined or not, and by
/// [`cancel`](Scope::cancel): so nobody waits for what the others do not do any more.
///
/// # Panics
///
/// With `f`'s payload if it panics; or if a goroutine of the scope panicked that nobody joined.
///
/// # Blocking
///
/// G (a plain thread blocks), until the last goroutine of the scope has ended.
///
/// # Cancellation
///
/// The end of the caller's context is that of the scope's, and reaches `f` and the goroutines; this waits for them in any case.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
///
/// let words = vec!["one", "three"];
/// let mut total = 0;
/// marmot::scope(|s| {
///     let lengths: Vec<_> = words.iter().map(|w| s.go(move || w.len())).collect();
///     total = lengths.into_iter().map(|h| h.join().unwrap()).sum();
/// });
/// assert_eq!(total, 8);
/// ```
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope::new();
    let all = scope.all();
    let result = scope.shared.context.run(|| catch_unwind(AssertUnwindSafe(|| f(&scope))));
    if result.is_err() {
        scope.shared.cancel.cancel_with_cause(PANICKED);
    }
    drop(all);
    match result {
        Err(payload) => resume_unwind(payload),
        Ok(_) if scope.has_panicked() => panic!("a scoped goroutine panicked"),
        Ok(value) => value,
    }
}

impl Scope<'_, '_> {
    /// For who calls [`all`](Scope::all) before any goroutine is started.
    pub(super) fn new() -> Self {
        budget::charge(budget::SPAWN);
        let (context, cancel) = Context::current().with_cancel();
        Scope {
            shared: Arc::new(Shared {
                running: AtomicUsize::new(1),
                waiter: AtomicPtr::default(),
                panicked: AtomicBool::new(false),
                context,
                cancel,
            }),
            scope: PhantomData,
            env: PhantomData,
        }
    }

    /// What waits, when it is dropped, until all goroutines have ended. There is one of it, which is dropped before what they borrow is
    /// gone, also where the caller unwinds: to cancel is to drop values of the program's, and that may panic.
    pub(super) fn all(&self) -> All<'_> {
        All(&self.shared)
    }

    /// Whether a goroutine that nobody has joined panicked, or was never run.
    pub(super) fn has_panicked(&self) -> bool {
        self.shared.panicked.load(Relaxed)
    }
}

impl<'scope> Scope<'scope, '_> {
    /// What the goroutines of the scope work under.
    pub fn context(&self) -> Context {
        self.shared.context.clone()
    }

    /// Cancels the scope's context: its goroutines come back, and so does what `f` waits for. The scope still ends only when all of
    /// them have.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use marmot_runtime as marmot;
    ///
    /// marmot::scope(|s| {
    ///     let others = s.go(|| marmot::sleep_or_cancelled(Duration::from_secs(3600)));
    ///     s.cancel();
    ///     assert!(others.join().unwrap().unwrap_err().is_cancelled());
    /// });
    /// ```
    pub fn cancel(&self) {
        self.shared.cancel.cancel();
    }

    /// As [`cancel`](Scope::cancel), for a reason, which is in the errors of those who hear of it.
    pub fn cancel_with_cause(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) {
        self.shared.cancel.cancel_with_cause(cause);
    }

    /// Starts a goroutine of this scope; see [`go`](super::go). It inherits the caller's context: in `f`, and in other goroutines of
    /// the scope, that is the scope's, or one that was made from it.
    ///
    /// # Panics
    ///
    /// As [`go`](super::go).
    #[track_caller]
    pub fn go<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.start(spawn::spec(Location::caller()), f)
    }

    /// As [`go`](Scope::go), by the name that it has in `std`. With a name or a stack size of its own, a goroutine is started by
    /// [`Builder::spawn_scoped`](super::Builder::spawn_scoped).
    ///
    /// # Panics
    ///
    /// As [`go`](super::go).
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.start(spawn::spec(Location::caller()), f)
    }

    pub(super) fn start<F, T>(&'scope self, spec: Spec, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let packet = Arc::new(Packet { outcome: Mutex::new(Outcome::Unrun), shared: Arc::clone(&self.shared) });
        // Relaxed: the opener counts itself until it waits, so the count cannot reach zero here.
        self.shared.running.fetch_add(1, Relaxed);
        let body = Body { f, packet: Arc::clone(&packet), leave: Leave(Arc::clone(&self.shared)) };
        // `f` and its result live no longer than `body`, and the scope does not end before that is
        // dropped. The head itself, which may live longer, holds nothing of theirs then.
        let (new, handle) = New::make(spawn::sched_here(), spec, move || body.run());
        new.start();
        // SAFETY: the goroutine's closure returns `()`.
        let claim = unsafe { Claim::new(handle) };
        ScopedJoinHandle { claim, packet, scope: PhantomData }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("running", &self.shared.running.load(Relaxed)).finish_non_exhaustive()
    }
}

enum Outcome<T> {
    Unrun,
    Ended(Result<T>),
    Joined,
}

/// Where a goroutine of a scope leaves its result. The last of its two owners drops it, before the
/// scope ends.
struct Packet<T> {
    outcome: Mutex<Outcome<T>>,
    shared: Arc<Shared>,
}

impl<T> Packet<T> {
    fn replace(&self, outcome: Outcome<T>) -> Outcome<T> {
        // Nothing that panics runs under the lock.
        std::mem::replace(&mut *self.outcome.lock().unwrap_or_else(|e| e.into_inner()), outcome)
    }
}

impl<T> Drop for Packet<T> {
    fn drop(&mut self) {
        // Who joined knows; else the opener has to be told.
        if !matches!(self.replace(Outcome::Joined), Outcome::Ended(Ok(_)) | Outcome::Joined) {
            self.shared.panicked.store(true, Relaxed);
        }
    }
}

/// Says that a goroutine of the scope has let go of all that it borrowed.
struct Leave(Arc<Shared>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// What a goroutine of a scope owns. The fields are dropped in this order, also when it never runs.
struct Body<F, T> {
    f: F,
    packet: Arc<Packet<T>>,
    leave: Leave,
}

impl<F: FnOnce() -> T, T> Body<F, T> {
    fn run(self) {
        // Should cancelling panic, they are dropped in this order, too.
        let (_leave, packet, f) = (self.leave, self.packet, self.f);
        let result = catch_unwind(AssertUnwindSafe(|| sched::in_short_backtrace(f)));
        if let Err(payload) = &result {
            sched::report_panic(&**payload);
        }
        let has_panicked = result.is_err();
        packet.replace(Outcome::Ended(result));
        if has_panicked {
            packet.shared.cancel.cancel_with_cause(PANICKED);
        }
    }
}

/// A handle to a goroutine of a [`scope`].
pub struct ScopedJoinHandle<'scope, T> {
    claim: Claim<()>,
    packet: Arc<Packet<T>>,
    scope: PhantomData<&'scope ()>,
}

// SAFETY: the result may be sent, because `Scope::go` demands it, and the head is shared soundly.
unsafe impl<T: Send> Send for ScopedJoinHandle<'_, T> {}
// SAFETY: `&ScopedJoinHandle` gives no access to the result.
unsafe impl<T: Send> Sync for ScopedJoinHandle<'_, T> {}

impl<T> ScopedJoinHandle<'_, T> {
    /// The goroutine.
    pub fn goroutine(&self) -> &Goroutine {
        self.claim.goroutine()
    }

    /// The same, by the name that it has in `std`.
    pub fn thread(&self) -> &Goroutine {
        self.goroutine()
    }

    /// Waits for the goroutine to end, and returns what it returned.
    ///
    /// # Errors
    ///
    /// As [`JoinHandle::join`](super::JoinHandle::join), but not for the end of a context.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    ///
    /// # Cancellation
    ///
    /// It waits on: what ends the scope's context reaches the goroutine, too.
    pub fn join(self) -> Result<T> {
        let joined = self.claim.join();
        match self.packet.replace(Outcome::Joined) {
            Outcome::Ended(result) => result,
            // It never ran, and what its head holds says why.
            _ => Err(joined.err().unwrap_or_else(|| unreachable!("a goroutine that ran has a result"))),
        }
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        budget::charge(budget::CHECK);
        self.claim.is_finished()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("goroutine", self.goroutine()).finish_non_exhaustive()
    }
}
