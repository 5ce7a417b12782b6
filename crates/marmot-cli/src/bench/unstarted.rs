//! `unstarted`: what a goroutine costs before it has started: a closure in a queue, without a stack.
//!
//! The goroutines are started by one that does not park meanwhile, on the only P, so that none of them gets its turn before
//! the memory has been read. It is counted as in [`parked`](super::parked), the queue and the handles included.

use super::rows::{Label, Rows};
use crate::sys::own_memory;
use marmot::Runtime;
use std::io;

/// Another P would take the goroutines and start them.
pub const PROCS: usize = 1;

const MEMORY: Label = Label { own: "unstarted", peer: "unstarted_rss" };

pub fn run(runtime: &Runtime, count: u32, rows: &mut Rows) -> io::Result<()> {
    let used = runtime.run(move || {
        let before = own_memory::in_use();
        let handles: Vec<_> = (0..count).map(|index| marmot::go(move || index)).collect();
        let after = own_memory::in_use();
        let sum: u64 = handles.into_iter().map(|handle| u64::from(handle.join().expect("returning is no panic"))).sum();
        assert_eq!(sum, u64::from(count) * (u64::from(count) - 1) / 2, "a goroutine was lost or ran twice");
        Some(after?.saturating_sub(before?))
    });
    match used {
        Some(bytes) => rows.add(MEMORY, "", bytes as f64 / f64::from(count), "bytes"),
        None => Ok(()),
    }
}
