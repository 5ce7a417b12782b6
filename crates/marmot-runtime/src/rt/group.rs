//! `group`: a scope whose goroutines may fail, and of which the first that does ends the others. After Go's `errgroup`.
//!
//! It is a [scope](super::scope()) with the first failure, and room for those that run. A failure is noted first and the context
//! cancelled then: so whoever ends because of that comes too late to be the first.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};

use super::spawn;
use super::{Builder, Scope};
use crate::context::{self, Context};
use crate::sched::{self, Ended, Spec, WaitReason};
use crate::sync::permits::{MOST, Permits};
use crate::sync::wait::{Limit, why};

/// Opens a group: goroutines that work for one end, may fail, and may borrow from the caller's stack. All of them have ended when
/// this returns, also when `f` panics.
///
/// It is what `errgroup.WithContext` is in Go, with the structure of [`scope`](super::scope()). The first error ends the whole: it is
/// returned, and the group's context is cancelled, so that the waits of the others end and they return. `f` is one of them: its
/// error counts like theirs, and what it waits for ends, too.
///
/// # Errors
///
/// The first that `f` or one of the goroutines returned. The others are dropped: as a rule they say that the context has ended.
///
/// # Panics
///
/// If `f` or one of the goroutines panics: that ends the group like an error. When all have ended, the panic of `f` goes on, or the
/// first of theirs; whatever errors there were. And if a goroutine could not be started, or the
/// destructor of an error panics.
///
/// # Blocking
///
/// G (a plain thread blocks), until the last goroutine of the group has ended.
///
/// # Cancellation
///
/// The group's context is a child of the caller's. If that ends, so do the waits of all in the group; this itself goes on until
/// they have ended.
///
/// # Examples
///
/// ```
/// use std::io::{self, Read};
/// use marmot_runtime as marmot;
/// use marmot::net::{TcpListener, TcpStream};
///
/// let silent = TcpListener::bind("127.0.0.1:0")?;
/// let addr = silent.local_addr()?;
/// let mut text = String::new();
///
/// let result = marmot::group(|g| {
///     // It would wait for ever.
///     g.go(|| TcpStream::connect(addr)?.read_to_string(&mut text).map(drop));
///     g.go(|| Err(io::Error::other("this one fails")));
///     Ok(())
/// });
/// assert_eq!(result.unwrap_err().to_string(), "this one fails");
/// # Ok::<(), io::Error>(())
/// ```
///
/// Results go into what the goroutines borrow:
///
/// ```
/// # use marmot_runtime as marmot;
/// let words = ["1", "2", "3"];
/// let mut numbers = [0; 3];
/// marmot::group(|g| {
///     g.set_limit(2);
///     for (number, word) in numbers.iter_mut().zip(words) {
///         g.go(move || {
///             *number = word.parse()?;
///             Ok(())
///         });
///     }
///     Ok::<(), std::num::ParseIntError>(())
/// })?;
/// assert_eq!(numbers, [1, 2, 3]);
/// # Ok::<(), std::num::ParseIntError>(())
/// ```
pub fn group<'env, F, T, E>(f: F) -> Result<T, E>
where
    F: for<'scope> FnOnce(Group<'scope, 'env, E>) -> Result<T, E>,
    E: Send,
{
    let scope = Scope::new();
    let shared = Shared { room: Room::new(), first: Mutex::new(None) };
    let group = Group { scope: &scope, shared: NonNull::from(&shared) };
    // From here on nothing unwinds past the goroutines, which have a pointer to what is shared.
    let all = scope.all();
    let open = || f(group).map_err(|error| group.fail(Failure::Error(error), OPENER));
    let result = scope.context().run(|| catch_unwind(AssertUnwindSafe(open)));
    if result.is_err() {
        scope.cancel_with_cause(format!("{OPENER} has panicked"));
    }
    drop(all);
    // What the program has hung on the context does not outlive the group.
    scope.cancel();
    let value = result.unwrap_or_else(|payload| resume_unwind(payload));
    let first = shared.first().take();
    match (first, value) {
        (Some(Failure::Panic(payload)), _) => resume_unwind(payload),
        _ if scope.has_panicked() => panic!("a goroutine of a group could not be started, or its error not be dropped"),
        (Some(Failure::Error(error)), _) => Err(error),
        (None, Ok(value)) => Ok(value),
        (None, Err(())) => unreachable!("an error of the opener is a failure"),
    }
}

/// Who opened a group, in what its context says.
const OPENER: &str = "the closure that was given to `group`";

/// The way into a group: what starts its goroutines; see [`group`]. It is copied into those that start others themselves.
pub struct Group<'scope, 'env, E> {
    scope: &'scope Scope<'scope, 'env>,
    // It lives as long as the scope. A reference to what has an `E` in it would imply `E: 'scope` wherever this is an argument; and
    // with two bounds above `'scope`, the compiler demands `'static` of what the goroutines borrow.
    shared: NonNull<Shared<E>>,
}

// SAFETY: it is a shared reference to what is `Sync` for such an `E`.
unsafe impl<E: Send> Send for Group<'_, '_, E> {}
// SAFETY: as above.
unsafe impl<E: Send> Sync for Group<'_, '_, E> {}

