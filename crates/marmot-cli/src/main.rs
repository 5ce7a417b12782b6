//! The `marmot` program.
//!
//! | subcommand | what it does |
//! |---|---|
//! | `eras` | the four eras of network programming under the same load, side by side (also what runs without a subcommand) |
//! | `serve` | an echo, frame, HTTP or proxy server, one goroutine per connection |
//! | `bench` | micro-benchmarks of the runtime |
//! | `profile` | what profiles say: which allocations are worth a pool |
//!
//! This file parses and dispatches; each subcommand is a module with its own `Args` and `run`.

// They panic when nobody reads on: write with an error instead, or by [`terminal::complain`].
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod bench;
mod descriptors;
mod format;
#[cfg(feature = "sampling")]
mod memory;
mod profile;
mod serve;
mod sys;
mod terminal;

use clap::{Parser, Subcommand};
use std::io;
use std::process::ExitCode;
use sys::eras;

/// Goroutines for Rust: compare the eras of network programming, serve, and measure.
///
/// Without a subcommand, `marmot eras` runs.
#[derive(Debug, Parser)]
#[command(name = "marmot", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    eras: eras::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the same load as a process, a thread, a callback and a goroutine per connection, and compare.
    Eras(eras::Args),
    /// Run a server: echo, frames, HTTP/1.1 or a TCP proxy.
    Serve(serve::Args),
    /// Measure what the runtime's operations cost.
    Bench(bench::Args),
    /// Read profiles: which allocations are worth a pool.
    Profile(profile::Args),
    #[command(flatten)]
    Hidden(eras::Hidden),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        None => eras::run(&cli.eras),
        Some(Command::Eras(args)) => eras::run(args),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Bench(args)) => bench::run(args),
        Some(Command::Profile(args)) => profile::run(args),
        Some(Command::Hidden(hidden)) => eras::run_hidden(hidden),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads on, as in `marmot bench | head -1`: that is no failure of ours.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => ExitCode::from(130),
        Err(error) => {
            terminal::complain(format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}
