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
//! [`mpsc`](super::mpsc) has the same channels under the names of `std`, [`select!`](crate::select) and [`Select`] wait for the
//! first of several.
//!
//! | file | what is in it |
//! |---|---|
//! | `ends` | what programs call: `Sender`, `Receiver` |
//! | `iter`, `error` | iterators, errors |
//! | `state` | the protocol of one channel |
//! | `select` | the protocol of several |
//! | `arms`, `builder`, `macros` | the arms of a select, and two ways to write them down |
//! | `store` | the messages |
//!
//! # How it works
//!
//! A channel is a lock, a store of messages, and two lists of those who wait ([`list`](super::list)). With the lock, one puts a
//! message into the store, or takes one out; or hands it over to the first who waits for it, right into its stack, and readies
//! that one when the lock is given up. Who can do neither puts a record into a list and parks. The lock is held for a few
//! instructions, in which nothing parks, is dropped or is called that is not known. Goroutines of one M take turns on one
//! thread, so among them it is always free.
//!
//! **One outcome.** A record has a word that says whether its operation is still open ([`state::Ticket`]). Who takes a record out
//! of a list claims the word by an exchange, and passes over a record whose word is no longer open. Who ends the wait by
//! a time or by the end of a context claims the same word, without any lock; the owner then takes its record out itself. So
//! what was given was given to somebody who says so, and a wait that has ended otherwise has been given nothing. A select
//! has a record in the list of each of its channels, all with one word.
//!
//! **Nobody meets half of a select.** It takes the locks of all its channels, in the order of their addresses, looks whether one
//! of them can go on, and puts its records into all lists if none can; then it gives the locks up, and parks. So two selects
//! that wait for each other come one after the other, and the second finds the first. It has no records yet when it claims
//! that one's word, so nobody can have claimed its own.
//!
//! **In order.** Messages come out as they went in, and who waits is served in order: a channel never has room while somebody waits
//! for it, nor messages while somebody waits for them, so nobody overtakes. An operation that need not wait is counted
//! ([`sched::spend`](crate::sched::spend)), so that a sender and a receiver which always find each other ready do not keep their M for
//! themselves.
//!
//! **Who waits for ever.** A goroutine whose runtime has stopped is passed over, and the message that it wanted to send stays on
//! its stack. One that was readied right before its runtime stopped takes what it was given with it.
//!
//! **Orderings.** All is ordered by the lock, or by readying and parking. The models are `tests/loom/channel.rs` and
//! `tests/loom/select.rs`.
//!
//! # What was rejected
//!
//! * A ring without a lock, as `std` and `crossbeam` have: two exchanges for a message, as here, and a fence for whoever may wait. It
//!   has no order among those who wait, and a select over it must look, register and look again.
//! * `std`'s lock. It costs an exchange more each time; see [`Short`](crate::primitive::Short).
//! * A select that takes one lock after the other and retries when it finds that it was seen: two of them can do so for ever.

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
