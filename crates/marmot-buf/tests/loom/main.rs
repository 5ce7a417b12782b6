//! The models of this crate's protocols.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p marmot-buf --release --test loom`.
//!
//! | model | of | shows |
//! |---|---|---|
//! | `linked` | the linked buffer | no wake-up and no byte is lost, and every node is freed once |
//! | `pool` | the slots, rings and shards of pools | every object has one owner, who sees what the one before did, and none is lost |

#![cfg(loom)]

#[path = "../../src/primitive.rs"]
#[expect(dead_code, unused_imports, reason = "not all that the package uses is modelled from here")]
mod primitive;

#[path = "../../src/pool/ring.rs"]
mod ring;
#[path = "../../src/pool/shard.rs"]
#[expect(dead_code, reason = "what a pool counts is not modelled")]
mod shard;
#[path = "../../src/pool/slot.rs"]
mod slot;

mod linked;
mod pool;
