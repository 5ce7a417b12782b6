//! The ends of a channel.

use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use super::iter::{Iter, TryIter};
use super::state::{AT_ONCE, Chan, Way};
use crate::primitive::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Relaxed},
};
use crate::sched::clock;
use crate::sched::{Due, budget};
use crate::timer::limit::{Ended, NEVER};

/// A channel in which there is no room: who sends waits until somebody receives, as with Go's channels without a capacity.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::chan;
///
/// let (sender, receiver) = chan::rendezvous();
/// let goroutine = marmot::go(move || sender.send("hello"));
/// assert_eq!(receiver.recv(), Ok("hello"));
/// goroutine.join().unwrap().unwrap();
/// ```
pub fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    bounded(0)
}

/// A channel with room for so many messages, whose memory is taken now. With none, it is a [`rendezvous`].
///
/// # Panics
///
/// When so many messages are more than the address space.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::chan::{self, TrySendError};
///
/// let (sender, receiver) = chan::bounded(1);
/// sender.send(1).unwrap();
/// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
/// assert_eq!(receiver.recv(), Ok(1));
/// ```
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    both(Chan::new(Some(capacity)))
}

/// A channel without a bound: sending never waits. It takes as much memory as its messages need, and gives it back.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::chan;
///
/// let (sender, receiver) = chan::unbounded();
/// (0..1000).for_each(|i| sender.send(i).unwrap());
/// drop(sender);
/// assert_eq!(receiver.iter().sum::<i32>(), 499_500);
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    both(Chan::new(None))
}

/// A receiver that never gets a message and is never disconnected: Go's `nil` channel, for an arm of a select that is switched
/// off. `None` does there, too ([`Selectable`]).
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::chan::{self, TryRecvError};
///
/// assert_eq!(chan::never::<u32>().try_recv(), Err(TryRecvError::Empty));
/// ```
pub fn never<T>() -> Receiver<T> {
    // There is one sender, which nobody has.
    Receiver { chan: Arc::new(Chan::new(Some(0))) }
}

fn both<T>(chan: Chan<T>) -> (Sender<T>, Receiver<T>) {
    let chan = Arc::new(chan);
    (Sender { chan: Arc::clone(&chan) }, Receiver { chan })
}

/// The end of a channel that messages are put into.
///
/// The channel is disconnected when the last one of them is dropped, or the last receiver.
pub struct Sender<T> {
    pub(super) chan: Arc<Chan<T>>,
}

/// The end of a channel that messages come out of: each out of one of them.
///
/// The channel is disconnected when the last one of them is dropped, or the last sender. Messages that nobody can receive any more are
/// dropped with the last receiver.
pub struct Receiver<T> {
    pub(super) chan: Arc<Chan<T>>,
}

impl<T: Copy> Sender<T> {
    /// Sends if somebody waits or there is room, else drops the message: for who fires a timer.
    pub(crate) fn offer(&self, message: T, due: &mut Due) {
        self.chan.offer(message, due);
    }
}

impl<T> Receiver<T> {
    /// Takes a message that is there, of a channel for which nobody waits to send.
    pub(crate) fn take(&self) -> Option<T> {
        self.chan.take()
    }
}

