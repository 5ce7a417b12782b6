//! The arms of a select, each of its own type, in a list of types. It is what [`select!`](crate::select) is made of, and no part of the
//! interface.
//!
//! An arm is made when its expressions are evaluated. It tells what its channel needs ([`Entry`]) once it is where it stays, and is
//! turned into its outcome if it is the chosen one. All others are dropped, and with them the messages that were not sent.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::time::{Duration, Instant};

use super::ends::{Receiver, Selectable, SelectableSender, Sender};
use super::error::{RecvError, SendError};
pub use super::select::Entry;
use super::select::first;
use super::state::AT_ONCE;
use crate::context;
use crate::sched::clock;
use crate::timer::limit::{Ended, NEVER};

/// How the chosen arm was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The message has changed its place.
    Given,
    /// The other side is gone.
    Disconnected,
    /// The time has come.
    TimedOut,
    /// The caller's context has ended.
    Cancelled,
}

/// What the arms want beside their channels.
#[derive(Debug)]
pub struct Plan {
    until: u64,
    /// Which has set `until`.
    timed: Option<usize>,
    /// Which is for the end of the context.
    cancelled: Option<usize>,
    /// The first with a channel.
    first: Option<usize>,
}

impl Plan {
    pub(super) fn until(until: u64) -> Plan {
        Plan { until, timed: None, cancelled: None, first: None }
    }

    /// Waits; which arm it came to, and how.
    fn choose(&self, entries: &mut [Entry<'_>], by_lock: &mut [usize], by_chance: &mut [usize]) -> (usize, How) {
        let (index, how) = match first(entries, by_lock, by_chance, self.until) {
            Ok((index, true)) => (Some(index), How::Given),
            Ok((index, false)) => (Some(index), How::Disconnected),
            Err(Ended::Cancelled) => (self.cancelled.or(self.first).or(self.timed), How::Cancelled),
            Err(_) => (self.timed, How::TimedOut),
        };
        // A time is that of an arm. For the end of the context there may be none only if no arm can come.
        (index.expect("the context has ended, and all arms of this select are switched off"), how)
    }
}

/// What is from here: what an arm tells of itself is relied upon, so nobody else makes any.
mod own {
    pub trait Own {}

    /// What may hold a message of type `T`. It has the same parameter as the trait that it seals: another crate may implement a trait
    /// for a foreign type if the parameter is a type of its own.
    pub trait Holds<T> {}
}

impl<T> own::Own for Receive<'_, T> {}
impl<T, M> own::Own for Send<'_, T, M> {}
impl own::Own for Until {}
impl own::Own for Cancelled {}
impl<A, R> own::Own for Cons<A, R> {}
impl own::Own for Nil {}
impl<T> own::Holds<T> for Option<T> {}
impl<T> own::Holds<T> for &mut Option<T> {}

/// An arm.
pub trait One<'a>: own::Own {
    /// What it comes to.
    type Output;

    /// Tells what it wants, as the arm `index`. From now on it stays where it is.
    fn enter(&mut self, index: usize, plan: &mut Plan) -> Entry<'a>;

    /// Its outcome, once.
    ///
    /// # Safety
    ///
    /// It has entered, was chosen, and that was how.
    unsafe fn finish(&mut self, how: How) -> Self::Output;
}

/// Receives.
pub struct Receive<'a, T> {
    from: Option<&'a Receiver<T>>,
    slot: MaybeUninit<T>,
}

/// `recv(from)`.
pub fn receive<S: Selectable + ?Sized>(from: &S) -> Receive<'_, S::Item> {
    Receive { from: from.receiver(), slot: MaybeUninit::uninit() }
}

impl<'a, T> One<'a> for Receive<'a, T> {
    type Output = Result<T, RecvError>;

    fn enter(&mut self, index: usize, plan: &mut Plan) -> Entry<'a> {
        plan.first.get_or_insert(index);
        match self.from {
            Some(from) => Entry::new(from, self.slot.as_mut_ptr().cast()),
            None => Entry::none(),
        }
    }

    unsafe fn finish(&mut self, how: How) -> Result<T, RecvError> {
        match how {
            // SAFETY: the caller's word: a message has been put there, and is taken out once.
            How::Given => Ok(unsafe { self.slot.assume_init_read() }),
            How::Disconnected => Err(RecvError::Disconnected),
            How::TimedOut | How::Cancelled => Err(RecvError::Cancelled),
        }
    }
}

/// Sends what is in `message`, if anything is.
pub struct Send<'a, T, M> {
    to: Option<&'a Sender<T>>,
    message: M,
    sends: PhantomData<T>,
}

/// `send(to, message)`.
pub fn send<S: SelectableSender + ?Sized>(to: &S, message: S::Item) -> Send<'_, S::Item, Option<S::Item>> {
    Send { to: to.sender(), message: Some(message), sends: PhantomData }
}

/// `send_from(to, message)`.
pub fn send_from<'a, S: SelectableSender + ?Sized>(
    to: &'a S,
    message: &'a mut Option<S::Item>,
) -> Send<'a, S::Item, &'a mut Option<S::Item>> {
    Send { to: to.sender(), message, sends: PhantomData }
}

/// Where a message may be. Nobody else says where:
///
/// ```compile_fail,E0277
/// use marmot_runtime::sync::chan::arms::Pending;
///
/// struct Message;
/// impl Pending<Message> for Option<String> {
///     fn place(&mut self) -> &mut Option<Message> {
///         Box::leak(Box::new(None))
///     }
/// }
/// ```
pub trait Pending<T>: own::Holds<T> {
    /// The place.
    fn place(&mut self) -> &mut Option<T>;
}