impl<'scope, E: Send + 'scope> Group<'scope, '_, E> {
    /// Starts a goroutine of this group; see [`go`](super::go). If as many run as [may](Group::set_limit), it waits for one of them
    /// to end.
    ///
    /// `f` is run in any case. If the group's context has ended meanwhile, `f` runs under that context, and its first wait says so.
    /// Where there is much left to start, use [`go_or_cancelled`](Group::go_or_cancelled), or ask [`context::check`] in between.
    ///
    /// # Panics
    ///
    /// As [`go`](super::go).
    ///
    /// # Blocking
    ///
    /// With a limit, G (a plain thread blocks). A goroutine of the group that starts others in it has room itself meanwhile: if all
    /// that run do that, they wait for each other for ever.
    ///
    /// # Cancellation
    ///
    /// Nothing but room ends the wait; but the end of the context makes those return that have it.
    #[track_caller]
    pub fn go<F>(self, f: F)
    where
        F: FnOnce() -> Result<(), E> + Send + 'scope,
    {
        let spec = spawn::spec(Location::caller());
        // Nothing else ends it.
        let _has_room = self.shared().room.take(Limit::NONE);
        self.start(spec, f);
    }

    /// As [`go`](Group::go), but if the caller's context ends before there is room, `f` is dropped.
    ///
    /// # Errors
    ///
    /// If the caller's context has ended, as the group's does at the first failure.
    ///
    /// # Panics
    ///
    /// As [`go`](super::go).
    ///
    /// # Blocking
    ///
    /// As [`go`](Group::go).
    ///
    /// # Cancellation
    ///
    /// The wait ends with the caller's context.
    #[track_caller]
    pub fn go_or_cancelled<F>(self, f: F) -> Result<(), context::Error>
    where
        F: FnOnce() -> Result<(), E> + Send + 'scope,
    {
        let spec = spawn::spec(Location::caller());
        context::check_to_wait()?;
        match self.shared().room.take(Limit::CONTEXT) {
            Ended::Readied => self.start(spec, f),
            ended => return Err(why(ended)),
        }
        Ok(())
    }

    /// As [`go`](Group::go), if there is room now.
    ///
    /// # Errors
    ///
    /// `f`, if there is none.
    ///
    /// # Panics
    ///
    /// As [`go`](super::go).
    #[track_caller]
    pub fn try_go<F>(self, f: F) -> Result<(), F>
    where
        F: FnOnce() -> Result<(), E> + Send + 'scope,
    {
        if !self.shared().room.permits.try_take(1) {
            return Err(f);
        }
        self.start(spawn::spec(Location::caller()), f);
        Ok(())
    }

    /// As [`go`](Group::go), with a name or a stack size of its own.
    ///
    /// # Errors
    ///
    /// As [`Builder::spawn`]; then nothing was started, and the group goes on.
    #[track_caller]
    pub fn spawn<F>(self, builder: Builder, f: F) -> io::Result<()>
    where
        F: FnOnce() -> Result<(), E> + Send + 'scope,
    {
        let spec = builder.spec(Location::caller())?;
        // Nothing else ends it.
        let _has_room = self.shared().room.take(Limit::NONE);
        self.start(spec, f);
        Ok(())
    }

    /// Starts what has been given room.
    fn start<F>(self, spec: Spec, f: F)
    where
        F: FnOnce() -> Result<(), E> + Send + 'scope,
    {
        let member = Member { group: self, has_run: false };
        // Nobody joins it: it reports what becomes of it itself. What it owns is dropped before the scope counts it out, also if it
        // never runs.
        drop(self.scope.start(spec, move || member.run(f)));
    }
}

impl<E> Group<'_, '_, E> {
    /// The group's context: that under which its opener and its goroutines work.
    ///
    /// Its cause, once the first has failed, says who that was. What the error was, [`group`] returns.
    pub fn context(self) -> Context {
        self.scope.context()
    }

