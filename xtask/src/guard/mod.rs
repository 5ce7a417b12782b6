//! `cargo xtask guard`: the costs that can be counted, each beside its limit.
//!
//! Times depend on the machine and on what else runs there, so a test of a time either fails for nothing or lets pass what
//! it is there for. Counts do not: the instructions that an operation takes, and the system calls. An operation's are
//! taken from two runs that do `N` operations and `2 N`: the difference is what `N` of them cost, and the start and the end
//! of the process are not in it. [`limits`] has the figures; times are what `cargo xtask measure` is for.

mod calls;
mod frames;
mod instructions;
mod limits;
mod proxy;

#[cfg(test)]
mod tests;

use crate::verdict::{self, Verdict};
use crate::{program, tools};
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The exit code for a machine that cannot do it, which `.ci/run` counts as skipped.
const SKIPPED: u8 = 77;

/// Counts, prints each figure beside its limit, and fails if there is one above it.
pub fn run(root: &Path) -> ExitCode {
    let missing = missing();
    if !missing.is_empty() {
        eprintln!("guard: skipped, for this does not work here: {}", missing.join(", "));
        return ExitCode::from(SKIPPED);
    }
    match judge(root) {
        Ok(verdicts) if verdict::print(&verdicts) => ExitCode::SUCCESS,
        Ok(verdicts) => {
            let missed = verdicts.iter().filter(|verdict| !verdict.is_met()).count();
            eprintln!(
                "guard: {missed} above the limit: find out what has become dearer; the limits are in xtask/src/guard/limits.rs"
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("guard: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the guard needs and the machine does not do. `strace` has to be tried: a container can forbid tracing.
fn missing() -> Vec<&'static str> {
    let needed =
        [("timeout", &["1", "true"][..]), ("valgrind", &["--version"]), ("strace", &["-c", "-o", "/dev/null", "true"])];
    needed
        .into_iter()
        .filter(|(program, arguments)| !tools::works(program, arguments))
        .map(|(program, _)| program)
        .collect()
}

fn judge(root: &Path) -> io::Result<Vec<Verdict>> {
    let program = program::build(root)?;
    let scratch = program::target_folder(root)?.join("guard");
    std::fs::create_dir_all(&scratch)?;
    let mut verdicts = instructions::count(&program)?;
    verdicts.extend(calls::count(&program, &scratch)?);
    verdicts.extend(frames::count(&program, &scratch)?);
    verdicts.push(proxy::count(&program, &scratch)?);
    Ok(verdicts)
}

/// What one operation costs, from the counts of a run of `operations` and of one of twice as many.
fn each(once: u64, twice: u64, operations: u64) -> f64 {
    (twice as f64 - once as f64) / operations as f64
}
