//! The TCP proxy.
//!
//! Two goroutines copy for each connection, one in each direction. The kernel does it where it can: then the bytes do not
//! pass through this process, and a connection on which nothing comes holds neither buffer nor pipe. The end of one
//! direction is passed on as such (a half-close), while the other direction goes on. When a direction fails, both
//! connections are reset: data has been lost, and an orderly end would tell the peers otherwise.

use super::drain::Session;
use marmot::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// How long each upstream address may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection is silent before its peer is asked whether it is still there, and between two such questions: Go's
/// default. The peer is given up after as many as the system asks by default.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE);
const SILENCE: Duration = Duration::from_secs(15);

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
    for stream in [client, &server] {
        // Without it a peer that has vanished is found out only where something is sent to it; that is the worst of it.
        let _ = SockRef::from(stream).set_tcp_keepalive(&KEEP_ALIVE);
    }
    // How each direction has ended is the peers' affair.
    marmot::io::copy_bidirectional(client, &server).map(drop)
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
