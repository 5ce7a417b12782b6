//! `Goroutine`: a handle to a goroutine, as `std::thread::Thread` is to a thread.

use std::fmt;
use std::num::NonZero;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};

use crate::sched::{self, GRef, State, WaitReason, budget};
use crate::timer;

/// The number of a goroutine: unique in the process, never used again. An `Option` of it takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoroutineId(NonZero<u64>);

impl fmt::Display for GoroutineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A handle to a goroutine, or to a plain thread that called into the runtime.
#[derive(Clone)]
pub struct Goroutine(pub(super) GRef);

// What is shared by way of it are atomics, and what never changes: a panic leaves nothing half done there.
impl UnwindSafe for Goroutine {}
impl RefUnwindSafe for Goroutine {}

impl Goroutine {
    /// Its number.
    pub fn id(&self) -> GoroutineId {
        GoroutineId(NonZero::new(self.0.id).expect("goroutines are numbered from 1"))
    }

    /// Its name, if it was given one. A plain thread's is the thread's.
    pub fn name(&self) -> Option<&str> {
        self.0.spec.name.as_deref()
    }

    /// Where it was spawned. For a plain thread this says nothing.
    pub fn spawn_site(&self) -> &'static Location<'static> {
        self.0.spec.site
    }

    /// What it waits for at this moment, if it waits. It may be running again by the time the
    /// caller looks, and where what it waits for has just come at a descriptor, it is still said to wait until it runs. This is
    /// for reports.
    pub fn wait_reason(&self) -> Option<WaitReason> {
        budget::charge(budget::CHECK);
        match self.0.state() {
            State::Waiting(reason) => Some(reason),
            _ => None,
        }
    }

    /// Ends its [`park`](super::park), or the next one if it is not parked now. One `unpark` ends
    /// one `park`, however often it is called before that. What was done before `unpark` is seen
    /// after `park`.
    ///
    /// Waits of other kinds, such as reading or sleeping, are not ended by it.
    #[inline]
    pub fn unpark(&self) {
        if !timer::notify::<timer::ForPrograms>(&self.0) {
            budget::charge(budget::CHECK);
        }
    }
}

impl fmt::Debug for Goroutine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Goroutine").field("id", &self.0.id).field("name", &self.name()).finish_non_exhaustive()
    }
}

impl fmt::Display for Goroutine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.0, f)
    }
}

/// The calling goroutine. On a plain thread, a handle that can be unparked all the same.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
///
/// let g = marmot::Builder::new().name("worker").spawn(|| marmot::current())?.join().unwrap();
/// assert_eq!(g.name(), Some("worker"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn current() -> Goroutine {
    // SAFETY: the caller's own G.
    Goroutine(GRef::of(unsafe { sched::waiter().as_ref() }.head()))
}