    /// Cancels the group's context: its goroutines come back, and so does what the opener waits for. This is no failure by itself:
    /// if all return without an error, the group has none.
    ///
    /// # Examples
    ///
    /// Of two that look for the same thing, the faster one's answer:
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use std::time::Duration;
    /// use marmot_runtime as marmot;
    ///
    /// let (answer, answers) = channel();
    /// marmot::group(|g| {
    ///     for pause in [Duration::from_secs(3600), Duration::ZERO] {
    ///         let answer = answer.clone();
    ///         g.go(move || {
    ///             if marmot::sleep_or_cancelled(pause).is_ok() {
    ///                 answer.send(pause).expect("it is received");
    ///                 g.cancel();
    ///             }
    ///             Ok::<(), std::io::Error>(())
    ///         });
    ///     }
    ///     Ok(())
    /// })?;
    /// assert_eq!(answers.recv().unwrap(), Duration::ZERO);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn cancel(self) {
        self.scope.cancel();
    }

    /// As [`cancel`](Group::cancel), for a reason, which is in the errors of those who hear of it.
    pub fn cancel_with_cause(self, cause: impl Into<Box<dyn Error + Send + Sync>>) {
        self.scope.cancel_with_cause(cause);
    }

    /// Lets so many goroutines of the group run at a time, and no more. Without this, there is no limit.
    ///
    /// It may be changed at any time. A lower one ends none that runs, and with 0 none is started until there is a higher one.
    pub fn set_limit(self, limit: usize) {
        self.shared().room.set_limit(limit.min(MOST));
    }

    /// Notes the caller's failure, if it is the first, and ends the others.
    fn fail(&self, failure: Failure<E>, who: impl fmt::Display) {
        let what = if let Failure::Error(_) = failure { "failed" } else { "panicked" };
        let (is_first, dropped) = self.shared().note(failure);
        if is_first {
            self.scope.cancel_with_cause(format!("{who} has {what} first"));
        }
        // Its destructor is the program's code.
        drop(dropped);
    }

    fn shared(&self) -> &Shared<E> {
        // SAFETY: `group` has it until the scope has ended, which a `Group` does not outlive.
        unsafe { self.shared.as_ref() }
    }
}

impl<E> Clone for Group<'_, '_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Group<'_, '_, E> {}

impl<E> fmt::Debug for Group<'_, '_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (running, limit) = self.shared().room.look();
        let limit = (limit != MOST).then_some(limit);
        f.debug_struct("Group").field("running", &running).field("limit", &limit).finish_non_exhaustive()
    }
}

/// What the goroutines of a group and its opener share.
struct Shared<E> {
    room: Room,
    first: Mutex<Option<Failure<E>>>,
}

impl<E> Shared<E> {
    /// Notes a failure; whether it is the first, and what is not kept.
    fn note(&self, failure: Failure<E>) -> (bool, Option<Failure<E>>) {
        let mut first = self.first();
        match (&*first, &failure) {
            (None, _) => (true, first.replace(failure)),
            // A panic is told in place of an error, because it is not to be lost.
            (Some(Failure::Error(_)), Failure::Panic(_)) => (false, first.replace(failure)),
            _ => (false, Some(failure)),
        }
    }

    fn first(&self) -> MutexGuard<'_, Option<Failure<E>>> {
        // Nothing that panics runs under the lock.
        self.first.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// How many may run, and who waits for that: a permit for each, and those that run have one.
struct Room {
    permits: Permits,
    bounds: Mutex<Bounds>,
}

/// There are as many permits as the limit says, and those that are owed.
struct Bounds {
    limit: usize,
    /// So many that are given back are not to be given out again, since a lower limit. None is free as long as any is owed.
    owed: usize,
}

impl Room {
    fn new() -> Room {
        Room { permits: Permits::new(MOST), bounds: Mutex::new(Bounds { limit: MOST, owed: 0 }) }
    }

    /// Takes room for one, unless `limit` comes first: `Readied` if so.
    fn take(&self, limit: Limit) -> Ended {
        self.permits.take(1, WaitReason::Group, limit)
    }

    /// Gives it back.
    fn give(&self) {
        let mut bounds = self.bounds();
        match bounds.owed.checked_sub(1) {
            Some(owed) => bounds.owed = owed,
            None => self.permits.give(1),
        }
    }

    fn set_limit(&self, limit: usize) {
        let mut bounds = self.bounds();
        let (more, fewer) = (limit.saturating_sub(bounds.limit), bounds.limit.saturating_sub(limit));
        let kept = bounds.owed.min(more);
        bounds.limit = limit;
        bounds.owed -= kept;
        bounds.owed += fewer - self.permits.remove(fewer);
        self.permits.give(more - kept);
    }

    /// How many run, and how many may.
    fn look(&self) -> (usize, usize) {
        let bounds = self.bounds();
        (bounds.limit + bounds.owed - self.permits.free(), bounds.limit)
    }

    fn bounds(&self) -> MutexGuard<'_, Bounds> {
        // Nothing that panics runs under the lock. Nobody takes it who has one of a list.
        self.bounds.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// What has ended a group.
enum Failure<E> {
    Error(E),
    Panic(Box<dyn Any + Send>),
}

/// A goroutine of a group, with room in it. Dropping it gives the room back.
struct Member<'scope, 'env, E> {
    group: Group<'scope, 'env, E>,
    has_run: bool,
}

impl<E> Member<'_, '_, E> {
    fn run(mut self, f: impl FnOnce() -> Result<(), E>) {
        self.has_run = true;
        match catch_unwind(AssertUnwindSafe(|| sched::in_short_backtrace(f))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.group.fail(Failure::Error(error), super::current()),
            Err(payload) => {
                sched::report_panic(&*payload);
                self.group.fail(Failure::Panic(payload), super::current());
            }
        }
    }
}

impl<E> Drop for Member<'_, '_, E> {
    fn drop(&mut self) {
        // First, because cancelling may panic.
        self.group.shared().room.give();
        if !self.has_run {
            // It could not be started, which the scope knows.
            self.group.scope.cancel_with_cause("a goroutine of the group could not be started");
        }
    }
}
