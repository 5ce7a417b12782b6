//! Channels under the names of [`std::sync::mpsc`], so that a program is ported by another `use` line.
//!
//! They are those of [`chan`], and park the goroutine that has to wait. The differences to `std`: the caller's context
//! may end a wait, so [`RecvError`], [`SendError`] and [`RecvTimeoutError`] have a case `Cancelled`, and are
//! enumerations; a receiver is [`Sync`], and may be an arm of [`select!`](crate::select). Where `std` converts one of these errors
//! into one that has no such case, `Cancelled` becomes what was found: an empty channel, or a full one.
//!
//! # Examples
//!
//! ```
//! use marmot_runtime as marmot;
//! use marmot::sync::mpsc;
//!
//! let (sender, receiver) = mpsc::channel();
//! for id in 0..3 {
//!     let sender = sender.clone();
//!     marmot::go(move || sender.send(id).unwrap());
//! }
//! drop(sender);
//! let mut all: Vec<_> = receiver.iter().collect();
//! all.sort();
//! assert_eq!(all, [0, 1, 2]);
//! ```

use std::fmt;
use std::time::{Duration, Instant};

use super::chan::{self, Selectable, SelectableSender};
pub use super::chan::{IntoIter, Iter, RecvError, RecvTimeoutError, SendError, TryIter, TryRecvError, TrySendError};

/// As [`std::sync::mpsc::channel`]: a channel without a bound. See [`unbounded`](super::chan::unbounded).
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = chan::unbounded();
    (Sender(sender), Receiver(receiver))
}

/// As [`std::sync::mpsc::sync_channel`]: a channel with room for `bound` messages, or with none. See
/// [`bounded`](super::chan::bounded).
///
/// # Panics
///
/// When so many messages are more than the address space.
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = chan::bounded(bound);
    (SyncSender(sender), Receiver(receiver))
}

/// As [`std::sync::mpsc::Sender`]: sends to a [`channel`].
pub struct Sender<T>(chan::Sender<T>);

/// As [`std::sync::mpsc::SyncSender`]: sends to a [`sync_channel`].
pub struct SyncSender<T>(chan::Sender<T>);

/// As [`std::sync::mpsc::Receiver`]: receives from a [`channel`] or a [`sync_channel`].
pub struct Receiver<T>(chan::Receiver<T>);

impl<T> Sender<T> {
    /// Sends a message, without waiting.
    ///
    /// # Errors
    ///
    /// If the receiver is gone. The error has the message.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.0.send(message)
    }
}

impl<T> SyncSender<T> {
    /// Sends a message; waits while the channel is full. See [`Sender::send`](super::chan::Sender::send).
    ///
    /// # Errors
    ///
    /// If the receiver is gone, or the caller's context ends while it waits. The error has the message.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks), while the channel is full; without room, until somebody takes the message.
    ///
    /// # Cancellation
    ///
    /// Ends the wait; the message has not been sent.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.0.send(message)
    }

    /// Sends a message if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// If the channel is full (without room: if nobody waits for the message), or the receiver is gone. The error has the message.
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.0.try_send(message)
    }
}

impl<T> Receiver<T> {
    /// Receives a message; waits while there is none. See [`Receiver::recv`](super::chan::Receiver::recv).
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
    /// Ends the wait; no message has been taken.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.0.recv()
    }

    /// Receives a message if there is one.
    ///
    /// # Errors
    ///
    /// If there is none, or all senders are gone, too.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.try_recv()
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
        self.0.recv_timeout(timeout)
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
        self.0.recv_deadline(deadline)
    }

    /// The messages as they come, until [`recv`](Receiver::recv) fails.
    pub fn iter(&self) -> Iter<'_, T> {
        self.0.iter()
    }

    /// The messages that are there, without waiting.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        self.0.try_iter()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender(self.0.clone())
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> Self {
        SyncSender(self.0.clone())
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        self.0.into_iter()
    }
}

impl<T> Selectable for Receiver<T> {
    type Item = T;

    fn receiver(&self) -> Option<&chan::Receiver<T>> {
        Some(&self.0)
    }
}

impl<T> SelectableSender for Sender<T> {
    type Item = T;

    fn sender(&self) -> Option<&chan::Sender<T>> {
        Some(&self.0)
    }
}

impl<T> SelectableSender for SyncSender<T> {
    type Item = T;

    fn sender(&self) -> Option<&chan::Sender<T>> {
        Some(&self.0)
    }
}

macro_rules! shown_by_name {
    ($($end:ident),*) => {$(
        impl<T> fmt::Debug for $end<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($end)).finish_non_exhaustive()
            }
        }
    )*};
}

shown_by_name!(Sender, SyncSender, Receiver);
