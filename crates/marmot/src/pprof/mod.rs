//! Profiles: which lines allocate, wait, hold locks and compute, for `go tool pprof` and for `marmot profile advise`.
//!
//! | profile | what it shows | on from the start |
//! |---|---|---|
//! | [`heap`] | memory in use, by the line that allocated it | with the [`Allocator`] |
//! | [`allocs`] | all that has been allocated | with the [`Allocator`] |
//! | [`goroutine`] | every goroutine's stack, what it waits for, its labels | yes |
//! | [`threadcreate`] | where threads were made | yes |
//! | [`block`] | where goroutines wait for others, and how long | no: [`set_block_rate`] |
//! | [`mutex`] | which lines hold locks for which others wait | no: [`set_mutex_fraction`] |
//! | [`cpu()`] | what computes, by goroutine labels | while it is taken |
//!
//! [`serve`] offers all of them under `/debug/pprof/`, where `go tool pprof` looks for them; [`write()`] writes one to a file;
//! [`endpoints`] are for a server of your own. [`with_labels`] tells what a goroutine works on.
//!
//! The samples of memory need the allocator to be this one, which costs a subtraction an allocation, and for one in 512 KiB
//! a stack:
//!
//! ```
//! use marmot::pprof;
//!
//! #[global_allocator]
//! static ALLOCATOR: pprof::Allocator = pprof::Allocator::new();
//!
//! # fn main() -> std::io::Result<()> {
//! let addr = pprof::serve("127.0.0.1:0")?;
//! println!("go tool pprof http://{addr}/debug/pprof/allocs");
//! # Ok(())
//! # }
//! ```

mod serve;
mod server;
mod take;

pub use marmot_pprof::{Allocator, Cut, advise, alloc, cpu, http, proto, raw, symbols, text};
pub use marmot_runtime::profile::labels::{labels, with_labels, without_labels};
pub use marmot_runtime::profile::{set_block_io, set_block_rate, set_mutex_fraction};

pub use serve::{endpoints, serve, write};
pub use take::{allocs, block, cpu, goroutine, heap, mutex, threadcreate};
