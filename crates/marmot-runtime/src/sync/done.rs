//! The end of a context as something that is received: Go's `ctx.Done()`.
//!
//! It is a channel without messages, whose only sender the context has ([`call_after`](crate::sched::cancel::Node::call_after)), and
//! drops when it ends. Who has the other end takes the sender back when he drops it, so nothing stays behind in a context
//! that lasts.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use super::chan::{self, Receiver, RecvError, Selectable};
use crate::context::{self, Context, Error};
use crate::sched::Number;
use crate::sched::cancel::Node;

/// The end of a [`Context`], which may be waited for among other things: [`Context::done`] makes it.
///
/// As an arm of a [`select!`](crate::select) it comes, with [`RecvError::Disconnected`], once that context has ended, as often as one asks.
pub struct Done {
    receiver: Receiver<Infallible>,
    /// Where the sender is; nothing if the context has ended already, or never ends.
    entry: Option<(Arc<Node>, Number)>,
}

impl Context {
    /// The end of this context, to be waited for; Go's `ctx.Done()`.
    ///
    /// It is for contexts that are not the caller's: that one's end ends all waits by itself, and is the arm `cancelled` of
    /// a [`select!`](crate::select). Where it is needed again and again, as in a loop, it is best made once.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_runtime as marmot;
    /// use marmot::context::Context;
    /// use marmot::sync::chan::{self, RecvError};
    ///
    /// let (session, end) = Context::background().with_cancel();
    /// let (jobs, to_do) = chan::bounded(1);
    /// let serves = marmot::go(move || {
    ///     let over = session.done();
    ///     let mut sum = 0;
    ///     loop {
    ///         marmot::select! {
    ///             recv(to_do) -> job => sum += job.unwrap_or(0),
    ///             recv(over) -> why => {
    ///                 assert_eq!(why, Err(RecvError::Disconnected));
    ///                 return sum;
    ///             }
    ///         }
    ///     }
    /// });
    /// jobs.send(2).unwrap();
    /// while !jobs.is_empty() {
    ///     marmot::yield_now();
    /// }
    /// end.cancel();
    /// assert_eq!(serves.join().unwrap(), 2);
    /// ```
    pub fn done(&self) -> Done {
        let Some(node) = self.node() else { return Done { receiver: chan::never(), entry: None } };
        let (sender, receiver) = chan::rendezvous();
        // Where the context has ended, the function comes back, and is dropped, and the sender with it.
        let entry = node.call_after(Box::new(move || drop(sender))).ok();
        Done { receiver, entry: entry.map(|number| (Arc::clone(node), number)) }
    }
}

impl Done {
    /// Waits until that context has ended.
    ///
    /// # Errors
    ///
    /// If the caller's own context ends while it waits: why.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    ///
    /// # Cancellation
    ///
    /// Ends the wait. If that context has ended, one does not wait.
    pub fn wait(&self) -> Result<(), Error> {
        match self.receiver.recv() {
            Ok(never) => match never {},
            Err(RecvError::Disconnected) => Ok(()),
            Err(RecvError::Cancelled) => Err(context::why()),
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some((node, number)) = self.entry.take() {
            // Once, so that it is this one's place still.
            node.forget_call(number);
        }
    }
}

/// The receiver is never sent anything. A clone of it that outlives this finds its channel disconnected.
impl Selectable for Done {
    type Item = Infallible;

    fn receiver(&self) -> Option<&Receiver<Infallible>> {
        Some(&self.receiver)
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Done").finish_non_exhaustive()
    }
}
