//! System calls of the proxy: for a MiB that it passes on, from a client to an upstream that are both in this process.
//!
//! The proxy is counted by `strace -c`, and it is slower than its peers then: nearly always there is much to move at a time.
//! If it copied through a buffer of its own, each MiB would take twice as many calls as the buffer goes into it. Where
//! other programs hold up the load, the polls become more; so the least of a few runs counts.

use super::limits::{PROXY_CALLS, PROXY_MIB};
use crate::strace::Calls;
use crate::tools;
use crate::verdict::{Bound, Verdict};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a run may take, and each step of it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the calls are counted.
const RUNS: usize = 3;
const MIB: usize = 1 << 20;

/// Counts, with files in the folder `scratch`.
///
/// # Errors
///
/// When strace or the program fails, or bytes are lost.
pub fn count(program: &Path, scratch: &Path) -> io::Result<Verdict> {
    let runs: Result<Vec<f64>, _> = (0..RUNS).map(|_| run(program, scratch)).collect();
    let least = runs?.into_iter().fold(f64::INFINITY, f64::min);
    let (what, figure) = ("proxy of a MiB".to_owned(), Some(least));
    Ok(Verdict { what, figure, bound: Bound::AtMost(PROXY_CALLS), unit: "system calls" })
}

/// System calls for a MiB, the start and the end of the process included.
fn run(program: &Path, scratch: &Path) -> io::Result<f64> {
    let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let table = scratch.join("proxy.strace");
    let mut command = tools::bounded(PATIENCE.as_secs() as u32, "strace");
    // The shell says which process it is, and becomes the proxy.
    command.args(["-f", "-c", "-o"]).arg(&table).args(["sh", "-c", "echo $$; exec \"$0\" \"$@\""]).arg(program);
    command.args(["serve", "proxy", "--procs", "1", "--addr", "127.0.0.1:0"]);
    command.args(["--to", &upstream.local_addr()?.to_string()]);
    let mut strace = command.stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(strace.stdout.take().expect("it was asked to be a pipe"));
    let (mut pid, mut place) = (String::new(), String::new());
    said.read_line(&mut pid)?;
    said.read_line(&mut place)?;
    let passed = pass(&place, &upstream);
    // The proxy ends in good order, and then strace writes its table and ends as well.
    tools::run(Command::new("sh").args(["-c", "kill -TERM \"$0\"", pid.trim_end()]))?;
    strace.wait()?;
    passed?;
    Ok(Calls::parse(&fs::read_to_string(&table)?)?.total() as f64 / PROXY_MIB as f64)
}

/// Passes the bytes through the proxy, which has said where it listens, and sees that all arrive.
fn pass(place: &str, upstream: &TcpListener) -> io::Result<()> {
    let addr = place.trim_end().strip_prefix("listening on ");
    let mut client = TcpStream::connect(
        addr.ok_or_else(|| io::Error::other(format!("the proxy does not listen, but says {place:?}")))?,
    )?;
    let mut server = accept(upstream)?;
    client.set_write_timeout(Some(PATIENCE))?;
    server.set_read_timeout(Some(PATIENCE))?;
    let arrived = thread::spawn(move || io::copy(&mut server, &mut io::sink()));
    let piece = vec![7; MIB];
    for _ in 0..PROXY_MIB {
        client.write_all(&piece)?;
    }
    client.shutdown(Shutdown::Write)?;
    let arrived = arrived.join().expect("the thread only reads")?;
    if arrived == (PROXY_MIB * MIB) as u64 { Ok(()) } else { Err(io::Error::other(format!("{arrived} bytes arrived"))) }
}

/// The proxy's connection to the upstream.
fn accept(upstream: &TcpListener) -> io::Result<TcpStream> {
    upstream.set_nonblocking(true)?;
    let begun = Instant::now();
    let stream = loop {
        match upstream.accept() {
            Ok((stream, _)) => break stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && begun.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    };
    stream.set_nonblocking(false)?;
    Ok(stream)
}
