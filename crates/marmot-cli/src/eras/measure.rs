//! One era's measurements, in two passes over fresh servers.
//!
//! The first pass measures: memory before and after the connections exist, then a window of closed-loop load after a
//! warm-up, with the server's CPU time read at both edges while the load stands still. The second, short pass counts
//! system calls under `ptrace`; nothing else is taken from it.

use super::child::Server;
use super::figures::{Figures, Latency, SystemCalls};
use super::{Args, Era, lines};
use crate::sys::linux::load::{Goal, Load};
use crate::sys::linux::proc;
use indicatif::ProgressBar;
use std::io;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

/// Load before the window, so that caches, stacks and the scheduler are warm.
const WARM_UP: Duration = Duration::from_millis(500);
/// Connections of the tracing pass, at most: a traced server is slow to start its processes.
pub const TRACED_CONNECTIONS: u32 = 50;
/// Requests that the tracing pass counts over, and the time after which it is content with fewer.
const TRACED_REQUESTS: u64 = 4000;
const TRACED_TIME: Duration = Duration::from_secs(3);

/// Measures an era.
///
/// # Errors
///
/// When its server fails or answers wrongly, or on an interrupt. A refused `ptrace` is no error.
pub fn era(era: Era, args: &Args, bar: &ProgressBar, interrupted: &AtomicBool) -> io::Result<Figures> {
    let mut figures = speed(era, args, bar, interrupted)?;
    bar.set_message("counting system calls");
    figures.system_calls = match system_calls(era, args, interrupted) {
        Ok(per_request) => SystemCalls::PerRequest(per_request),
        Err(Untraced::Refused(error)) => SystemCalls::Unknown(format!("ptrace: {error}")),
        Err(Untraced::Failed(error)) => return Err(error),
    };
    Ok(figures)
}

fn speed(era: Era, args: &Args, bar: &ProgressBar, interrupted: &AtomicBool) -> io::Result<Figures> {
    let mut server = Server::start(era)?;
    let addr = server.open()?;
    let before = proc::census(server.pid())?;
    bar.set_message("connecting");
    let mut load = Load::connect(addr, args.conns as usize, args.size as usize, interrupted)?;
    load.run(Goal::Until(Instant::now() + WARM_UP.min(args.seconds)), |_| {})?;

    let cpu_before = proc::cpu_time(server.pid())?;
    load.begin_window();
    let start = Instant::now();
    load.run(Goal::Until(start + args.seconds), |answers| {
        bar.set_position(start.elapsed().as_millis() as u64);
        bar.set_message(format!("{:.0} requests/s", answers as f64 / start.elapsed().as_secs_f64()));
    })?;
    let elapsed = load.elapsed();
    let cpu = proc::cpu_time(server.pid())?.saturating_sub(cpu_before);
    let answers = load.answers();
    let latency = Latency::of(load.latencies());

    load.settle()?;
    let after = proc::census(server.pid())?;
    if answers == 0 {
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "no request was answered within the window: use more --seconds",
        ));
    }
    Ok(Figures {
        era,
        title: era.title(),
        requests: answers,
        seconds: elapsed.as_secs_f64(),
        requests_per_second: answers as f64 / elapsed.as_secs_f64(),
        latency,
        cpu_us_per_request: cpu.as_secs_f64() * 1e6 / answers as f64,
        processes: after.processes,
        threads: after.threads,
        bytes_per_connection: (after.memory as f64 - before.memory as f64) / f64::from(args.conns),
        system_calls: SystemCalls::Unknown(String::new()),
        handler_lines: lines::of_handler(era),
    })
}

/// Why there is no count of system calls.
enum Untraced {
    /// The kernel or its policy does not allow it.
    Refused(io::Error),
    /// The server failed.
    Failed(io::Error),
}

impl From<io::Error> for Untraced {
    fn from(error: io::Error) -> Untraced {
        Untraced::Failed(error)
    }
}

fn system_calls(era: Era, args: &Args, interrupted: &AtomicBool) -> Result<f64, Untraced> {
    let mut server = Server::start(era)?;
    server.trace().map_err(Untraced::Refused)?;
    let addr = server.open()?;
    let connections = args.conns.min(TRACED_CONNECTIONS) as usize;
    let mut load = Load::connect(addr, connections, args.size as usize, interrupted)?;
    load.run(Goal::Answers(2 * connections as u64), |_| {})?;

    // At both edges the server has nothing to do, so whole requests are counted.
    load.settle()?;
    let before = quiet(&server);
    load.begin_window();
    let deadline = Instant::now() + TRACED_TIME;
    while load.answers() < TRACED_REQUESTS && Instant::now() < deadline {
        load.run(Goal::Answers(100), |_| {})?;
    }
    load.settle()?;
    Ok((quiet(&server) - before) as f64 / load.answers() as f64)
}

/// The count once it stands still: the last answers are out before the calls that wait for the next requests are made.
fn quiet(server: &Server) -> u64 {
    let mut count = server.system_calls();
    // A server with a timer may never stand still, so there is an end to the waiting.
    for _ in 0..10 {
        thread::sleep(Duration::from_millis(20));
        let now = server.system_calls();
        if now == count {
            break;
        }
        count = now;
    }
    count
}
