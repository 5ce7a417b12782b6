//! System calls of a server of frames that come by the batch: one read and one write for all.

use super::each;
use super::limits::{FRAME, FRAMES, FRAMES_CALLS};
use crate::strace::{Calls, READS, WRITES};
use crate::tools;
use crate::verdict::{Bound, Verdict};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How many batches are sent in the shorter run.
const BATCHES: u64 = 300;
/// How long a run may take, in seconds.
const PATIENCE: u32 = 60;

/// Counts, with files in the folder `scratch`.
///
/// # Errors
///
/// When strace or the program fails, or an answer is wrong.
pub fn count(program: &Path, scratch: &Path) -> io::Result<Vec<Verdict>> {
    let once = batches(program, scratch, BATCHES)?;
    let twice = batches(program, scratch, BATCHES * 2)?;
    let verdict = |what: &str, names: &[&str]| Verdict {
        what: format!("{what} of {FRAMES} frames"),
        figure: Some(each(once.of(names), twice.of(names), BATCHES)),
        bound: Bound::AtMost(FRAMES_CALLS),
        unit: "system calls",
    };
    Ok(vec![verdict("reading", &READS), verdict("writing", &WRITES)])
}

/// The calls of a server that has answered so many batches.
fn batches(program: &Path, scratch: &Path, count: u64) -> io::Result<Calls> {
    let table = scratch.join("frames.strace");
    let mut command = tools::bounded(PATIENCE, "strace");
    command.args(["-f", "-c", "-o"]).arg(&table).arg(program);
    command.args(["serve", "frames", "--procs", "1", "--addr", "127.0.0.1:0", "--size", &FRAME.to_string()]);
    let mut strace = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(strace.stdout.take().expect("it was asked to be a pipe")).read_line(&mut line)?;
    let outcome = line
        .trim()
        .strip_prefix("listening on ")
        .ok_or_else(|| io::Error::other(format!("the server does not listen: {line}")))
        .and_then(|addr| talk(addr, count));
    // What was started is `timeout`; its child is strace, and the server is that one's. When the server has ended, so do
    // the others.
    let server = only_child(&only_child(&strace.id().to_string())?)?;
    tools::run(Command::new("kill").args(["-TERM", &server]))?;
    strace.wait()?;
    outcome?;
    Calls::parse(&fs::read_to_string(&table)?)
}

/// The child of a process that has one thread and one child.
fn only_child(pid: &str) -> io::Result<String> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(children.trim().to_owned())
}

/// Sends so many batches and compares the answers.
fn talk(addr: &str, count: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(u64::from(PATIENCE))))?;
    let mut answer = vec![0; FRAME * FRAMES];
    for batch in 0..count {
        let sent = vec![batch as u8; FRAME * FRAMES];
        stream.write_all(&sent)?;
        stream.read_exact(&mut answer)?;
        if answer != sent {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the frames that came back differ"));
        }
    }
    Ok(())
}
