//! The TCP proxy.
//!
//! Two goroutines copy for each connection, one in each direction. The kernel does it where it can: then the bytes do not
//! pass through this process, and a connection on which nothing comes holds neither buffer nor pipe. The end of one
//! direction is passed on as such (a half-close), while the other direction goes on. When a direction fails, both
//! connections are reset: data has been lost, and an orderly end would tell the peers otherwise.

use super::drain::Session;
use marmot::net::TcpStream;
use socket2::SockRef;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

/// How long each upstream address may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves a connection: connects to the first upstream address that answers, and copies until both directions have ended.
///
/// # Errors
///
/// When no upstream address answers, or the connection fails. The client's connection is closed then.
pub fn serve(session: Session, upstream: &[SocketAddr]) -> io::Result<()> {
    // Bytes can be under way at any time, so a proxied connection is never idle. It may have been told to end already.
    if !session.begin() {
        return Ok(());
    }
    let client = session.stream();
    let server = connect(upstream)?;
    // What comes is passed on at once. A connection that is dead already says so when it is read.
    let _ = server.set_nodelay(true);
    marmot::scope(|scope| {
        scope.go(|| pass(&server, client));
        pass(client, &server);
    });
    Ok(())
}

fn connect(upstream: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the upstream name has no address");
    for addr in upstream {
        match TcpStream::connect_timeout(addr, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Copies one direction until it ends; resets both connections if it fails.
fn pass(from: &TcpStream, to: &TcpStream) {
    let passed = marmot::io::copy(&mut &*from, &mut &*to).and_then(|_| match to.shutdown(Shutdown::Write) {
        // Both directions have ended already.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        outcome => outcome,
    });
    if passed.is_err() {
        abort(from);
        abort(to);
    }
}

/// Makes every wait on a connection fail, and has it reset when it is closed.
///
/// `TcpStream::close` would shut it down first, which the peer would take for an orderly end.
fn abort(stream: &TcpStream) {
    // Neither fails on an open socket, and there is no other way to take if they did.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    let _ = stream.set_deadline(Some(Instant::now()));
}
