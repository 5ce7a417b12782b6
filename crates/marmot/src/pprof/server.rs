//! The server of [`serve`](super::serve()): threads, and no goroutines.
//!
//! It is there to be asked when a program does not do what it should, as when all Ms are stuck. So it uses nothing of the runtime to
//! accept, read and write; what takes the profiles waits for Ms for a second at most.
//!
//! Each connection has a thread. There are [`CONNECTIONS`] of them at a time, and as many more that only say that there are
//! too many. What else comes is closed at once.
//!
//! | what a client does | how long it may take |
//! |---|---|
//! | sends a request, from the connection's begin or the last answer on | [`HEADER_TIMEOUT`], in all |
//! | takes an answer | [`ANSWER_TIME`], in all, each |

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use marmot_pprof::http::{Endpoints, HEADER_TIMEOUT, Peer};

/// How many connections are served at a time.
const CONNECTIONS: usize = 32;

/// How long a client may take for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(120);

/// How long a client may take for anything that is told that there are too many.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// The pause after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// What a connection gets that is one too many.
const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\nX-Go-Pprof: 1\r\nContent-Type: text/plain; charset=utf-8\r\n\
                       Connection: close\r\n\r\nToo many connections: try again later\n";

/// Serves on the first of the addresses that can be bound.
///
/// # Errors
///
/// If none can, or the thread cannot be had.
pub(super) fn start(addrs: &[SocketAddr], endpoints: fn() -> &'static Endpoints) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(addrs)?;
    let addr = listener.local_addr()?;
    let accept = move || {
        let counts = Counts { served: Arc::default(), refused: Arc::default() };
        for conn in listener.incoming() {
            match conn {
                Ok(conn) => admit(conn, &counts, addr.ip().to_canonical().is_loopback(), endpoints),
                // There are too many descriptors, as a rule.
                Err(_) => thread::sleep(PAUSE),
            }
        }
    };
    thread::Builder::new().name("marmot-pprof".into()).spawn(accept)?;
    Ok(addr)
}

/// How many connections there are. One that is being refused takes no place of those that are served.
struct Counts {
    served: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

/// Gives a connection a thread.
fn admit(conn: TcpStream, counts: &Counts, is_local: bool, endpoints: fn() -> &'static Endpoints) {
    let served = Place::take(&counts.served);
    let is_served = served.is_some();
    let Some(place) = served.or_else(|| Place::take(&counts.refused)) else { return };
    let run = move || {
        let _place = place;
        // A client that fails harms nobody else.
        let _ = if is_served { handle(conn, is_local, endpoints()) } else { refuse(conn) };
    };
    // Without a thread, it is closed.
    drop(thread::Builder::new().name("marmot-pprof-conn".into()).spawn(run));
}

/// One of the connections that a count is of.
struct Place(Arc<AtomicUsize>);

impl Place {
    /// A place, if there is one.
    fn take(count: &Arc<AtomicUsize>) -> Option<Place> {
        let place = Place(Arc::clone(count));
        // One that is not to be had is given back by the return.
        (count.fetch_add(1, Relaxed) < CONNECTIONS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

fn handle(conn: TcpStream, is_local: bool, endpoints: &Endpoints) -> io::Result<()> {
    let is_there = || is_there(&conn);
    let peer = Peer::new().wanted(&is_there).loopback_only(is_local);
    endpoints.handle_peer(
        &mut Limited { conn: &conn, until: Instant::now() + HEADER_TIMEOUT, is_answering: false },
        &peer,
    )?;
    part(&conn, REFUSAL_TIME)
}

fn refuse(conn: TcpStream) -> io::Result<()> {
    conn.set_write_timeout(Some(REFUSAL_TIME))?;
    (&conn).write_all(REFUSAL.as_bytes())?;
    part(&conn, REFUSAL_TIME)
}

/// Ends a connection. What the client has sent is read first: else it would be reset, and the client might not see the answer.
fn part(conn: &TcpStream, time: Duration) -> io::Result<()> {
    conn.shutdown(Shutdown::Write)?;
    let mut rest = Limited { conn, until: Instant::now() + time, is_answering: false };
    while rest.read(&mut [0; 2048])? > 0 {}
    Ok(())
}

/// Whether the client is still there. Not for who has bytes of its next request to expect: they count as a client that waits.
fn is_there(conn: &TcpStream) -> bool {
    let looked = conn.set_nonblocking(true).and_then(|()| conn.peek(&mut [0]));
    // If it cannot be undone, the next read says so.
    let _ = conn.set_nonblocking(false);
    match looked {
        Ok(count) => count > 0,
        Err(e) => e.kind() == io::ErrorKind::WouldBlock,
    }
}

/// A connection whose requests and answers have a limit in all.
struct Limited<'a> {
    conn: &'a TcpStream,
    /// Until when the present one may take.
    until: Instant,
    /// An answer is being written, to whose end it is flushed.
    is_answering: bool,
}

impl Limited<'_> {
    /// How long it may still take.
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Limited<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.conn.set_read_timeout(self.left()?)?;
        self.conn.read(buf)
    }
}

impl Write for Limited<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.is_answering {
            (self.is_answering, self.until) = (true, Instant::now() + ANSWER_TIME);
        }
        self.conn.set_write_timeout(self.left()?)?;
        self.conn.write(buf)
    }

    /// The answer is complete.
    fn flush(&mut self) -> io::Result<()> {
        (self.is_answering, self.until) = (false, Instant::now() + HEADER_TIMEOUT);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