impl<T> Pending<T> for Option<T> {
    fn place(&mut self) -> &mut Option<T> {
        self
    }
}

impl<T> Pending<T> for &mut Option<T> {
    fn place(&mut self) -> &mut Option<T> {
        self
    }
}

impl<'a, T, M: Pending<T>> One<'a> for Send<'a, T, M> {
    type Output = Result<(), SendError<T>>;

    fn enter(&mut self, index: usize, plan: &mut Plan) -> Entry<'a> {
        match (self.to, self.message.place()) {
            (Some(to), Some(message)) => {
                plan.first.get_or_insert(index);
                Entry::new(to, (&raw mut *message).cast())
            }
            _ => Entry::none(),
        }
    }

    unsafe fn finish(&mut self, how: How) -> Result<(), SendError<T>> {
        // An arm without a message is not chosen.
        let message = self.message.place().take().expect("an arm that sends has a message");
        match how {
            // By the caller's word it has been moved out of there; what was taken out above is what it has left behind.
            How::Given => {
                mem::forget(message);
                Ok(())
            }
            How::Disconnected => Err(SendError::Disconnected(message)),
            How::TimedOut | How::Cancelled => Err(SendError::Cancelled(message)),
        }
    }
}

/// A limit for the wait.
pub struct Until {
    until: u64,
}

/// `default`.
pub fn at_once() -> Until {
    Until { until: AT_ONCE }
}

/// `default(limit)`.
pub fn at(limit: impl Limit) -> Until {
    Until { until: limit.until() }
}

/// How long a select may wait: a duration from now, or a point in time.
pub trait Limit {
    /// By the scheduler's clock.
    fn until(self) -> u64;
}

impl Limit for Duration {
    fn until(self) -> u64 {
        clock::after(self)
    }
}

impl Limit for Instant {
    fn until(self) -> u64 {
        clock::at(self)
    }
}

impl<'a> One<'a> for Until {
    type Output = ();

    fn enter(&mut self, index: usize, plan: &mut Plan) -> Entry<'a> {
        if self.until < plan.until || plan.timed.is_none() {
            plan.until = self.until;
            plan.timed = Some(index);
        }
        Entry::none()
    }

    unsafe fn finish(&mut self, _how: How) {}
}

/// `cancelled`.
pub struct Cancelled;

impl<'a> One<'a> for Cancelled {
    type Output = context::Error;

    fn enter(&mut self, index: usize, plan: &mut Plan) -> Entry<'a> {
        plan.cancelled.get_or_insert(index);
        Entry::none()
    }

    unsafe fn finish(&mut self, _how: How) -> context::Error {
        why_cancelled()
    }
}

/// Why the wait was ended, of which a context's end was the reason.
pub(super) fn why_cancelled() -> context::Error {
    context::ended().err().unwrap_or_else(|| context::Error::cancelled(None))
}

/// Some arms.
pub trait Arms<'a>: own::Own {
    /// Which was chosen, with its outcome.
    type Chosen;

    /// As for one; the first is the arm `index`.
    fn enter(&mut self, entries: &mut [Entry<'a>], index: usize, plan: &mut Plan);

    /// As for one; the first of them is the arm 0.
    ///
    /// # Safety
    ///
    /// As for one.
    unsafe fn finish(self, index: usize, how: How) -> Self::Chosen;
}

/// An arm and those after it.
pub struct Cons<A, R>(pub A, pub R);

/// No arm.
pub struct Nil;

/// The first arm, or one of those after it.
pub enum Either<O, R> {
    /// This one.
    Here(O),
    /// One after it.
    There(R),
}

impl<'a, A: One<'a>, R: Arms<'a>> Arms<'a> for Cons<A, R> {
    type Chosen = Either<A::Output, R::Chosen>;

    fn enter(&mut self, entries: &mut [Entry<'a>], index: usize, plan: &mut Plan) {
        entries[index] = self.0.enter(index, plan);
        self.1.enter(entries, index + 1, plan);
    }

    unsafe fn finish(self, index: usize, how: How) -> Self::Chosen {
        let Cons(mut first, others) = self;
        // Those that were not chosen are dropped behind the outcome, which goes if that panics: it is not the result yet.
        match index.checked_sub(1) {
            None => {
                // SAFETY: the caller's word.
                let outcome = unsafe { first.finish(how) };
                drop((first, others));
                Either::Here(outcome)
            }
            Some(index) => {
                // SAFETY: the caller's word.
                let outcome = unsafe { others.finish(index, how) };
                drop(first);
                Either::There(outcome)
            }
        }
    }
}

impl<'a> Arms<'a> for Nil {
    type Chosen = Infallible;

    fn enter(&mut self, _entries: &mut [Entry<'a>], _index: usize, _plan: &mut Plan) {}

    unsafe fn finish(self, _index: usize, _how: How) -> Infallible {
        unreachable!("the chosen arm is one of them")
    }
}

/// Waits for the first of `N` arms.
pub fn choose<'a, const N: usize, A: Arms<'a>>(mut arms: A) -> A::Chosen {
    let mut entries = [const { Entry::none() }; N];
    let mut plan = Plan::until(NEVER);
    arms.enter(&mut entries, 0, &mut plan);
    let (index, how) = plan.choose(&mut entries, &mut [0; N], &mut [0; N]);
    // SAFETY: they have entered, and have not been touched since.
    unsafe { arms.finish(index, how) }
}
