//! `marmot bench`: what the runtime's operations cost.
//!
//! Every benchmark prints lines of the form `name value unit`. The value is CPU time of the process for one operation
//! (`cpu_ns`; for `skynet` as a whole, `cpu_ms`), which other load on the machine does not distort much; the wall-clock
//! time is on the line `name.wall`. Each is the least of several runs. Every benchmark has a runtime of its own.
//!
//! | name | other name | what is measured |
//! |---|---|---|
//! | `switch` | `yield` | one of two goroutines yielding to the other |
//! | `pingpong` | | unparking another goroutine and being unparked by it |
//! | `read` | | sending 64 bytes to another goroutine of the thread and reading them back, each parked until the bytes come |
//! | `spawn` | | a goroutine's start, end and join: one at a time, and in batches of 1000 |
//! | `parked` | `memory` | memory of a parked goroutine, the memory mappings of all, and the time to start one |
//! | `unstarted` | | memory of a goroutine that has not started |
//! | `buffer` | | sending 4 KiB to another goroutine through a linked buffer; and how many bytes a second that makes |
//! | `pool` | | getting an object from a pool and giving it back, on all Ps at the same time; and making and dropping one |
//! | `cancel` | | cancelling 10,000 goroutines that sleep: the time until the last has come back (`cancel.wall`, of all) |
//! | `channel` | | sending messages to another goroutine: one by one, through a buffer, and to a select |
//! | `mutex` | | taking a mutex and giving it up: one that nobody else wants, and one that two goroutines and two threads want; beside `std`'s |
//! | `skynet` | | a tree of goroutines with ten branches at each node and a million leaves, which adds up their numbers |
//! | `sleep` | | many sleeps at the same time, and how late they end: spread over some time, and all at once (`.at_once`); and one that is very short, by itself |
//! | `timer` | | a timer that is made, and stopped before it fires: by itself, and among 100,000 others |
//!
//! Instruments that count, as callgrind and strace do, need a program that does the same at every run: [`once`].

mod buffer;
mod cancel;
mod channel;
mod mutex;
mod once;
mod parked;
mod pingpong;
mod pool;
mod read;
mod rows;
mod skynet;
mod sleep;
mod spawn;
mod switch;
mod timer;
mod unstarted;

use crate::args::whole;
use crate::format;
use crate::sys::own_memory;
use clap::ValueEnum;
use marmot::Runtime;
use rows::Rows;
use std::io;
use std::time::Duration;

/// How long the goroutines of a benchmark may take to end behind it.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// What a goroutine takes at most that waits: a page of its stack, its part of the page tables, its record, a handle. And one that
/// has not started.
const A_GOROUTINE: u64 = 6 * 1024;
const UNSTARTED: u64 = 512;

/// The options of `marmot bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to measure; without a name, everything.
    #[arg(value_name = "NAME", value_enum)]
    names: Vec<Name>,
    /// Print one JSON array instead of lines.
    #[arg(long)]
    json: bool,
    /// Goroutines of `parked`, `unstarted` and `sleep`.
    #[arg(long, value_name = "N", default_value_t = 100_000, allow_negative_numbers = true,
        value_parser = whole::<u32>(1..=10_000_000))]
    count: u32,
    /// How many goroutines run at the same time [default: the processors that the process may use].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u16>(1..=1024))]
    procs: Option<u16>,
    /// Do a hundredth of the work: it shows that the benchmarks run, and measures little.
    #[arg(long)]
    quick: bool,
    /// Name the rows as other runtimes' benchmarks do: `yield`, `pingpong_roundtrip`, `spawn_join_one` and so on.
    #[arg(long)]
    peer_names: bool,
    /// Do so many operations once and print nothing: for instruments that count what a process does.
    #[arg(long, value_name = "OPERATIONS", hide = true, allow_negative_numbers = true,
        value_parser = whole::<u64>(0..=u64::MAX))]
    once: Option<u64>,
}

/// A benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// One of two goroutines yielding to the other.
    #[value(alias = "yield")]
    Switch,
    /// Unparking another goroutine and being unparked by it.
    Pingpong,
    /// Sending bytes to another goroutine and reading them back.
    Read,
    /// A goroutine's start, end and join.
    Spawn,
    /// Memory of a parked goroutine.
    #[value(alias = "memory")]
    Parked,
    /// Memory of a goroutine that has not started.
    Unstarted,
    /// Sending bytes to another goroutine through a linked buffer.
    Buffer,
    /// Getting an object from a pool and giving it back.
    Pool,
    /// Cancelling goroutines that sleep.
    Cancel,
    /// Sending messages to another goroutine.
    Channel,
    /// Taking a mutex and giving it up.
    Mutex,
    /// A tree of goroutines with a million leaves.
    Skynet,
    /// Many sleeps at the same time, and a short one.
    Sleep,
    /// Making a timer and stopping it.
    Timer,
}

/// Runs the benchmarks and prints what they measured.
///
/// # Errors
///
/// When a runtime cannot be started, a benchmark fails, or standard output is closed.
pub fn run(args: &Args) -> io::Result<()> {
    let names = if args.names.is_empty() { Name::value_variants() } else { &args.names };
    if args.once.is_none() {
        names.iter().try_for_each(|&name| check_memory(name, args.count))?;
    }
    let mut rows = Rows::new(args.json, args.peer_names, if args.quick { 100 } else { 1 });
    for name in names {
        let mut builder = Runtime::builder();
        if let Some(procs) = args.procs {
            builder = builder.procs(procs.into());
        }
        if *name == Name::Unstarted {
            builder = builder.procs(unstarted::PROCS);
        }
        let runtime = builder.build()?;
        match name {
            _ if let Some(operations) = args.once => once::run(&runtime, *name, operations)?,
            Name::Switch => switch::run(&runtime, &mut rows)?,
            Name::Pingpong => pingpong::run(&runtime, &mut rows)?,
            Name::Read => read::run(&runtime, &mut rows)?,
            Name::Spawn => spawn::run(&runtime, &mut rows)?,
            Name::Parked => parked::run(&runtime, args.count, &mut rows)?,
            Name::Unstarted => unstarted::run(&runtime, args.count, &mut rows)?,
            Name::Buffer => buffer::run(&runtime, &mut rows)?,
            Name::Pool => pool::run(&runtime, &mut rows)?,
            Name::Cancel => cancel::run(&runtime, &mut rows)?,
            Name::Channel => channel::run(&runtime, &mut rows)?,
            Name::Mutex => mutex::run(&runtime, &mut rows)?,
            Name::Skynet => skynet::run(&runtime, &mut rows)?,
            Name::Sleep => sleep::run(&runtime, args.count, &mut rows)?,
            Name::Timer => timer::run(&runtime, &mut rows)?,
        }
        runtime.shutdown(SHUTDOWN).map_err(io::Error::other)?;
    }
    rows.finish()
}

/// Refuses a number of goroutines that this machine has no memory for: the kernel would end the program without a word.
fn check_memory(name: Name, count: u32) -> io::Result<()> {
    let each = match name {
        Name::Parked | Name::Sleep => A_GOROUTINE,
        Name::Unstarted => UNSTARTED,
        _ => return Ok(()),
    };
    let needed = u64::from(count) * each;
    match own_memory::available() {
        Some(available) if needed > available => {
            let text = format!(
                "--count {count} needs about {} of memory and {} are available: use --count {} or less",
                format::bytes(needed as f64),
                format::bytes(available as f64),
                (available / each).max(1),
            );
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
        _ => Ok(()),
    }
}
