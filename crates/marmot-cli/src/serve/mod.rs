//! `marmot serve`: servers with one goroutine per connection.
//!
//! This file opens the listener, accepts, and ends in good order; what is done with a connection is in [`echo`], [`frames`],
//! [`http`] and [`proxy`]. [`drain`] is how a server ends: a signal closes the listener and the idle connections, those in the middle of
//! a request finish it, and when the time for that is up, the rest is cut off. A second signal ends the program at once.

mod drain;
mod echo;
mod frames;
mod http;
mod proxy;

use crate::args::{HostPort, seconds, whole};
use crate::descriptors;
use crate::terminal::complain;
use clap::Subcommand;
use drain::{Drain, Session};
use marmot::net::TcpListener;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What a goroutine of a server gets: room for a panic and its backtrace besides what it needs itself.
const STACK_SIZE: usize = 64 * 1024;

/// The size of the buffers for requests and answers. A connection borrows one while there is something in it.
const BUFFER: usize = 16 * 1024;

/// The pause after an error of `accept` that the listener does not deal with itself.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a report of such an error is enough.
const BETWEEN_REPORTS: Duration = Duration::from_secs(60);

/// The options of `marmot serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    service: Service,
}

/// What is served.
#[derive(Debug, Subcommand)]
enum Service {
    /// Send back whatever comes.
    Echo {
        #[command(flatten)]
        common: Common,
        /// Between requests, keep no goroutine for a connection: it starts anew when bytes arrive.
        #[arg(long)]
        on_readable: bool,
    },
    /// Send back frames of a fixed size, through buffered connections.
    Frames {
        #[command(flatten)]
        common: Common,
        /// The size of a frame.
        #[arg(long, value_name = "BYTES", default_value_t = 64, allow_negative_numbers = true, value_parser = whole::<u32>(1..=1 << 20))]
        size: u32,
        /// Read and write each frame straight off the connection instead, for comparison.
        #[arg(long)]
        direct: bool,
    },
    /// Answer HTTP/1.1 requests with "Hello, World!".
    ///
    /// GET and HEAD of any path get the 13 bytes as text/plain; keep-alive and pipelining are supported, request bodies
    /// are read and discarded.
    Http {
        #[command(flatten)]
        common: Common,
    },
    /// Pass connections on to another address.
    Proxy {
        #[command(flatten)]
        common: Common,
        /// Where to; a host name is resolved at the start.
        #[arg(long, value_name = "HOST:PORT")]
        to: HostPort,
    },
}

/// The options that all servers have.
#[derive(Debug, clap::Args)]
struct Common {
    /// Where to listen: without a host, as in :8080, on all interfaces; with port 0, the system chooses one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    addr: HostPort,
    /// How many goroutines run at the same time [default: the processors that the process may use].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u16>(1..=1024))]
    procs: Option<u16>,
    /// How many connections are served at the same time; the others wait until some of them have ended [default: no limit].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u32>(1..=u32::MAX.into()))]
    max_conns: Option<u32>,
    /// The size of a goroutine's stack.
    ///
    /// The servers' goroutines use a few kilobytes of it. Small stacks lie close together, and with thousands of
    /// connections that saves the processor time: it finds their addresses in fewer tables.
    #[arg(long, value_name = "BYTES", default_value_t = STACK_SIZE, allow_negative_numbers = true,
        value_parser = whole::<usize>(1..=u64::MAX))]
    stack_size: usize,
    /// How long connections in the middle of a request may take to finish after SIGINT or SIGTERM.
    #[arg(long, value_name = "SECONDS", default_value = "5", allow_negative_numbers = true, value_parser = seconds(0.0..=86400.0))]
    grace: Duration,
    /// Serve the server's profiles here, under /debug/pprof/, for `go tool pprof` and `marmot profile advise`.
    ///
    /// They tell much of a program: listen where only you can connect.
    #[arg(long, value_name = "HOST:PORT")]
    pprof: Option<HostPort>,
}

/// What is done with a connection; its error ends the connection and concerns nobody else.
type Handler = Arc<dyn Fn(Session) -> io::Result<()> + Send + Sync>;

