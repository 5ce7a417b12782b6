//! Profiles of the runtime: what goroutines there are and what they do ([`goroutines`]), where they wait and for how long
//! ([`blocked`]), which locks make others wait ([`contention`]), and which threads there are ([`threads()`]).
//!
//! Here are the facts; formats that other programs read are made of them elsewhere. A stack is a list of addresses, the
//! innermost call first, each inside the instruction that it belongs to.
//!
//! Nothing of it costs anything measurable as long as nobody asks: a goroutine is entered in a list of its M when it starts,
//! and a wait looks at one word. Labels cost one word of each goroutine.

mod events;
pub mod labels;
mod snapshot;
mod store;
mod threads;

pub use events::{
    Blocked, blocked, contended, contention, lost, set_block_io, set_block_rate, set_mutex_fraction, watches_contention,
};
pub use snapshot::{Absent, Goroutine, Snapshot, Status, goroutines, goroutines_within};
pub use threads::{EndedThreads, Thread, ThreadKind, Threads, threads};
