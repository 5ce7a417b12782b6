//! What `std::process` says of the process that calls it; children are `std`'s own, and to wait for one blocks the thread: use
//! [`blocking`](crate::blocking()).
//!
//! | `std::process` | here | what is different |
//! |---|---|---|
//! | `exit` | [`exit`] | in a goroutine, the process ends from another thread, and runs no destructors of thread-locals |
//! | `abort`, `id`, `ExitCode`, `Termination` | the same | – |
//! | `Command`, `Child` and what belongs to them | none yet | – |

pub use marmot_runtime::exit;
pub use std::process::{ExitCode, Termination, abort, id};
