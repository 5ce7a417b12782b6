//! With the modules of `std`.

pub use std::{io, net, sync, thread, thread_local, time};

#[path = "names.rs"]
mod names;
#[path = "same.rs"]
pub mod same;
