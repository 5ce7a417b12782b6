//! The linked buffer: bytes from one producer to one consumer through a list of fixed-size nodes.
//!
//! It grows without copying, for a full node is followed by the next one; and it shrinks as it is drained, for a node
//! goes back to the pool (`pool.rs`) when its last byte is consumed. An empty buffer whose producer
//! [lets go](Producer::let_go) holds no node at all.
//!
//! ```text
//!            head, off                                  tail, end
//!               │                                          │
//!               ▼                                          ▼
//!   ┌─────────────────┐   ┌─────────────────┐   ┌─────────────────┐   ┌─────────────────┐
//!   │ ....xxxxxxxxxxxx│──▶│xxxxxxxxxxxxxxxxx│──▶│xxxxxxxx         │──▶│                 │
//!   └─────────────────┘   └─────────────────┘   └─────────────────┘   └─────────────────┘
//!    the consumer's                              shared, byte by byte  the producer's room
//! ```
//!
//! # The protocol
//!
//! Everything that both sides decide on is one atomic word (`state.rs`): the number of bytes that are published and not
//! yet consumed, and six flags. The producer fills bytes beyond the published ones, sets the `end` of each node and
//! links it to the one before; then it adds to the count (`commit`). The consumer learns the count (Acquire), which
//! makes those bytes, ends and links visible to it, and subtracts what it has used. It subtracts by the node or when it
//! has used all that there is, so that many small reads cost one atomic operation. The producer looks at the word once
//! for each publication, when it makes room: that its exchange fails now and then costs less than to look again.
//!
//! **Who owns the last node.** A node before the last one is the consumer's, which gives it back when it moves on. The
//! last one cannot be moved on from. So:
//!
//! | the count is | the last node is |
//! |---|---|
//! | not 0 | shared: the producer writes beyond its end, the consumer reads below it |
//! | 0, not `SEALED` | the producer's alone: the consumer has forgotten it |
//! | 0, `SEALED` | gone: the consumer gave it back as it made the count 0 |
//!
//! The consumer forgets its place in the list by the subtraction that makes the count 0, and only the producer makes it
//! non-zero again. So while the producer sees 0 it is alone: it rewinds the node and fills it from the start (a
//! connection with requests and answers uses the same cache lines again and again), or gives it back; and it writes
//! down in the `anchor` where the next bytes begin, before the compare-and-swap that publishes them, which fails and is
//! tried anew if the count has become 0 meanwhile. The consumer reads the anchor when it finds a count that is not 0
//! and has no place. A producer that goes away for long (it waits for a descriptor, or is dropped) sets `SEALED` if
//! the count is not 0, by which it leaves the last node to the consumer; coming back, it clears the flag, and if the
//! count is still not 0, it still has the node.
//!
//! **Chunks.** [`Consumer::take_chunk`] hands out bytes that stay where they are: a chunk counts as a reference to its
//! node, and a node is used again only when the list and all its chunks have gone. Published bytes are never written
//! again before that (the producer rewinds a node only if nobody else refers to it), so a chunk is as good as a `&[u8]`.
//!
//! **Waiting.** The consumer waits for a number of bytes, the producer for room. Who waits leaves its handle in its
//! slot (`slot.rs`), sets its flag by a compare-and-swap of the word as it saw it (so that nothing has happened since), and
//! parks. The other side sees the flag in the word that its own operation returned; whoever clears the flag unparks.
//! How many bytes the consumer wants is read after that operation: it is at least as new as the flag in the word, and
//! a consumer that sets its flag later has seen the new count itself. A consumer that wants more than the high-water
//! mark lets the producer go on beyond it, so that the two never wait for each other. A producer that waits is woken when
//! half of the mark is left, and not for every byte; a consumer that looks for more in vain, without waiting, wakes it as
//! soon as there is room at all, since it may never get down to half.
//!
//! **Owners.** Bytes that are not copied in belong to somebody whose destructor may panic. So whatever the other side and
//! later calls rely on (places, counts, flags, wake-ups) is done before a node is given back, on every path.
//!
//! # Rejected
//!
//! - A ring: growing it copies, and its memory is pinned while the connection is idle.
//! - A count for each node: the consumer would look at every node for what one word says, and "empty" would need a
//!   protocol of its own for the last node.
//! - Handing out room as slices that live as long as the producer's borrow: who keeps one (`mem::replace`) could write
//!   after the commit. So a room lays its slices out anew at each call, and they live no longer than that borrow of it.
//! - Publishing the place together with every commit: the consumer may have seen the count and not yet the place, so
//!   the producer may write it only while the count is 0.

mod chunk;
mod consumer;
mod node;
pub(crate) mod pool;
mod producer;
mod shared;
mod slot;
mod state;

pub use chunk::Chunk;
pub use consumer::Consumer;
pub use producer::{Producer, Room};

use crate::primitive::{Arc, SMALLEST_NODE};
use crate::{Park, Threads};
use shared::Shared;

/// The size of a node, in bytes, if nothing else is asked for.
pub const NODE_SIZE: usize = 4096;

/// The largest size of a node, in bytes.
pub const LARGEST_NODE: usize = 64 * 1024;

/// The high-water mark, in bytes, if nothing else is asked for.
pub const HIGH_WATER: usize = 64 * 1024;

/// How a linked buffer is made.
///
/// # Examples
///
/// ```
/// use marmot_buf::{Threads, linked::Options};
///
/// let (producer, consumer) = Options::new().node_size(16 * 1024).high_water(1 << 20).build::<Threads>();
/// # drop((producer, consumer));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options {
    node_size: usize,
    high_water: usize,
}

impl Options {
    /// Nodes of [`NODE_SIZE`], and a high-water mark of [`HIGH_WATER`].
    pub fn new() -> Self {
        Options { node_size: NODE_SIZE, high_water: HIGH_WATER }
    }

    /// Sets the size of a node in bytes. It is rounded up to a power of two from 512 to [`LARGEST_NODE`].
    pub fn node_size(mut self, bytes: usize) -> Self {
        self.node_size = bytes.clamp(SMALLEST_NODE, LARGEST_NODE).next_power_of_two();
        self
    }

    /// Sets how many bytes may wait for the consumer before the producer has to wait for it; at least one. A single
    /// commit may exceed it by the room that it was given.
    pub fn high_water(mut self, bytes: usize) -> Self {
        self.high_water = bytes.max(1);
        self
    }

    /// Makes a buffer whose sides wait by `P`.
    pub fn build<P: Park>(self) -> (Producer<P>, Consumer<P>) {
        let shared = Arc::new(Shared::new(self.node_size, self.high_water));
        (Producer::new(Arc::clone(&shared)), Consumer::new(shared))
    }
}

impl Default for Options {
    fn default() -> Self {
        Options::new()
    }
}

/// Makes a buffer with nodes of [`NODE_SIZE`] and a high-water mark of [`HIGH_WATER`], whose sides block threads.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::thread;
///
/// let (mut producer, mut consumer) = marmot_buf::linked::buffer();
/// thread::spawn(move || producer.write_all(b"hello"));
/// let mut text = String::new();
/// consumer.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn buffer() -> (Producer<Threads>, Consumer<Threads>) {
    Options::new().build()
}
