//! `calls`: system calls per request at 50 connections, counted by `strace -c` beside the load.
//!
//! Counted is all that the server does from when it is attached to until the load has ended, so the accepting of the
//! connections is in it; divided by all requests that were answered in that time, for the load has no warm-up. The answers
//! that were under way at its end are not among them, one for each connection at most. So the figure is a little too high,
//! never too low. A traced server is slow, and finds more ready at a time than it would otherwise: the count is of few polls.

use super::harness::{Harness, Spec};
use super::options::Options;
use super::server::Server;
use super::table::Table;
use crate::strace::Calls;
use crate::tools;
use crate::verdict::{self, Bound, Verdict};
use serde_json::Value;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const CONNECTIONS: &str = "50";
const SIZE: &str = "64";
const LIMIT: f64 = 2.1;
const SERVER_CPU: &str = "1";
const LOAD_CPU: &str = "0";
/// How long the load may take beside its own time, in seconds.
const PATIENCE: u32 = 30;

/// Counts for Marmot and the peers.
///
/// # Errors
///
/// When a server, the load or strace fails.
pub fn run(harness: &Harness, options: &Options) -> io::Result<Vec<Verdict>> {
    println!("\n### calls: {CONNECTIONS} connections, {SIZE} bytes, one P, {} s under strace\n", options.seconds);
    if !tools::works("strace", &["-c", "-o", "/dev/null", "true"]) {
        eprintln!("measure: system calls are left out, for strace is missing here or may not trace: install it");
        return Ok(Vec::new());
    }
    let mut table = Table::new(["server", "system calls/request", "requests", "which"]);
    let peers = harness.present(&options.peers);
    let spec = |peer: String| harness.server(&peer).map(|spec| (peer, spec));
    let servers: Vec<_> =
        peers.into_iter().filter_map(spec).chain([("marmot".to_owned(), harness.marmot(1))]).collect();
    let mut figure = None;
    for (name, spec) in servers {
        let (calls, requests) = count(harness, &spec, options.seconds)?;
        let each = |count: u64| count as f64 / requests as f64;
        let most = calls.0.iter().filter(|(_, count)| each(*count) >= 0.005);
        let which: Vec<String> = most.map(|(call, count)| format!("{call} {:.3}", each(*count))).collect();
        if name == "marmot" {
            figure = Some(each(calls.total()));
        }
        table.add([name, verdict::number(each(calls.total())), requests.to_string(), which.join(", ")]);
    }
    println!("{table}");
    let what = "system calls a request".to_owned();
    let verdicts = vec![Verdict { what, figure, bound: Bound::AtMost(LIMIT), unit: "" }];
    verdict::print(&verdicts);
    Ok(verdicts)
}

/// The system calls of a server under load, and the requests that it answered.
fn count(harness: &Harness, spec: &Spec, seconds: f64) -> io::Result<(Calls, u64)> {
    let mut server = Server::start(spec, SERVER_CPU)?;
    let file = harness.scratch.join("calls.strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-o"]).arg(&file).args(["-p", &server.pid().to_string()]);
    let mut strace = strace.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(strace.stderr.take().expect("it was asked to be a pipe"));
    // It says so when it has attached: the count begins there.
    let mut line = String::new();
    said.read_line(&mut line)?;
    let outcome = if line.contains("attached") {
        load(&harness.bin.join("loadgen"), server.port, seconds)
    } else {
        let text =
            "strace may not attach to a process beside it: be root, or set the sysctl kernel.yama.ptrace_scope to 0";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{text}\n{}", line.trim_end())))
    };
    // When the server has ended, strace writes its table and ends as well.
    server.end()?;
    io::copy(&mut said, &mut io::sink())?;
    strace.wait()?;
    let requests = outcome?;
    Ok((Calls::parse(&fs::read_to_string(&file)?)?, requests))
}

/// The number of requests that were answered, all of them rightly.
fn load(loadgen: &Path, port: u16, seconds: f64) -> io::Result<u64> {
    let mut command = tools::bounded(PATIENCE + seconds.ceil() as u32, "taskset");
    command.args(["-c", LOAD_CPU]).arg(loadgen).args(["--addr", &format!("127.0.0.1:{port}")]);
    command.args(["--conns", CONNECTIONS, "--size", SIZE, "--warmup", "0", "--duration", &seconds.to_string()]);
    let output = tools::output(&mut command)?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    match (report["requests"].as_u64(), report["errors"].as_u64()) {
        (Some(requests), Some(0)) if requests > 0 => Ok(requests),
        _ => Err(io::Error::other(format!("the load was not answered rightly: {report}"))),
    }
}
