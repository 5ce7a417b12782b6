//! `cargo xtask measure`: what Marmot costs beside other runtimes, on top of the benchmark harness.
//!
//! | name | what is measured |
//! |---|---|
//! | `echo` | CPU time per request of an echo server, one P on one CPU, several loads |
//! | `echo2` | the same with two Ps on two CPUs |
//! | `idle` | memory of a connection that has had one request, also of a buffered one |
//! | `micro` | yield, park and unpark, spawn and join, memory, skynet |
//! | `million` | memory and mappings of a million goroutines, parked and not started |
//! | `frames` | frames a second and system calls, through buffered connections and straight off them |
//! | `proxy` | CPU time per GiB of a proxy, beside Go's |
//! | `pool` | a get and a put of a pool beside Go's `sync.Pool`, on one P and on two |
//! | `sync` | locks, channels, timers, sleeps and cancelling, beside `std`, Go and tokio |
//! | `sampling` | what the allocator that takes samples adds to an HTTP server's CPU time |
//! | `calls` | system calls per request at 50 connections |
//!
//! The harness has the other runtimes' servers, the load generator, and the scripts that run them in turn; this builds it,
//! runs it, and reads what its scripts write, line by line. Each table gives medians, and ratios that are paired: the
//! median, over the rounds, of the ratio within one round, from which a slow drift of other load cancels out. Below stand
//! the project's own targets. Times need a quiet machine; what must hold on any is in [`guard`](crate::guard).

mod calls;
mod echo;
mod frames;
mod golang;
mod harness;
mod idle;
mod load;
mod micro;
mod million;
mod options;
mod pool;
mod proxy;
mod raw;
mod sampling;
mod series;
mod server;
mod sync;
mod table;

#[cfg(test)]
mod tests;

use crate::verdict::Verdict;
use harness::Harness;
use options::{Measurement, Options};
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Measures what the arguments ask for; the exit code is 1 if a target was missed or something failed.
pub fn run(root: &Path, arguments: &[String]) -> ExitCode {
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{}", options::USAGE);
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    match measure_all(root, &options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("measure: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all(root: &Path, options: &Options) -> io::Result<bool> {
    let mut harness = None;
    let mut missed = 0;
    let mut met = 0;
    for measurement in &options.measurements {
        let verdicts = measure(*measurement, root, &mut harness, options)?;
        missed += verdicts.iter().filter(|verdict| !verdict.is_met()).count();
        met += verdicts.iter().filter(|verdict| verdict.is_met()).count();
    }
    println!("\n{met} targets met, {missed} missed");
    Ok(missed == 0)
}

/// Measures one thing. Most of them need the harness, which is opened for the first of those.
fn measure(
    measurement: Measurement,
    root: &Path,
    harness: &mut Option<Harness>,
    options: &Options,
) -> io::Result<Vec<Verdict>> {
    let open = || match harness {
        Some(harness) => Ok::<&Harness, io::Error>(harness),
        unopened => Ok(&*unopened.insert(Harness::open(root, options)?)),
    };
    match measurement {
        Measurement::Echo => echo::run(open()?, options, 1),
        Measurement::Echo2 => echo::run(open()?, options, 2),
        Measurement::Frames => frames::run(open()?, options),
        Measurement::Idle => idle::run(open()?, options),
        Measurement::Micro => micro::run(open()?, options),
        Measurement::Million => million::run(open()?),
        Measurement::Calls => calls::run(open()?, options),
        Measurement::Pool => pool::run(root, options),
        Measurement::Proxy => proxy::run(open()?, options),
        Measurement::Sync => {
            let harness = open();
            if let Err(error) = &harness {
                eprintln!("measure: {error}");
            }
            sync::run(root, harness.ok(), options)
        }
        Measurement::Sampling => sampling::run(root, open()?, options),
    }
}
