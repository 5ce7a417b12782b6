//! Buffers for network I/O, usable with and without Marmot's runtime.
//!
//! | module | what it holds |
//! |---|---|
//! | [`codec`] | between bytes and frames |
//! | [`lease`] | byte buffers that are borrowed from the thread while they hold bytes |
//! | [`linked`] | the linked buffer: bytes from one side to another, growing without copying |
//! | [`pool`] | objects that are used again |
//! | [`park`] | how a side of a buffer or pipe waits: the one thing that a runtime has to provide |
//!
//! Nothing here knows what a goroutine is. What waits does so through [`Park`]; [`Threads`] blocks threads, and the
//! runtime has one that parks goroutines.

mod bad_count;
pub mod codec;
mod counted;
pub mod lease;
pub mod linked;
pub mod park;
pub mod pool;
mod primitive;

pub use bad_count::BadCount;
pub use counted::{Counted, Counts};
pub use lease::Lease;
pub use linked::pool::nodes_in_use;
pub use linked::{Chunk, Consumer, Producer};
pub use park::{Park, Threads};
pub use pool::{Pool, Pooled};

/// How many interruptions of a call are followed by another try. Signals interrupt a wait now and then, and not a thousand times.
const MOST_RETRIES: u32 = 1000;
