//! How operations with channels fail. The names are `std`'s; beside what `std` knows, the caller's context may have ended.

use std::error::Error;
use std::fmt;

/// Nothing was received, and nothing was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// All senders are gone, and so are the messages.
    Disconnected,
    /// The caller's context has ended while it waited: [`context::check`](crate::context::check) says why.
    Cancelled,
}

/// Nothing was received, and nothing was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is no message now.
    Empty,
    /// All senders are gone, and so are the messages.
    Disconnected,
}

/// Nothing was received, and nothing was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// No message came in time.
    Timeout,
    /// All senders are gone, and so are the messages.
    Disconnected,
    /// The caller's context has ended while it waited: [`context::check`](crate::context::check) says why.
    Cancelled,
}

/// The message was not sent; here it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendError<T> {
    /// All receivers are gone.
    Disconnected(T),
    /// The caller's context has ended while it waited: [`context::check`](crate::context::check) says why.
    Cancelled(T),
}

/// The message was not sent; here it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room now, or, if the channel has no room at all, nobody who receives.
    Full(T),
    /// All receivers are gone.
    Disconnected(T),
}

/// The message was not sent; here it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// It could not be sent in time.
    Timeout(T),
    /// All receivers are gone.
    Disconnected(T),
    /// The caller's context has ended while it waited: [`context::check`](crate::context::check) says why.
    Cancelled(T),
}

const NO_SENDERS: &str = "receiving on a closed channel";
const NO_RECEIVERS: &str = "sending on a closed channel";

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecvError::Disconnected => NO_SENDERS,
            RecvError::Cancelled => "the context has ended before a message came",
        })
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => "receiving on an empty channel",
            TryRecvError::Disconnected => NO_SENDERS,
        })
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvTimeoutError::Timeout => f.write_str("timed out waiting on channel"),
            RecvTimeoutError::Disconnected => f.write_str("channel is empty and sending half is closed"),
            RecvTimeoutError::Cancelled => RecvError::Cancelled.fmt(f),
        }
    }
}

impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for RecvTimeoutError {}

impl From<RecvError> for RecvTimeoutError {
    fn from(error: RecvError) -> RecvTimeoutError {
        match error {
            RecvError::Disconnected => RecvTimeoutError::Disconnected,
            RecvError::Cancelled => RecvTimeoutError::Cancelled,
        }
    }
}

/// [`Cancelled`](RecvError::Cancelled) becomes [`Empty`](TryRecvError::Empty), because the wait found no message.
impl From<RecvError> for TryRecvError {
    fn from(error: RecvError) -> TryRecvError {
        match error {
            RecvError::Disconnected => TryRecvError::Disconnected,
            RecvError::Cancelled => TryRecvError::Empty,
        }
    }
}

/// [`Cancelled`](SendError::Cancelled) becomes [`Full`](TrySendError::Full), because the wait found no room.
impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> TrySendError<T> {
        match error {
            SendError::Disconnected(message) => TrySendError::Disconnected(message),
            SendError::Cancelled(message) => TrySendError::Full(message),
        }
    }
}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(error: SendError<T>) -> SendTimeoutError<T> {
        match error {
            SendError::Disconnected(message) => SendTimeoutError::Disconnected(message),
            SendError::Cancelled(message) => SendTimeoutError::Cancelled(message),
        }
    }
}

/// What the errors of sending have in common: they hold the message, and are shown without it.
macro_rules! holds_the_message {
    ($error:ident: $($variant:ident => $text:expr,)*) => {
        impl<T> $error<T> {
            /// The message.
            pub fn into_inner(self) -> T {
                match self {
                    $($error::$variant(message) => message,)*
                }
            }
        }

        impl<T> fmt::Debug for $error<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $($error::$variant(_) => concat!(stringify!($error), "::", stringify!($variant), "(..)"),)*
                })
            }
        }

        impl<T> fmt::Display for $error<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $($error::$variant(_) => $text,)*
                })
            }
        }

        impl<T> Error for $error<T> {}
    };
}

const CANCELLED: &str = "the context has ended before the message was sent";

holds_the_message! { SendError:
    Disconnected => NO_RECEIVERS,
    Cancelled => CANCELLED,
}
holds_the_message! { TrySendError:
    Full => "sending on a full channel",
    Disconnected => NO_RECEIVERS,
}
holds_the_message! { SendTimeoutError:
    Timeout => "the message could not be sent in time",
    Disconnected => NO_RECEIVERS,
    Cancelled => CANCELLED,
}
