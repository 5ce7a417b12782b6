//! What the project's developers run besides cargo itself: `cargo xtask tidy`.
//!
//! `tidy` checks the house rules that neither the compiler nor clippy knows. It prints a line for each place that breaks
//! one, and what to do about it; the exit code is 1 when there is any.

#![forbid(unsafe_code)]

mod tidy;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments != ["tidy"] {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
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
