//! What the project's developers run besides cargo itself: `cargo xtask COMMAND`.
//!
//! | command | what it does |
//! |---|---|
//! | `tidy` | checks the house rules that neither the compiler nor clippy knows |
//! | `guard` | counts instructions and system calls, and holds them to limits |
//! | `stress` | builds the stress program and runs it with the arguments that follow; `--help` lists them |
//! | `measure` | measures beside other runtimes, on top of the benchmark harness |
//!
//! Each prints what it finds. The exit code is 1 when that is not as it should be, 2 when the command cannot be understood,
//! and 77 when the machine lacks a program that a guard needs.

#![forbid(unsafe_code)]

mod guard;
mod measure;
mod program;
mod strace;
mod tidy;
mod tools;
mod verdict;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy | guard | stress | measure [--help]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace");
    match arguments.split_first() {
        Some((command, [])) if command == "tidy" => tidy(root),
        Some((command, [])) if command == "guard" => guard::run(root),
        Some((command, rest)) if command == "stress" => stress(rest),
        Some((command, rest)) if command == "measure" => measure::run(root, rest),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn tidy(root: &Path) -> ExitCode {
    match tidy::run(root) {
        Ok(report) => {
            print!("{report}");
            if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(e) => {
            eprintln!("tidy: the workspace cannot be read: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the stress program by way of cargo: a dependency on it would make `tidy` wait for the whole library.
fn stress(arguments: &[String]) -> ExitCode {
    let mut command = program::cargo();
    command.args(["run", "--release", "--quiet", "--package", "marmot-stress", "--"]).args(arguments);
    match command.status() {
        Ok(status) => status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8)),
        Err(e) => {
            eprintln!("stress: cargo cannot be run: {e}");
            ExitCode::FAILURE
        }
    }
}
