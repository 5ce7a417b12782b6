//! Connecting: begin, wait until the socket is writable, and ask how it went.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::addr::ToSocketAddrs;
use super::explain::{Operation, failed, last_of};
use super::sys::in_progress;
use crate::context;
use crate::fd::Fd;

type Stream = Fd<std::net::TcpStream>;

/// Connects to the first of the addresses that answers.
#[track_caller]
pub(super) fn connect(addr: impl ToSocketAddrs) -> io::Result<Stream> {
    // Before anybody is asked for the name.
    context::check_io()?;
    let mut errors = Vec::new();
    for addr in addr.to_socket_addrs()? {
        match connect_one(&addr, None) {
            Ok(fd) => return Ok(fd),
            // Nothing that is tried now can succeed.
            Err(e) if context::Error::of(&e).is_some() => return Err(e),
            Err(e) => errors.push(e),
        }
    }
    Err(last_of(errors))
}

/// Connects to `addr`, within `timeout`.
pub(super) fn connect_one(addr: &SocketAddr, timeout: Option<Duration>) -> io::Result<Stream> {
    if timeout == Some(Duration::ZERO) {
        let text = "a timeout of zero would never let anything happen";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    context::check_io()?;
    attempt(addr, timeout).map_err(|e| failed(Operation::Connect(*addr), e))
}

fn attempt(addr: &SocketAddr, timeout: Option<Duration>) -> io::Result<Stream> {
    // A timeout beyond what `Instant` holds is none.
    let until = timeout.and_then(|t| Instant::now().checked_add(t));
    let domain = Domain::for_address(*addr);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::from(*addr)) {
        Ok(()) => return Ok(Fd::new(socket.into())),
        Err(e) if in_progress(&e) => {}
        Err(e) => return Err(e),
    }
    let fd = Fd::<std::net::TcpStream>::new(socket.into());
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        fd.wait_writable(left)?;
        if let Some(e) = fd.io().take_error()? {
            return Err(e);
        }
        // An event that came too early finds neither an error nor a peer.
        match fd.io().peer_addr() {
            Ok(_) => return Ok(fd),
            Err(e) if e.kind() == io::ErrorKind::NotConnected => {}
            Err(e) => return Err(e),
        }
    }
}
