//! `million`: memory and mappings of a million goroutines in one process, parked ones and such that have not started.
//!
//! Stacks are of the usual size and guarded, and nothing of the system's settings is changed for it.

use super::harness::Harness;
use crate::tools;
use crate::verdict::{self, Bound, Verdict};
use std::fs;
use std::io;

const COUNT: u64 = 1_000_000;
/// How long each may take, in seconds: a first touch of a page can take tens of microseconds.
const PATIENCE: u32 = 180;
/// What a million parked ones take, with their page tables and some to spare.
const NEEDED_KIB: u64 = 6 << 20;

/// Bytes of a parked goroutine, mappings of all, and bytes of one that has not started.
const PARKED: f64 = 4.4 * 1024.0;
const MAPPINGS: f64 = 2000.0;
const UNSTARTED: f64 = 400.0;

/// Measures.
///
/// # Errors
///
/// When the program fails.
pub fn run(harness: &Harness) -> io::Result<Vec<Verdict>> {
    let limit = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
    println!("\n### million: {COUNT} goroutines in one process, vm.max_map_count {}\n", limit.trim());
    if available_kib().is_some_and(|kib| kib < NEEDED_KIB) {
        eprintln!("measure: a million goroutines are left out, for they need {} GiB of free memory", NEEDED_KIB >> 20);
        return Ok(Vec::new());
    }
    let mut rows = String::new();
    for name in ["parked", "unstarted"] {
        let mut command = tools::bounded(PATIENCE, &harness.program);
        command.args(["bench", "--procs", "1", "--count", &COUNT.to_string(), name]);
        rows += &String::from_utf8_lossy(&tools::output(&mut command)?.stdout);
    }
    println!("{rows}");
    let verdict =
        |what: &str, name, bound, unit| Verdict { what: what.to_owned(), figure: figure(&rows, name), bound, unit };
    let verdicts = vec![
        verdict("parked", "parked", Bound::AtMost(PARKED), "bytes each"),
        verdict("memory mappings with all parked", "parked_maps", Bound::Below(MAPPINGS), ""),
        verdict("not started", "unstarted", Bound::AtMost(UNSTARTED), "bytes each"),
    ];
    verdict::print(&verdicts);
    Ok(verdicts)
}

/// The figure in the row `name value unit`.
pub fn figure(rows: &str, name: &str) -> Option<f64> {
    rows.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.split(' ').next()?.parse().ok())
}

fn available_kib() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse().ok()
}
