//! Of many calls for the same thing at the same time, one is made, and all get its result. After Go's `singleflight`.
//!
//! A [`Group`] has a table of the calls that are under way, by key. Whoever finds none for its key leads: it puts one there, runs
//! its function without any lock, takes the call out of the table, and lands it: leaves the outcome and wakes all who wait. Whoever
//! finds one joins it, and gets a clone. So a call can be joined exactly as long as it is in the table; and what is in the table
//! has a leader, who lands it in any case, by a destructor; or, if
//! its runtime stops, by its will (`sched::with_will_around`).

use std::any::Any;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::{Mutex, MutexGuard, OnceLock};
use crate::context;
use crate::sched::{self, Bequest, WaitReason, budget, with_will_around};

/// Calls by key, of which only one for each key is under way at a time.
///
/// Goroutines and plain threads may share it.
///
/// # Examples
///
/// A cache that a hundred requests miss at the same moment, and that asks its origin once:
///
/// ```
/// use std::sync::Arc;
/// use marmot_runtime as marmot;
/// use marmot::sync::singleflight::Group;
///
/// fn fetch(name: &str) -> Arc<str> {
///     marmot::sleep(std::time::Duration::from_millis(10));
///     format!("all about {name}").into()
/// }
///
/// let pages = Group::<String, Arc<str>>::new();
/// marmot::scope(|s| {
///     for _ in 0..100 {
///         s.go(|| {
///             let (page, _is_shared) = pages.run("marmots", || fetch("marmots")).unwrap();
///             assert_eq!(&*page, "all about marmots");
///         });
///     }
/// });
/// ```
pub struct Group<K, V, S = RandomState> {
    calls: Mutex<HashMap<K, Arc<Call<V>>, S>>,
}

/// A call that is under way, or has landed.
struct Call<V> {
    /// There when it has landed.
    outcome: OnceLock<Outcome<V>>,
    /// How many others have joined it. Counted with the table locked.
    joined: AtomicUsize,
    /// Who leads, by its number, to tell one that waits for itself.
    leader: u64,
}

enum Outcome<V> {
    Returned(V),
    Panicked(Box<str>),
    /// A key or the result has panicked; or nobody has joined, and wants to know.
    Lost,
}

impl<K, V> Group<K, V> {
    /// No calls.
    pub fn new() -> Group<K, V> {
        Group::default()
    }
}

