//! The netpoller's contract, and its back ends.
//!
//! A poller tells which descriptors have become ready. It knows descriptors and the [`Key`]s that its caller gave
//! them, and nothing of what waits for them: no goroutine, no timer, no queue.
//!
//! | item | what it is |
//! |---|---|
//! | [`Contract`] | what every back end does, in laws: the specification |
//! | [`mock`] | the contract over descriptors in memory: the reference, and the stand-in for tests of upper layers |
//! | [`Backend`] | the contract over this platform's own call: `epoll` on Linux |
//! | [`Poller`], [`Events`] | the same with the methods inherent, for code that needs no other back end |
//!
//! One suite, `tests/contract.rs`, holds every back end to every law.
//!
//! What this is not: it reads and writes nothing, remembers no readiness (an edge is reported once, and the caller
//! keeps it), and owns no descriptor but its own two.

mod contract;
mod error;
mod event;
mod poller;
mod primitive;
mod sys;
mod wakeup;

pub use contract::{Buffer, Contract};
pub use event::{Event, Key};
pub use poller::{Events, Number, Poller, Source};
pub use sys::{Backend, mock};
