//! `Once`: `std`'s, but who has to wait is parked.
//!
//! | state | meaning | who leaves it |
//! |---|---|---|
//! | `NEW` | nobody has begun | who calls, to `RUNNING` |
//! | `RUNNING` | somebody runs its closure | the same: to `DONE`, or, if it panics or does not go on, to `POISONED` |
//! | `POISONED` | the last who ran its closure has panicked, or has not gone on | who calls by force, to `RUNNING` |
//! | `DONE` | a closure has returned | nobody |
//!
//! Beside the state, the word has `WAITED`: somebody may be in the list. It is set with the list locked, by an exchange that sees a
//! state in which one has to wait. Who ends its closure swaps the word for the new state, and if `WAITED` was set, locks the list and readies
//! all who are there. They look again. The closure may park, and others of its M run meanwhile; that is what this `Once` is for.
//!
//! **Who does not go on.** A goroutine whose runtime stops while its closure is parked never ends that. It leaves a
//! [will](crate::sched::with_will_around): when its M leaves, the `Once` is poisoned, as it is by a panic, and those who wait go on.
//!
//! To end is a Release and pairs with the Acquire of whoever sees `DONE`. The model is `tests/loom/once.rs`.

use std::fmt;

use super::list::{Fate, List, Waiter};
use super::wait::{Limit, Queue, wait, why};
use crate::context;
use crate::primitive::atomic::{
    AtomicU8, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use crate::primitive::{Mutex, MutexGuard, constant};
use crate::sched::{self, Bequest, Ended, WaitReason, budget, with_will_around};

const NEW: u8 = 0;
const RUNNING: u8 = 1;
const POISONED: u8 = 2;
const DONE: u8 = 3;
const STATE: u8 = 3;
const WAITED: u8 = 4;

/// Something that is done once, as with [`std::sync::Once`]. A goroutine that calls this while another one does it is parked until
/// it is done.
///
/// The closure may park. With `std`'s `Once` that can deadlock, because another goroutine of the same M may block the M on it. If the
/// runtime of the closure's goroutine is shut down while the closure is parked, the `Once` is poisoned, as by a panic; what the
/// closure has given to [`blocking`](crate::blocking) may still run then.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::Once;
///
/// static BEGUN: Once = Once::new();
///
/// fn begin() {
///     BEGUN.call_once(|| marmot::sleep(std::time::Duration::from_millis(1)));
/// }
///
/// let other = marmot::go(begin);
/// begin();
/// assert!(BEGUN.is_completed());
/// other.join().unwrap();
/// ```
pub struct Once {
    word: AtomicU8,
    /// Whose closure runs, by its number, which nobody else ever has; 0 if none does.
    runner: AtomicU64,
    waiting: Mutex<List>,
}

/// What [`Once::call_once_force`] tells its closure.
pub struct OnceState {
    is_poisoned: bool,
    /// What becomes of the `Once` when the closure has returned.
    ends: std::cell::Cell<u8>,
}

impl OnceState {
    /// Whether the closure before has panicked.
    pub fn is_poisoned(&self) -> bool {
        self.is_poisoned
    }

    /// Lets others try again, though the closure returns.
    pub(super) fn fail(&self) {
        self.ends.set(POISONED);
    }
}

impl Once {
    constant! {
        /// One that has not been done.
        #[expect(clippy::new_without_default, reason = "as `std`'s")]
        pub fn new() -> Once {
            Once { word: AtomicU8::new(NEW), runner: AtomicU64::new(0), waiting: Mutex::new(List::new()) }
        }
    }

    /// Calls `f`, unless it has been done. When this returns, it has, by whoever was the first, and what that one did is seen.
    ///
    /// # Panics
    ///
    /// If `f` panics, and from then on whenever this is called: it is poisoned. If `f` itself does this with the same `Once`.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while another does it.
    ///
    /// # Cancellation
    ///
    /// Nothing ends the wait: see [`call_once_or_cancelled`](Once::call_once_or_cancelled).
    #[inline]
    #[track_caller]
    pub fn call_once<F>(&self, f: F)
    where
        F: FnOnce(),
    {
        if !self.is_done() {
            // Nothing else ends it.
            let _done = self.call(false, Limit::NONE, |_| f());
        }
    }

    /// As [`call_once`](Once::call_once), also if it is poisoned. It is not any more, once `f` has returned.
    ///
    /// # Panics
    ///
    /// If `f` panics; then it is poisoned. If `f` itself does this with the same `Once`.
    ///
    /// # Blocking
    ///
    /// As [`call_once`](Once::call_once).
    ///
    /// # Cancellation
    ///
    /// Nothing ends the wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::panic::catch_unwind;
    /// use marmot_runtime::sync::Once;
    ///
    /// static ONCE: Once = Once::new();
    /// assert!(catch_unwind(|| ONCE.call_once(|| panic!("part of the example"))).is_err());
    /// assert!(catch_unwind(|| ONCE.call_once(|| ())).is_err());
    /// ONCE.call_once_force(|state| assert!(state.is_poisoned()));
    /// ONCE.call_once(|| unreachable!());
    /// ```
    #[inline]
    #[track_caller]
    pub fn call_once_force<F>(&self, f: F)
    where
        F: FnOnce(&OnceState),
    {
        if !self.is_done() {
            // Nothing else ends it.
            let _done = self.call(true, Limit::NONE, f);
        }
    }

    /// As [`call_once`](Once::call_once), unless the caller's context ends while another does it.
    ///
    /// # Errors
    ///
    /// If the context has ended, and it has not been done.
    ///
    /// # Panics
    ///
    /// As [`call_once`](Once::call_once).
    ///
    /// # Blocking
    ///
    /// As [`call_once`](Once::call_once).
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait for another. `f`, once it has begun, observes it in its own calls.
    #[track_caller]
    pub fn call_once_or_cancelled(&self, f: impl FnOnce()) -> Result<(), context::Error> {
        self.call_within(false, |_| f())
    }

    /// Waits until it has been done, by whomever.
    ///
    /// # Panics
    ///
    /// If it is poisoned.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    ///
    /// # Cancellation
    ///
    /// Nothing ends the wait: see [`wait_or_cancelled`](Once::wait_or_cancelled).
    #[track_caller]
    pub fn wait(&self) {
        // Nothing else ends it.
        let _done = self.wait_until_done(false, WaitReason::Once, Limit::NONE);
    }

    /// As [`wait`](Once::wait), also if it is poisoned: then until it has been done by
    /// [`call_once_force`](Once::call_once_force).
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    ///
    /// # Cancellation
    ///
    /// Nothing ends the wait.
    pub fn wait_force(&self) {
        // Nothing else ends it.
        let _done = self.wait_until_done(true, WaitReason::Once, Limit::NONE);
    }

    /// As [`wait`](Once::wait), unless the caller's context ends before.
    ///
    /// # Errors
    ///
    /// If the context has ended, and it has not been done.
    ///
    /// # Panics
    ///
    /// If it is poisoned.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    ///
    /// # Cancellation
    ///
    /// The end of the context ends the wait.
    #[track_caller]
    pub fn wait_or_cancelled(&self) -> Result<(), context::Error> {
        self.wait_within(false, WaitReason::Once)
    }

    /// Whether it has been done. If so, what whoever did it has done is seen.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.is_done() || {
            budget::charge(budget::CHECK);
            self.is_done()
        }
    }

    #[inline]
    pub(super) fn is_done(&self) -> bool {
        // Acquire pairs with the Release in `end`.
        self.word.load(Acquire) == DONE
    }

    #[track_caller]
    pub(super) fn call_within(&self, force: bool, f: impl FnOnce(&OnceState)) -> Result<(), context::Error> {
        if self.is_done() {
            return Ok(());
        }
        Limit::CONTEXT.check()?;
        done(self.call(force, Limit::CONTEXT, f))
    }

    #[track_caller]
    pub(super) fn wait_within(&self, force: bool, reason: WaitReason) -> Result<(), context::Error> {
        if self.is_done() {
            return Ok(());
        }
        Limit::CONTEXT.check()?;
        done(self.wait_until_done(force, reason, Limit::CONTEXT))
    }

    #[cold]
    #[track_caller]
    fn call(&self, force: bool, limit: Limit, f: impl FnOnce(&OnceState)) -> Ended {
        loop {
            // Acquire pairs with the Release in `end`, here and below.
            let word = self.word.load(Acquire);
            match word & STATE {
                DONE => return Ended::Readied,
                POISONED if !force => poisoned(),
                RUNNING => {
                    assert!(self.runner.load(Relaxed) != me(), "what is to be done once does itself");
                    let ended = self.wait_for_change(&[RUNNING], WaitReason::Once, limit);
                    if ended != Ended::Readied {
                        return ended;
                    }
                }
                before => {
                    let running = (word & WAITED) | RUNNING;
                    if self.word.compare_exchange(word, running, Acquire, Acquire).is_ok() {
                        self.runner.store(me(), Relaxed);
                        let state = OnceState { is_poisoned: before == POISONED, ends: DONE.into() };
                        let run = Run { once: self, ends: POISONED };
                        with_will_around(&run, || f(&state));
                        run.end(state.ends.get());
                        return Ended::Readied;
                    }
                }
            }
        }
    }

    #[track_caller]
    fn wait_until_done(&self, force: bool, reason: WaitReason, limit: Limit) -> Ended {
        loop {
            // Acquire as in `call`.
            let state = self.word.load(Acquire) & STATE;
            match state {
                DONE => return Ended::Readied,
                POISONED if !force => poisoned(),
                _ => {}
            }
            let states: &[u8] = if force { &[NEW, RUNNING, POISONED] } else { &[NEW, RUNNING] };
            let ended = self.wait_for_change(states, reason, limit);
            if ended != Ended::Readied {
                return ended;
            }
        }
    }

    /// Waits as long as the state is one of these; returns sooner, too.
    fn wait_for_change(&self, states: &[u8], reason: WaitReason, limit: Limit) -> Ended {
        sched::spend();
        let waiter = Waiter::new(sched::waiter(), limit.observes());
        let mut waiting = self.waiting();
        loop {
            let word = self.word.load(Relaxed);
            if !states.contains(&(word & STATE)) {
                return Ended::Readied;
            }
            if self.word.compare_exchange(word, word | WAITED, Relaxed, Relaxed).is_ok() {
                break;
            }
        }
        // SAFETY: it is in no list, and stays here until the wait is over.
        unsafe { waiting.push_back(&waiter) };
        drop(waiting);
        wait(self, &waiter, reason, limit)
    }

    /// The closure has ended.
    fn end(&self, state: u8) {
        self.runner.store(0, Relaxed);
        // Release pairs with the Acquire of whoever sees the state. Acquire is for nothing.
        if self.word.swap(state, AcqRel) & WAITED != 0 {
            let taken = self.waiting().take_all(Fate::Woken);
            taken.ready();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, List> {
        // Nothing that panics runs under the lock.
        self.waiting.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Queue for Once {
    fn retract(&self, waiter: &Waiter) -> bool {
        // SAFETY: it waits here and nowhere else. `WAITED` may stay.
        unsafe { self.waiting().leave(waiter) }
    }

    fn lose(&self, waiter: &Waiter) {
        // Who is woken here takes nothing from others.
        self.retract(waiter);
    }
}

/// A closure that runs, and how it ends if nothing else is said.
struct Run<'a> {
    once: &'a Once,
    ends: u8,
}

impl Run<'_> {
    fn end(mut self, state: u8) {
        self.ends = state;
    }
}

impl Bequest for Run<'_> {
    fn pass_on(&self) {
        self.once.end(POISONED);
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.once.end(self.ends);
    }
}

/// The caller, as a number.
fn me() -> u64 {
    sched::number(sched::waiter())
}

fn done(ended: Ended) -> Result<(), context::Error> {
    match ended {
        Ended::Readied => Ok(()),
        ended => Err(why(ended)),
    }
}

#[cold]
#[track_caller]
fn poisoned() -> ! {
    panic!("Once instance has previously been poisoned");
}

impl fmt::Debug for OnceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceState").field("poisoned", &self.is_poisoned).finish()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}