impl<K, V, S> Group<K, V, S> {
    /// No calls, and keys that are hashed by `hasher`.
    pub fn with_hasher(hasher: S) -> Group<K, V, S> {
        Group { calls: Mutex::new(HashMap::with_hasher(hasher)) }
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<K, Arc<Call<V>>, S>> {
        // Comparing keys may panic, and leaves the table as it was.
        self.calls.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl<K: Eq + Hash, V: Clone + Send + Sync, S: BuildHasher> Group<K, V, S> {
    /// Runs `f`, or, if a call for this key is under way already, waits for that one instead and drops `f`. Returns the result, and
    /// whether it was given to more than one caller.
    ///
    /// `f` runs in the caller that came first, with that one's context and stack. If the call shall outlast a caller whose context
    /// ends, run `f` in a context without that, or in a goroutine of its own; so a caller can also do something else until the
    /// result is there (Go's `DoChan`):
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use marmot_runtime as marmot;
    /// # use marmot::sync::singleflight::Group;
    /// let squares = Arc::new(Group::<u64, u64>::new());
    /// let theirs = Arc::clone(&squares);
    /// let result = marmot::go(move || theirs.run(&12, || 12 * 12));
    /// // … something else …
    /// assert_eq!(result.join().unwrap()?.0, 144);
    /// # Ok::<(), marmot::sync::singleflight::Error>(())
    /// ```
    ///
    /// The result is shared as it is. A `V` that is a `Result` shares failures, too: [`forget`](Group::forget) the key where the
    /// next caller shall not join a call that is going to fail.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](Error::Cancelled) if the caller's context has ended, before this or while it waited: the call itself goes on.
    /// [`Panicked`](Error::Panicked) if the caller waited for one that panicked, or whose runtime was shut down in the middle of it.
    ///
    /// # Panics
    ///
    /// If `f` does, with its payload, and only in the caller whose `f` that is. The others get an error, because they have a way to
    /// report one: Go, which has not, panics in all of them. Further if `f` asks for its own key: it would wait for itself.
    ///
    /// # Blocking
    ///
    /// What `f` does; and G (a plain thread blocks), until the call of another has returned, or its runtime was shut down in the
    /// middle of it.
    ///
    /// # Cancellation
    ///
    /// Waiting for another's call ends with the caller's context.
    pub fn run<Q, F>(&self, key: &Q, f: F) -> Result<(V, bool), Error>
    where
        K: Borrow<Q>,
        Q: ?Sized + Eq + Hash + ToOwned<Owned = K>,
        F: FnOnce() -> V,
    {
        budget::charge(budget::CHECK);
        context::check_to_wait().map_err(Error::Cancelled)?;
        let mut calls = self.calls();
        // One that has landed is there only if a comparison has panicked when it was to be taken out, or if its leader does not go on.
        if let Some(call) = calls.get(key).filter(|call| !call.outcome.is_set()) {
            let call = Arc::clone(call);
            call.joined.fetch_add(1, Relaxed);
            drop(calls);
            return call.wait();
        }
        let call = Arc::new(Call {
            outcome: OnceLock::new(),
            joined: AtomicUsize::new(0),
            leader: sched::number(sched::waiter()),
        });
        let before = calls.insert(key.to_owned(), Arc::clone(&call));
        drop(calls);
        drop(before);
        self.lead(key, call, f)
    }

    /// Makes the next caller for this key run its own function, also while a call is under way: whoever has joined that one still
    /// gets its result.
    pub fn forget<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: ?Sized + Eq + Hash,
    {
        // Dropped without the lock: a key's destructor is the program's code.
        let forgotten = self.calls().remove_entry(key);
        drop(forgotten);
    }

    fn lead<Q, F>(&self, key: &Q, call: Arc<Call<V>>, f: F) -> Result<(V, bool), Error>
    where
        K: Borrow<Q>,
        Q: ?Sized + Eq + Hash,
        F: FnOnce() -> V,
    {
        let lands = Lands(&*call);
        let result = with_will_around(&lands, || catch_unwind(AssertUnwindSafe(f)));
        self.take_out(key, &call);
        // From here on nobody joins.
        let is_shared = call.joined.load(Relaxed) > 0;
        match result {
            Ok(value) => {
                if is_shared {
                    lands.with(Outcome::Returned(value.clone()));
                }
                Ok((value, is_shared))
            }
            Err(payload) => {
                lands.with(Outcome::Panicked(message(&*payload)));
                resume_unwind(payload)
            }
        }
    }

    /// Takes `call` out of the table, unless it was forgotten.
    fn take_out<Q>(&self, key: &Q, call: &Arc<Call<V>>)
    where
        K: Borrow<Q>,
        Q: ?Sized + Eq + Hash,
    {
        let mut calls = self.calls();
        let is_there = calls.get(key).is_some_and(|there| Arc::ptr_eq(there, call));
        let taken = if is_there { calls.remove_entry(key) } else { None };
        drop(calls);
        drop(taken);
    }
}

impl<V: Clone> Call<V> {
    fn wait(&self) -> Result<(V, bool), Error> {
        assert_ne!(
            self.leader,
            sched::number(sched::waiter()),
            "a call waits for itself: its function asks for its own key"
        );
        match self.outcome.wait_within(WaitReason::Singleflight).map_err(Error::Cancelled)? {
            Outcome::Returned(value) => Ok((value.clone(), true)),
            Outcome::Panicked(message) => Err(Error::Panicked(message.clone())),
            Outcome::Lost => Err(Error::Panicked("a key or the result panicked".into())),
        }
    }
}

/// Lands the call, when it is dropped at the latest.
struct Lands<'a, V>(&'a Call<V>);

impl<V> Lands<'_, V> {
    fn with(&self, outcome: Outcome<V>) {
        // The first counts.
        drop(self.0.outcome.set(outcome));
    }
}

impl<V> Bequest for Lands<'_, V> {
    fn pass_on(&self) {
        // It stays in the table, as one that has landed, which nobody joins.
        self.with(Outcome::Panicked("its runtime was shut down in the middle of it".into()));
    }
}

impl<V> Drop for Lands<'_, V> {
    fn drop(&mut self) {
        self.with(Outcome::Lost);
    }
}

/// What a panic has said.
fn message(payload: &(dyn Any + Send)) -> Box<str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("Box<dyn Any>").into()
}

impl<K, V, S: Default> Default for Group<K, V, S> {
    fn default() -> Group<K, V, S> {
        Group::with_hasher(S::default())
    }
}

impl<K, V, S> fmt::Debug for Group<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Group");
        match self.calls.try_lock() {
            Ok(calls) => {
                let joined: usize = calls.values().map(|call| call.joined.load(Relaxed)).sum();
                out.field("calls", &calls.len()).field("joined", &joined)
            }
            Err(_) => out.field("calls", &format_args!("<locked>")),
        };
        out.finish_non_exhaustive()
    }
}

/// Why [`run`](Group::run) has no result.
#[derive(Clone, Debug)]
pub enum Error {
    /// The caller's context has ended.
    Cancelled(context::Error),
    /// The function of the caller that came first has panicked, or does not go on; what it said, or why.
    Panicked(Box<str>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Cancelled(error) => error.fmt(f),
            Error::Panicked(message) => write!(f, "the call that was waited for has panicked: {message}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Cancelled(error) => Some(error),
            Error::Panicked(_) => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        match error {
            Error::Cancelled(error) => error.into(),
            Error::Panicked(_) => io::Error::other(error),
        }
    }
}