/// Serves until a signal comes.
///
/// # Errors
///
/// When the runtime cannot be started, the address cannot be listened on, or connections were cut off at the end.
pub fn run(args: &Args) -> io::Result<()> {
    let (common, handler): (_, Handler) = match &args.service {
        Service::Echo { common, on_readable: false } => (common, Arc::new(echo::serve)),
        Service::Echo { common, on_readable: true } => (common, Arc::new(echo::serve_on_readable)),
        &Service::Frames { ref common, size, direct } => {
            let size = size as usize;
            let serve = if direct { frames::serve_directly } else { frames::serve };
            (common, Arc::new(move |session| serve(session, size)))
        }
        Service::Http { common } => (common, Arc::new(http::serve)),
        Service::Proxy { common, to } => {
            let upstream = to.to_connect()?;
            (common, Arc::new(move |session| proxy::serve(session, &upstream)))
        }
    };
    descriptors::raise_limit();
    let mut builder = marmot::Runtime::builder().stack_size(common.stack_size);
    if let Some(procs) = common.procs {
        builder = builder.procs(procs.into());
    }
    let runtime = builder.build()?;

    let listener = Arc::new(listen(&common.addr)?);
    let drain = Arc::new(Drain::default());
    end_on_signals(Arc::clone(&listener), Arc::clone(&drain))?;
    tell(format_args!("listening on {}", listener.local_addr()?));

    if let Some(addr) = &common.pprof {
        let listen = addr.to_listen()?;
        let addr = runtime.run(move || marmot::pprof::serve(&listen[..])).map_err(|error| named(addr, &error))?;
        tell(format_args!("profiles at http://{addr}/debug/pprof/"));
    }

    let (grace, most) = (common.grace, common.max_conns.map_or(usize::MAX, |most| most as usize));
    let left = runtime.run(move || {
        accept(&listener, &drain, most, &handler);
        drain.wait(grace)
    });
    if left > 0 {
        let text = format!("connections cut off because they had not finished after {} s: {left}", grace.as_secs_f64());
        return Err(io::Error::new(io::ErrorKind::TimedOut, text));
    }
    Ok(())
}

/// Opens the listener.
fn listen(addr: &HostPort) -> io::Result<TcpListener> {
    let mut builder = TcpListener::builder();
    if addr.is_any() {
        // Whatever the system's default is.
        builder = builder.only_v6(false);
    }
    builder.bind(&addr.to_listen()?[..])
}

/// Prints a line. A server goes on without a reader: whoever started it may have read where it listens, and left.
fn tell(what: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}

/// Hands every connection to a goroutine of its own until the server is to end. No more than `most` are open.
fn accept(listener: &TcpListener, drain: &Arc<Drain>, most: usize, handler: &Handler) {
    let mut incoming = listener.incoming();
    let mut failures = Failures::default();
    while drain.wait_for_room(most) {
        match incoming.next() {
            Some(Ok(stream)) => {
                // Answers are written whole, so there is nothing that waiting for more could merge them with. A connection
                // that is dead already says so at its first read.
                let _ = stream.set_nodelay(true);
                let Some(session) = Drain::admit(drain, stream) else { return };
                let handler = Arc::clone(handler);
                marmot::go(move || {
                    // An error is the peer's doing or its going away, and closes the connection.
                    let _ = handler(session);
                });
            }
            Some(Err(error)) if !drain.has_begun() => {
                failures.report(&error);
                marmot::sleep(ACCEPT_PAUSE);
            }
            _ => return,
        }
    }
}

/// Connections that could not be accepted: one report a minute says so, and how many there were without one.
#[derive(Debug, Default)]
struct Failures {
    last: Option<Instant>,
    left_out: u64,
}

impl Failures {
    fn report(&mut self, error: &io::Error) {
        match self.turn(Instant::now()) {
            None => {}
            Some(0) => complain(format_args!("accept: {error}; continuing")),
            Some(left_out) => {
                complain(format_args!("accept: {error}; continuing ({left_out} similar errors suppressed)"));
            }
        }
    }

    /// Whether a report may be written now: then how many were left out before it.
    fn turn(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < BETWEEN_REPORTS) {
            self.left_out += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

/// Starts the thread that waits for SIGINT and SIGTERM.
fn end_on_signals(listener: Arc<TcpListener>, drain: Arc<Drain>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let wait = move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                std::process::exit(128 + signal);
            }
            drain.begin(|| {
                // On Linux and elsewhere the wait in `accept` ends with an error, which `accept` expects by now.
                let _ = listener.close();
            });
        }
    };
    thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(())
}

fn named(what: &HostPort, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_do_not_flood_the_log() {
        let mut failures = Failures::default();
        let start = Instant::now();
        assert_eq!(failures.turn(start), Some(0));
        assert!((1..60).all(|second| failures.turn(start + Duration::from_secs(second)).is_none()));
        assert_eq!(failures.turn(start + BETWEEN_REPORTS), Some(59));
    }
}
