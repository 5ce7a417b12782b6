//! Instructions of an operation, counted by callgrind.
//!
//! Callgrind runs one thread at a time and counts all of them. It warns of the switches between stacks, which concern its
//! call graph and not its counts; the graph is thrown away.

use super::each;
use super::limits::{ARCHITECTURE, INSTRUCTIONS};
use crate::tools;
use crate::verdict::{Bound, Verdict};
use std::io;
use std::path::Path;

/// How long a run may take, in seconds: it is about fifty times slower under callgrind.
const PATIENCE: u32 = 120;

/// Counts every operation that has a limit.
///
/// # Errors
///
/// When valgrind or the program fails.
pub fn count(program: &Path) -> io::Result<Vec<Verdict>> {
    let judge = |operation: &super::limits::Instructions| {
        let once = run(program, operation.benchmark, operation.operations)?;
        let twice = run(program, operation.benchmark, operation.operations * 2)?;
        let is_known = std::env::consts::ARCH == ARCHITECTURE;
        Ok(Verdict {
            what: operation.what.to_owned(),
            figure: Some(each(once, twice, operation.operations)),
            bound: if is_known { Bound::AtMost(operation.at_most) } else { Bound::Unknown },
            unit: "instructions",
        })
    };
    INSTRUCTIONS.iter().map(judge).collect()
}

fn run(program: &Path, benchmark: &str, operations: u64) -> io::Result<u64> {
    let mut command = tools::bounded(PATIENCE, "valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args(["bench", "--procs", "1", "--once", &operations.to_string(), benchmark]);
    let output = tools::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said).ok_or_else(|| io::Error::other(format!("callgrind told no count of instructions:\n{said}")))
}

/// The total in callgrind's last lines: `==7== Collected : 12345`.
pub fn collected(text: &str) -> Option<u64> {
    let line = text.lines().rev().find(|line| line.contains("Collected"))?;
    line.rsplit_once(':')?.1.trim().parse().ok()
}
