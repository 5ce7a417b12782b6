//! The models of this crate's protocols.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p marmot-buf --release --test loom`.
//!
//! | model | of | shows |
//! |---|---|---|
//! | `linked` | the linked buffer | no wake-up and no byte is lost, and every node is freed once |
//! | `aging` | pools and their ticks | what is kept is dropped some time, and then no tick comes any more |
//! | `pool` | the slots, rings and shards of pools | every object has one owner, who sees what the one before did, and none is lost |

#![cfg(loom)]

#[path = "../../src/primitive.rs"]
#[expect(dead_code, unused_imports, reason = "not all that the package uses is modelled from here")]
mod primitive;

#[path = "../../src/pool/due.rs"]
#[expect(dead_code, reason = "nobody looks at the clock in a model")]
mod due;
#[path = "../../src/pool/ring.rs"]
mod ring;
#[path = "../../src/pool/shard.rs"]
#[expect(dead_code, reason = "what a pool counts is not modelled")]
mod shard;
#[path = "../../src/pool/slot.rs"]
mod slot;

mod aging;
mod linked;
mod pool;

/// For `due`, which has `std`'s in the package.
use loom::sync::atomic;
