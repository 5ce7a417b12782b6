//! `Select`: a select whose arms are added one by one, as many as there are.

use std::fmt;
use std::time::{Duration, Instant};

use super::arms::{self, How, One, Plan};
use super::ends::{Selectable, SelectableSender};
use super::error::{RecvError, SendError};
use super::select::{Entry, first};
use super::state::AT_ONCE;
use crate::context;
use crate::sched::clock;
use crate::timer::limit::{Ended, NEVER};

/// Waits for the first of several operations with channels, of which the program finds out only when it runs how many there are.
/// Where they can be written down, [`select!`](crate::select) is shorter; what is said there holds here as well.
///
/// Each arm has a function that gets its outcome; of the chosen one it is called, and what it returns is returned.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::chan::{self, Select};
///
/// let (senders, receivers): (Vec<_>, Vec<_>) = (0..10).map(|_| chan::bounded(1)).unzip();
/// senders[7].send("hello").unwrap();
///
/// let mut select = Select::new();
/// for (i, receiver) in receivers.iter().enumerate() {
///     select = select.recv(receiver, move |message| (i, message));
/// }
/// assert_eq!(select.wait().unwrap(), (7, Ok("hello")));
/// ```
#[must_use = "nothing is done before it waits"]
pub struct Select<'a, R> {
    arms: Vec<Box<dyn Handled<'a, R> + 'a>>,
}

impl<'a, R> Select<'a, R> {
    /// No arms yet.
    pub fn new() -> Select<'a, R> {
        Select { arms: Vec::new() }
    }

    /// Adds an arm that receives.
    pub fn recv<S>(self, from: &'a S, then: impl FnOnce(Result<S::Item, RecvError>) -> R + 'a) -> Self
    where
        S: Selectable + ?Sized,
        S::Item: 'a,
    {
        self.arm(arms::receive(from), then)
    }

    /// Adds an arm that sends `message`, which is dropped if another arm is chosen.
    pub fn send<S>(
        self,
        to: &'a S,
        message: S::Item,
        then: impl FnOnce(Result<(), SendError<S::Item>>) -> R + 'a,
    ) -> Self
    where
        S: SelectableSender + ?Sized,
        S::Item: 'a,
    {
        self.arm(arms::send(to, message), then)
    }

    /// Adds an arm that sends what is in `message`, where it stays if another arm is chosen. Without a message, the arm never comes.
    pub fn send_from<S>(
        self,
        to: &'a S,
        message: &'a mut Option<S::Item>,
        then: impl FnOnce(Result<(), SendError<S::Item>>) -> R + 'a,
    ) -> Self
    where
        S: SelectableSender + ?Sized,
        S::Item: 'a,
    {
        self.arm(arms::send_from(to, message), then)
    }

    fn arm<A: One<'a> + 'a>(mut self, arm: A, then: impl FnOnce(A::Output) -> R + 'a) -> Self {
        self.arms.push(Box::new(WithHandler { arm, outcome: None, then }));
        self
    }

    /// Waits for the first arm. Without arms, it waits for the end of the context.
    ///
    /// # Errors
    ///
    /// If the caller's context ends while it waits: then nothing was sent or received.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), until an arm can go on.
    ///
    /// # Cancellation
    ///
    /// Ends the wait; an arm that need not wait is chosen all the same.
    pub fn wait(self) -> Result<R, context::Error> {
        self.within(NEVER).map_err(|_| arms::why_cancelled())
    }

    /// Takes an arm that can go on without waiting, if there is one.
    pub fn try_wait(self) -> Option<R> {
        self.within(AT_ONCE).ok()
    }

    /// As [`wait`](Select::wait), for so long at most; nothing if no arm could go on in time.
    ///
    /// # Errors
    ///
    /// If the caller's context ends while it waits: then nothing was sent or received.
    ///
    /// # Blocking and cancellation
    ///
    /// As for [`wait`](Select::wait).
    pub fn wait_timeout(self, timeout: Duration) -> Result<Option<R>, context::Error> {
        self.in_time(clock::after(timeout))
    }

    /// As [`wait`](Select::wait), until `deadline` at most; nothing if no arm could go on in time.
    ///
    /// # Errors
    ///
    /// If the caller's context ends while it waits: then nothing was sent or received.
    ///
    /// # Blocking and cancellation
    ///
    /// As for [`wait`](Select::wait).
    pub fn wait_deadline(self, deadline: Instant) -> Result<Option<R>, context::Error> {
        self.in_time(clock::at(deadline))
    }

    fn in_time(self, until: u64) -> Result<Option<R>, context::Error> {
        match self.within(until) {
            Ok(result) => Ok(Some(result)),
            Err(Ended::Cancelled) => Err(arms::why_cancelled()),
            Err(_) => Ok(None),
        }
    }

    fn within(mut self, until: u64) -> Result<R, Ended> {
        let mut plan = Plan::until(until);
        let mut entries: Vec<_> =
            self.arms.iter_mut().enumerate().map(|(index, arm)| arm.enter(index, &mut plan)).collect();
        let mut orders = vec![0; 2 * entries.len()];
        let (by_lock, by_chance) = orders.split_at_mut(entries.len());
        let (index, was_given) = first(&mut entries, by_lock, by_chance, until)?;
        // SAFETY: it has entered, was chosen, and has not been touched since.
        unsafe { self.arms[index].finish(if was_given { How::Given } else { How::Disconnected }) };
        let chosen = self.arms.swap_remove(index);
        // The others go first, so that what is called may do with their channels what it likes.
        drop(self);
        Ok(chosen.call())
    }
}

impl<R> Default for Select<'_, R> {
    fn default() -> Self {
        Select::new()
    }
}

impl<R> fmt::Debug for Select<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").field("arms", &self.arms.len()).finish()
    }
}

/// An arm with what is called with its outcome.
trait Handled<'a, R> {
    fn enter(&mut self, index: usize, plan: &mut Plan) -> Entry<'a>;

    /// # Safety
    ///
    /// As for [`One::finish`].
    unsafe fn finish(&mut self, how: How);

    /// After `finish`.
    fn call(self: Box<Self>) -> R;
}

struct WithHandler<A, O, F> {
    arm: A,
    outcome: Option<O>,
    then: F,
}

impl<'a, R, A: One<'a>, F: FnOnce(A::Output) -> R> Handled<'a, R> for WithHandler<A, A::Output, F> {
    fn enter(&mut self, index: usize, plan: &mut Plan) -> Entry<'a> {
        self.arm.enter(index, plan)
    }

    unsafe fn finish(&mut self, how: How) {
        // SAFETY: the caller's word.
        self.outcome = Some(unsafe { self.arm.finish(how) });
    }

    fn call(self: Box<Self>) -> R {
        let WithHandler { arm, outcome, then } = *self;
        drop(arm);
        then(outcome.expect("the chosen arm has finished"))
    }
}
