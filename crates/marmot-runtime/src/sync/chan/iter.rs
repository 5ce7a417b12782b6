//! The messages of a channel one after the other.

use std::fmt;

use super::ends::Receiver;

/// What [`Receiver::iter`] returns: waits for each message, and ends when receiving fails, that is when all senders are gone or
/// the caller's context has ended.
pub struct Iter<'a, T>(pub(super) &'a Receiver<T>);

/// What [`Receiver::try_iter`] returns: ends when there is no message.
pub struct TryIter<'a, T>(pub(super) &'a Receiver<T>);

/// As [`Iter`], with the receiver in it.
pub struct IntoIter<T>(pub(super) Receiver<T>);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
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
        IntoIter(self)
    }
}

macro_rules! shown_by_name {
    ($($iterator:ty: $name:literal),*) => {$(
        impl<T> fmt::Debug for $iterator {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).finish_non_exhaustive()
            }
        }
    )*};
}

shown_by_name!(Iter<'_, T>: "Iter", TryIter<'_, T>: "TryIter", IntoIter<T>: "IntoIter");
