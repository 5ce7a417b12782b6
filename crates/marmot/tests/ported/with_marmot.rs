//! The program with the names of Marmot.

pub use marmot::{sync, thread, thread_local};
#[path = "program.rs"]
pub mod program;
