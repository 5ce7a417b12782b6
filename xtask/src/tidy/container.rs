//! The rule `container`: no way from a field to what is around it.
//!
//! A pointer that was made from a reference to a field may be used for that field only, whatever lies around it. So whoever needs the
//! whole again keeps a pointer that was made from the whole. The heap of timers does that for all that have timers, and is the one
//! place that subtracts an offset from such a pointer.

use super::Found;
use super::files::File;

/// Where it is done.
const HEAP: &str = "crates/marmot-runtime/src/sched/timers.rs";

/// What it is done by.
const WAYS: [&str; 3] = ["byte_sub", "wrapping_byte_sub", "container_of"];

pub fn check(file: &File) -> Vec<Found> {
    let Some(tokens) = file.tokens().filter(|_| file.path != HEAP) else { return Vec::new() };
    let ways = (0..tokens.len()).filter(|&at| WAYS.contains(&tokens.text(at)));
    let advice = "keep a pointer that was made from the whole; for timers, `sched::Fire` does";
    ways.map(|at| (tokens.line(at), advice.to_owned())).collect()
}
