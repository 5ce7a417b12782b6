//! `calls`: system calls per request at 50 connections, counted by `strace -c` beside the load.
//!
//! Counted is all that the server does from when it is attached to until the load has ended, so the accepting of the
//! connections is in it; divided by all requests that were answered in that time, for the load has no warm-up. The answers
//! that were under way at its end are not among them, one for each connection at most. So the figure is a little too high,
//! never too low. A traced server is slow, and finds more ready at a time than it would otherwise: the count is of few polls.

use super::harness::{Harness, Spec};
use super::load::{Load, SERVER_CPU};
use super::options::Options;
use super::server::Server;
use super::table::Table;
use crate::strace::Calls;
use crate::tools;
use crate::verdict::{self, Bound, Verdict};
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};

const CONNECTIONS: u32 = 50;
const SIZE: u32 = 64;
const LIMIT: f64 = 2.1;

/// Counts for Marmot and the peers.
///
/// # Errors
///
/// When a server, the load or strace fails.
pub fn run(harness: &Harness, options: &Options) -> io::Result<Vec<Verdict>> {
    println!("\n### calls: {CONNECTIONS} connections, {SIZE} bytes, one P, {} s under strace\n", options.seconds);
    if !can_count() {
        return Ok(Vec::new());
    }
    let mut table = Table::new(["server", "system calls/request", "requests", "which"]);
    let peers = harness.present(&options.peers);
    let spec = |peer: String| harness.server(&peer).map(|spec| (peer, spec));
    let servers: Vec<_> =
        peers.into_iter().filter_map(spec).chain([("marmot".to_owned(), harness.marmot("echo", 1))]).collect();
    let mut figure = None;
    let load = Load { connections: CONNECTIONS, size: SIZE, pipeline: 1, warmup: 0.0, seconds: options.seconds };
    for (name, spec) in servers {
        let (calls, requests) = count(harness, &spec, &load)?;
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

/// Whether strace works here; if not, says so.
pub fn can_count() -> bool {
    let works = tools::works("strace", &["-c", "-o", "/dev/null", "true"]);
    if !works {
        eprintln!("measure: system calls are left out, for strace is missing here or may not trace: install it");
    }
    works
}

/// The system calls of a server under load, and the requests that it answered.
pub fn count(harness: &Harness, spec: &Spec, load: &Load) -> io::Result<(Calls, u64)> {
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
        load.run(harness, server.port)
    } else {
        let text =
            "strace may not attach to a process beside it: be root, or set the sysctl kernel.yama.ptrace_scope to 0";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{text}\n{}", line.trim_end())))
    };
    // When the server has ended, strace writes its table and ends as well.
    server.end()?;
    io::copy(&mut said, &mut io::sink())?;
    strace.wait()?;
    let requests = outcome?.requests;
    Ok((Calls::parse(&fs::read_to_string(&file)?)?, requests))
}
