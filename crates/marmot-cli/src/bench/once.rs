//! `--once`: a fixed number of operations, one time, with nothing around them that differs from run to run.
//!
//! It is for instruments that count what a process does: instructions, system calls. The difference between a run of `N`
//! operations and one of `2 N` is what `N` operations cost, without the start and the end of the process. So there is no
//! clock in it, no warm-up and no output. It measures nothing itself.

use super::{Name, channel, pingpong, pool, read, spawn, switch, timer};
use marmot::Runtime;
use std::io;

/// Does `operations` of the benchmark `name`.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] for a benchmark that does not consist of operations one after the other.
pub fn run(runtime: &Runtime, name: Name, operations: u64) -> io::Result<()> {
    let operate: fn(u64) = match name {
        Name::Switch => switch::yields,
        Name::Channel => channel::rendezvous,
        Name::Pingpong => pingpong::round_trips,
        Name::Pool => pool::gets,
        Name::Read => read::round_trips,
        Name::Spawn => spawn::one_by_one,
        Name::Timer => timer::starts_and_stops,
        _ => {
            let text = "--once counts operations one after the other: use it with switch, channel, pingpong, pool, read, spawn or timer";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
    };
    runtime.run(move || operate(operations));
    Ok(())
}
