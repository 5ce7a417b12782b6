//! What the project's developers run besides cargo itself: `cargo xtask tidy`, `cargo xtask stress`.
//!
//! `tidy` checks the house rules that neither the compiler nor clippy knows. It prints a line for each place that breaks
//! one, and what to do about it; the exit code is 1 when there is any.
//!
//! `stress` builds the stress program and runs it with the arguments that follow; `--help` lists them.

#![forbid(unsafe_code)]

mod tidy;

use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask tidy | cargo xtask stress [ARGUMENTS]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((name, [])) if name == "tidy" => tidy(),
        Some((name, rest)) if name == "stress" => stress(rest),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn tidy() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace");
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
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--release", "--quiet", "--package", "marmot-stress", "--"]).args(arguments);
    match command.status() {
        Ok(status) => status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8)),
        Err(e) => {
            eprintln!("stress: cargo cannot be run: {e}");
            ExitCode::FAILURE
        }
    }
}