impl<T> Sender<T> {
    /// Sends a message; waits while the channel is full. That it was sent does not mean that somebody receives it.
    ///
    /// # Errors
    ///
    /// If all receivers are gone, or the caller's context ends while it waits. The error has the message.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while the channel is full; without room, until somebody takes the message.
    ///
    /// # Cancellation
    ///
    /// When the context ends, the wait ends with [`SendError::Cancelled`], and the message has not been sent. What does not
    /// have to wait is done all the same.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.send_within(message, NEVER).map_err(|(message, ended)| match ended {
            None => SendError::Disconnected(message),
            // It has no limit, so nothing else ends it.
            Some(_) => SendError::Cancelled(message),
        })
    }

    /// Sends a message if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// If the channel is full (without room: if nobody waits for the message), or all receivers are gone. The error has the message.
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.send_within(message, AT_ONCE).map_err(|(message, ended)| match ended {
            None => TrySendError::Disconnected(message),
            Some(_) => TrySendError::Full(message),
        })
    }

    /// As [`send`](Sender::send), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// If it could not be sent in time, all receivers are gone, or the caller's context ends. The error has the message.
    ///
    /// # Blocking and cancellation
    ///
    /// As for [`send`](Sender::send).
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_until(message, clock::after(timeout))
    }

    /// As [`send`](Sender::send), waiting until `deadline` at most.
    ///
    /// # Errors
    ///
    /// As for [`send_timeout`](Sender::send_timeout).
    ///
    /// # Blocking and cancellation
    ///
    /// As for [`send`](Sender::send).
    pub fn send_deadline(&self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_until(message, clock::at(deadline))
    }

    fn send_until(&self, message: T, until: u64) -> Result<(), SendTimeoutError<T>> {
        self.send_within(message, until).map_err(|(message, ended)| match ended {
            None => SendTimeoutError::Disconnected(message),
            Some(Ended::Cancelled) => SendTimeoutError::Cancelled(message),
            Some(_) => SendTimeoutError::Timeout(message),
        })
    }

    /// The message comes back with how the wait has ended, or with nothing if the channel is disconnected.
    #[inline]
    fn send_within(&self, message: T, until: u64) -> Result<(), (T, Option<Ended>)> {
        let mut slot = ManuallyDrop::new(message);
        // SAFETY: it holds a message.
        let outcome = unsafe { self.chan.operate(Way::Send, &raw mut *slot, until) };
        let ended = match outcome {
            Ok(true) => return Ok(()),
            Ok(false) => None,
            Err(ended) => Some(ended),
        };
        Err((ManuallyDrop::into_inner(slot), ended))
    }
}

impl<T> Receiver<T> {
    /// Receives a message; waits while there is none.
    ///
    /// # Errors
    ///
    /// If all senders are gone and no message is left, or the caller's context ends while it waits.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while there is no message.
    ///
    /// # Cancellation
    ///
    /// When the context ends, the wait ends with [`RecvError::Cancelled`], and no message has been taken. One that is there already
    /// is received all the same.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.receive_within(NEVER).map_err(|ended| match ended {
            None => RecvError::Disconnected,
            // It has no limit, so nothing else ends it.
            Some(_) => RecvError::Cancelled,
        })
    }

    /// Receives a message if there is one.
    ///
    /// # Errors
    ///
    /// If there is none, or all senders are gone, too.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.receive_within(AT_ONCE).map_err(|ended| match ended {
            None => TryRecvError::Disconnected,
            Some(_) => TryRecvError::Empty,
        })
    }

    /// As [`recv`](Receiver::recv), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// If no message came in time, all senders are gone, or the caller's context ends.
    ///
    /// # Blocking and cancellation
    ///
    /// As for [`recv`](Receiver::recv).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.receive_until(clock::after(timeout))
    }

    /// As [`recv`](Receiver::recv), waiting until `deadline` at most.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](Receiver::recv_timeout).
    ///
    /// # Blocking and cancellation
    ///
    /// As for [`recv`](Receiver::recv).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.receive_until(clock::at(deadline))
    }

    fn receive_until(&self, until: u64) -> Result<T, RecvTimeoutError> {
        self.receive_within(until).map_err(|ended| match ended {
            None => RecvTimeoutError::Disconnected,
            Some(Ended::Cancelled) => RecvTimeoutError::Cancelled,
            Some(_) => RecvTimeoutError::Timeout,
        })
    }

    /// Says how the wait has ended, or nothing if the channel is disconnected.
    #[inline]
    fn receive_within(&self, until: u64) -> Result<T, Option<Ended>> {
        let mut slot = MaybeUninit::uninit();
        // SAFETY: it has room for a message.
        match unsafe { self.chan.operate(Way::Receive, slot.as_mut_ptr(), until) } {
            // SAFETY: now a message is in it.
            Ok(true) => Ok(unsafe { slot.assume_init() }),
            Ok(false) => Err(None),
            Err(ended) => Err(Some(ended)),
        }
    }

    /// The messages as they come, until [`recv`](Receiver::recv) fails.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// The messages that are there, without waiting.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }
}

