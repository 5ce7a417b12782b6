//! With the modules of `marmot`.

pub use marmot::{io, net, sync, thread, thread_local, time};

#[path = "names.rs"]
mod names;
#[path = "same.rs"]
pub mod same;
