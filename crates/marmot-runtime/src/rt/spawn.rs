//! Making goroutines.

use std::panic::Location;
use std::ptr::NonNull;

use super::join::{JoinHandle, LocalJoinHandle};
use crate::context::Context;
use crate::netpoll;
use crate::sched::{self, G, GRef, Head, Placing, Sched, Spec, budget, current};

/// A goroutine that was made and is not queued yet. The scheduler's reference to it is the caller's
/// for now.
pub(super) struct New {
    gp: NonNull<G>,
    sched: &'static Sched,
}

impl New {
    /// Makes one on `sched`, with a reference for the scheduler and one for a handle.
    pub(super) fn make<F: FnOnce() -> T, T>(sched: &'static Sched, spec: Spec, f: F) -> (New, GRef) {
        let id = match current::mp() {
            Some(mp) => mp.next_id(),
            None => sched::next_id(),
        };
        let head = sched::new_goroutine(sched, id, spec, 2, f);
        // SAFETY: of the two references that it was made with, one goes to the handle.
        (New { gp: Head::unstarted(head), sched }, unsafe { GRef::from_owned(head) })
    }

    /// Queues it, for a caller that lets others run where there are too many.
    pub(super) fn start(self) {
        if self.queue() {
            budget::catch_up();
        }
        budget::charge(budget::SPAWN);
    }

    /// Queues it. True if the ring has overflowed.
    #[inline]
    fn queue(self) -> bool {
        if current::take_accept() {
            // SAFETY: it is new, and only this thread knows it.
            unsafe { self.gp.as_ref() }.head().placing.set(Placing::Fresh);
        }
        match current::mp().filter(|mp| std::ptr::eq(mp.sched, self.sched)) {
            Some(mp) => mp.spawn(self.gp),
            None => {
                self.sched.spawn(self.gp);
                false
            }
        }
    }
}

pub(super) fn spec(site: &'static Location<'static>) -> Spec {
    Spec { name: None, stack_size: None, site }
}

/// The calling goroutine's scheduler, or the default one.
///
/// # Panics
///
/// If the default one cannot be started.
#[inline]
pub(super) fn sched_here() -> &'static Sched {
    match current::mp() {
        Some(mp) => mp.sched,
        None => sched_outside(),
    }
}

#[cold]
fn sched_outside() -> &'static Sched {
    netpoll::sched_here().unwrap_or_else(|e| panic!("the default runtime cannot be started: {e}"))
}

/// Starts a goroutine: `f` runs concurrently with the caller.
///
/// Called in a goroutine, it uses that one's runtime; on a plain thread, the default runtime, which
/// starts on first use with as many Ps as the process may use cores (or `MARMOT_MAXPROCS`).
///
/// # What must not be held across a call that parks
///
/// The goroutines of one M take turns on one thread. Every call that parks may let another goroutine run; locking a `marmot` mutex
/// that another goroutine holds is such a call. Any other call into this library may also yield: a goroutine that makes thousands of
/// calls without parking yields in one of them, so that a polling loop does not monopolise its M. Two kinds of thread-wide state are
/// therefore unsafe to hold across such a call, and the compiler catches neither:
///
/// **Locks that block the thread: a deadlock.** These are the locks of `std` and `parking_lot`, a `StdinLock`, and the initialisers of
/// `std`'s `LazyLock`, `OnceLock` and `Once`. If another goroutine of the same M waits for such a lock while the holder is parked, it
/// blocks the M, and the holder never runs again. The locks of [`sync`](crate::sync) may be held.
///
/// **Thread-wide state that a call changes and restores on return: undefined behaviour, a panic, or wrong results.** Libraries
/// assume that such calls nest, as they do on a plain thread. The calls of two goroutines on one thread can interleave instead. A
/// counter tolerates that. A flag does not, and neither does a pointer or any value that is saved and later restored: the second
/// goroutine sees the state that the first one set. For example:
///
/// * The initialiser of a `std::thread_local!`. If another goroutine of the thread uses the thread-local while the first is parked in
///   the initialiser, it runs the initialiser again. When the first goroutine continues, `std` drops the value that the other
///   one may have borrowed: **undefined behaviour in safe code**. [`marmot::thread_local!`](crate::thread_local) panics instead,
///   and is otherwise the same.
/// * `critical_section::with`, with the feature `std` of that crate. A flag of the thread says that the thread is inside already, so a
///   second goroutine enters as well. It may still be inside after the first one has released the lock and another thread
///   has taken it: **undefined behaviour in safe code**.
/// * `scoped_tls`'s `set`. The pointer that one goroutine restores may point to the stack of another goroutine that has ended in the
///   meantime: **undefined behaviour in safe code**.
/// * Guards for something "current", such as an entered span of `tracing` or an entered runtime of `tokio`: the wrong one is current,
///   or the guard panics.
/// * A panic hook. `std` sets a flag of the thread while the hook runs, and a second panic on that thread then aborts the process.
///
/// Read, sleep, lock and join before or after such calls, not inside them. Keep state that belongs to one goroutine in its
/// [context](crate::context).
///
/// # What a goroutine inherits, and where it runs
///
/// It inherits the caller's [context](crate::context), and is cancelled with it.
///
/// Once it has started, a goroutine stays on one M, and so on one thread, for life: thread-locals,
/// `Rc`s, borrows inside `LocalKey::with` and everything else that is not `Send` may live on its
/// stack across calls that park. It shares the thread-locals with the other goroutines of its thread: **their destructors do
/// not run when the goroutine ends**, but when the thread ends.
///
/// The goroutine gets its stack when it first runs. If none can be had then, that is reported on
/// standard error, `f` is dropped, and [`join`](JoinHandle::join) returns the reason.
///
/// # Panics
///
/// If the default runtime has to be started and cannot be. A panic in `f` is caught, reported with
/// the goroutine's number, name and spawn site, and handed to whoever joins.
///
/// # Blocking
///
/// Nothing. If many goroutines are waiting to start, a goroutine that spawns another one yields to them first, so that a spawning
/// loop does not grow the queue without bound.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
///
/// let handle = marmot::go(|| 6 * 7);
/// assert_eq!(handle.join().unwrap(), 42);
/// ```
#[track_caller]
pub fn go<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    go_on(sched_here(), spec(Location::caller()), f)
}