/// What both ends have.
macro_rules! end {
    ($end:ident, $count:ident, $way:expr) => {
        impl<T> $end<T> {
            /// How many messages are in the channel. That may change at any time.
            pub fn len(&self) -> usize {
                budget::charge(budget::CHECK);
                self.chan.len()
            }

            /// Whether no message is in the channel; one without room is always empty.
            pub fn is_empty(&self) -> bool {
                budget::charge(budget::CHECK);
                self.len() == 0
            }

            /// Whether the channel has no room now; one without room is always full.
            pub fn is_full(&self) -> bool {
                budget::charge(budget::CHECK);
                self.chan.capacity.is_some_and(|capacity| capacity <= self.len())
            }

            /// How many messages the channel has room for; nothing if it has no bound.
            pub fn capacity(&self) -> Option<usize> {
                self.chan.capacity
            }

            /// Whether both are of one channel.
            pub fn same_channel(&self, other: &$end<T>) -> bool {
                Arc::ptr_eq(&self.chan, &other.chan)
            }
        }

        impl<T> Clone for $end<T> {
            fn clone(&self) -> Self {
                add(&self.chan.$count);
                $end { chan: Arc::clone(&self.chan) }
            }
        }

        impl<T> Drop for $end<T> {
            fn drop(&mut self) {
                // Release pairs with the Acquire of the last one: what others have done with their ends comes before.
                if self.chan.$count.fetch_sub(1, AcqRel) == 1 {
                    self.chan.disconnect($way);
                }
            }
        }

        impl<T> fmt::Debug for $end<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($end)).finish_non_exhaustive()
            }
        }

        // A panic leaves no channel half done: nothing of the program's runs while it is changed.
        impl<T> UnwindSafe for $end<T> {}
        impl<T> RefUnwindSafe for $end<T> {}
    };
}

end!(Sender, senders, Way::Send);
end!(Receiver, receivers, Way::Receive);

/// Counts an end more.
fn add(count: &AtomicUsize) {
    // Relaxed: who clones an end has one. As for `Arc`, nobody forgets so many that the count comes round.
    if count.fetch_add(1, Relaxed) > isize::MAX as usize {
        std::process::abort();
    }
}

/// What can be received from in a [`select!`](crate::select): receivers of all kinds, and what else gets its news by one. An `Option` is
/// one whose arm is switched off by `None`: that arm never comes.
///
/// A type that holds a [`Receiver`] may implement it by showing that.
pub trait Selectable {
    /// What is received.
    type Item;

    /// What the arm receives from; if nothing, it never comes.
    fn receiver(&self) -> Option<&Receiver<Self::Item>>;
}

/// What can be sent to in a [`select!`](crate::select): senders of all kinds. An `Option` is one whose arm is switched off by `None`.
pub trait SelectableSender {
    /// What is sent.
    type Item;

    /// What the arm sends to; if nothing, it never comes.
    fn sender(&self) -> Option<&Sender<Self::Item>>;
}

impl<T> Selectable for Receiver<T> {
    type Item = T;

    fn receiver(&self) -> Option<&Receiver<T>> {
        Some(self)
    }
}

impl<T> SelectableSender for Sender<T> {
    type Item = T;

    fn sender(&self) -> Option<&Sender<T>> {
        Some(self)
    }
}

/// What leads to an end is as good as the end.
macro_rules! selectable_through {
    ($($pointer:ty),*) => {$(
        impl<S: Selectable + ?Sized> Selectable for $pointer {
            type Item = S::Item;

            fn receiver(&self) -> Option<&Receiver<S::Item>> {
                (**self).receiver()
            }
        }

        impl<S: SelectableSender + ?Sized> SelectableSender for $pointer {
            type Item = S::Item;

            fn sender(&self) -> Option<&Sender<S::Item>> {
                (**self).sender()
            }
        }
    )*};
}

selectable_through!(&S, &mut S, Box<S>, Arc<S>, std::rc::Rc<S>);

impl<S: Selectable> Selectable for Option<S> {
    type Item = S::Item;

    fn receiver(&self) -> Option<&Receiver<S::Item>> {
        self.as_ref()?.receiver()
    }
}

impl<S: SelectableSender> SelectableSender for Option<S> {
    type Item = S::Item;

    fn sender(&self) -> Option<&Sender<S::Item>> {
        self.as_ref()?.sender()
    }
}
