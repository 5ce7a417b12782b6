//! The program with the names of `std`.

pub use std::{sync, thread};
#[path = "program.rs"]
pub mod program;