/// Starts a goroutine on `sched`.
pub(crate) fn go_on<F, T>(sched: &'static Sched, spec: Spec, f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (new, handle) = New::make(sched, spec, f);
    new.start();
    // SAFETY: the goroutine was made for this type, which is `Send`, just now.
    unsafe { JoinHandle::new(handle) }
}

/// Starts a goroutine on `sched` that works under `context`. The caller has that no more when it starts, so what is dropped with
/// it is dropped there.
pub(crate) fn go_under<F, T>(sched: &'static Sched, spec: Spec, context: Context, f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (new, handle) = context.run(|| New::make(sched, spec, f));
    drop(context);
    // Not `start`: this is called in the middle of the end of a context, and by timers.
    new.queue();
    // SAFETY: the goroutine was made for this type, which is `Send`, just now.
    unsafe { JoinHandle::new(handle) }
}

/// Starts a goroutine when something else lets it: `wait` puts it there. If it cannot, the
/// goroutine starts at once.
#[track_caller]
pub(crate) fn go_after<F, T>(f: F, wait: impl FnOnce(&GRef) -> std::io::Result<()>) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (new, handle) = New::make(sched_here(), spec(Location::caller()), f);
    // It waits without an M, so there is nothing to place.
    current::take_accept();
    new.sched.note_spawn();
    if wait(&handle).is_err() {
        sched::ready(new.gp);
    }
    // SAFETY: the goroutine was made for this type, which is `Send`, just now.
    unsafe { JoinHandle::new(handle) }
}

/// Starts a goroutine whose closure may not be sent to another thread: it runs on the caller's M.
///
/// On a plain thread there is no M for it to run on: `f` runs at once and to its end, before this
/// returns.
///
/// # Panics
///
/// As [`go`].
///
/// # Blocking
///
/// In a goroutine nothing; on a plain thread, the thread, until `f` has ended.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use marmot_runtime as marmot;
///
/// marmot::go(|| {
///     let count = Rc::new(Cell::new(0));
///     let theirs = Rc::clone(&count);
///     marmot::go_local(move || theirs.set(theirs.get() + 1)).join().unwrap();
///     assert_eq!(count.get(), 1);
/// })
/// .join()
/// .unwrap();
/// ```
#[track_caller]
pub fn go_local<F, T>(f: F) -> LocalJoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    go_local_with(spec(Location::caller()), f)
}

pub(super) fn go_local_with<F, T>(spec: Spec, f: F) -> LocalJoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let sched = sched_here();
    let (new, handle) = New::make(sched, spec, f);
    if current::mp().is_some() {
        // SAFETY: it is new, and only this thread knows it.
        unsafe { new.gp.as_ref() }.head().pinned.set(true);
        new.start();
    } else {
        sched.run_here(new.gp);
    }
    // SAFETY: the goroutine was made for this type just now, and runs on this thread.
    unsafe { LocalJoinHandle::new(handle) }
}
