//! The program with the names of Marmot.

pub use marmot::{sync, thread};
#[path = "program.rs"]
pub mod program;
