//! Channels between many senders and many receivers, which park the goroutine that has to wait; and waiting for several at a time.
//!
//! | made by | what a send does |
//! |---|---|
//! | [`rendezvous`] | waits until somebody takes the message |
//! | [`bounded`] | waits while the channel is full |
//! | [`unbounded`] | never waits |
//!
//! Both ends may be cloned and shared, by goroutines and plain threads. When the last sender is gone, receivers get what is still there,
//! and then [`RecvError::Disconnected`]; when the last receiver is gone, what is there is dropped, and senders get their messages
//! back. Nobody closes a channel but by dropping his end.
//!
//! Messages come out as they went in, and who waits is served in order: whoever comes later does not overtake.
//!
//! [`mpsc`](super::mpsc) has the same channels under the names of `std`. [`select!`](crate::select) and [`Select`] wait for the
//! first of several operations.
//!
//! A wait ends when the caller's context does. Then the message comes back, or none has been taken. What does not have to wait is done all
//! the same, also in a context that has ended.
//!
//! A goroutine whose runtime was shut down while it waited is passed over; the message that it wanted to send stays on its stack. One that
//! it was handed, but has not received, goes to the next, or is put back as the first.
//!
//! # Examples
//!
//! ```
//! use marmot_runtime as marmot;
//! use marmot::sync::chan;
//!
//! let (jobs, to_do) = chan::bounded(16);
//! let (results, done) = chan::unbounded();
//! for _ in 0..4 {
//!     let (to_do, results) = (to_do.clone(), results.clone());
//!     marmot::go(move || {
//!         for job in to_do {
//!             results.send(job * job).unwrap();
//!         }
//!     });
//! }
//! drop((to_do, results));
//! marmot::go(move || (0..100_u32).for_each(|job| jobs.send(job).unwrap()));
//! assert_eq!(done.iter().sum::<u32>(), 328_350);
//! ```

#[doc(hidden)]
pub mod arms;
mod builder;
mod ends;
mod error;
mod iter;
mod macros;
mod select;
mod state;
mod store;

pub use builder::Select;
pub use ends::{Receiver, Selectable, SelectableSender, Sender, bounded, never, rendezvous, unbounded};
pub use error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
pub use iter::{IntoIter, Iter, TryIter};
