//! The program with the names of `std`.

pub use std::{sync, thread, thread_local};
#[path = "program.rs"]
pub mod program;
