//! System calls: of a round trip inside a process, and of a server for a request.
//!
//! The round trip is counted by `strace -c`. The server and its load are those of `marmot eras`, two processes of which
//! the first is traced: it is slower than its load then, and finds nearly all connections ready at each poll. Where other
//! programs hold up the load, the polls find less and become more; so the least of a few runs counts.

use super::each;
use super::limits::{CONNECTIONS, LONE_REQUEST_CALLS, REQUEST_CALLS, ROUND_TRIP_CALLS, ROUND_TRIPS};
use crate::strace::Calls;
use crate::tools;
use crate::verdict::{Bound, Verdict};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::Path;

/// How long a run may take, in seconds.
const PATIENCE: u32 = 60;
/// How often a server's calls are counted.
const RUNS: usize = 3;

/// Counts, with files in the folder `scratch`.
///
/// # Errors
///
/// When strace or the program fails.
pub fn count(program: &Path, scratch: &Path) -> io::Result<Vec<Verdict>> {
    let once = round_trips(program, scratch, ROUND_TRIPS)?;
    let twice = round_trips(program, scratch, ROUND_TRIPS * 2)?;
    let verdict = |what: &str, figure, limit| Verdict {
        what: what.to_owned(),
        figure: Some(figure),
        bound: Bound::AtMost(limit),
        unit: "system calls",
    };
    let least = |connections| -> io::Result<f64> {
        let runs: Result<Vec<f64>, _> = (0..RUNS).map(|_| request(program, scratch, connections)).collect();
        Ok(runs?.into_iter().fold(f64::INFINITY, f64::min))
    };
    let many = format!("echo of a request at {CONNECTIONS} connections");
    Ok(vec![
        verdict("read-park-ready-read round trip", each(once, twice, ROUND_TRIPS), ROUND_TRIP_CALLS),
        verdict("echo of a request at 1 connection", least(1)?, LONE_REQUEST_CALLS),
        verdict(&many, least(CONNECTIONS)?, REQUEST_CALLS),
    ])
}

fn round_trips(program: &Path, scratch: &Path, count: u64) -> io::Result<u64> {
    let table = scratch.join("round-trips.strace");
    let mut command = tools::bounded(PATIENCE, "strace");
    command.args(["-f", "-c", "-o"]).arg(&table).arg(program);
    command.args(["bench", "--procs", "1", "--once", &count.to_string(), "read"]);
    tools::output(&mut command)?;
    Ok(Calls::parse(&fs::read_to_string(&table)?)?.total())
}

/// System calls for a request, on one P.
fn request(program: &Path, scratch: &Path, connections: u32) -> io::Result<f64> {
    let report = scratch.join("eras.json");
    let mut command = tools::bounded(PATIENCE, program);
    // The window in which it measures time is not needed here, and cannot be left out.
    command.args(["eras", "--era", "goroutine", "--seconds", "0.1", "--conns", &connections.to_string(), "--json"]);
    tools::output(command.arg(&report).env("MARMOT_MAXPROCS", "1"))?;
    per_request(&fs::read_to_string(&report)?)
}

/// The count in the report of `marmot eras`, or why there is none.
///
/// # Errors
///
/// When the server could not be traced.
pub fn per_request(report: &str) -> io::Result<f64> {
    let report: Value = serde_json::from_str(report)?;
    let calls = &report["eras"][0]["system_calls"];
    calls["per_request"]
        .as_f64()
        .ok_or_else(|| io::Error::other(format!("marmot eras counted no system calls: {calls}")))
}
