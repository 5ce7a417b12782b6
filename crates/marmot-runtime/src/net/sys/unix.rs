//! Unix error numbers (errno(3)).

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::process::{Resource, getrlimit};
use socket2::SockRef;

use super::quiet::NO_SIGNAL;
use crate::net::explain::Shortage;

/// What ran out, if that is what `e` means.
pub(in crate::net) fn shortage(e: &io::Error) -> Option<Shortage> {
    match Errno::from_io_error(e)? {
        Errno::MFILE => Some(Shortage::ProcessDescriptors),
        Errno::NFILE => Some(Shortage::SystemDescriptors),
        Errno::NOBUFS | Errno::NOMEM => Some(Shortage::Memory),
        Errno::ADDRNOTAVAIL => Some(Shortage::Ports),
        _ => None,
    }
}

/// How many descriptors this process may have open, if there is a limit.
pub(in crate::net) fn descriptor_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Whether a connection attempt goes on in the background. One that was interrupted does, too
/// (connect(2)).
pub(in crate::net) fn in_progress(e: &io::Error) -> bool {
    matches!(Errno::from_io_error(e), Some(Errno::INPROGRESS | Errno::INTR))
}

/// Receives bytes. The system is called without the C library's points of cancellation, which would cost each call of a
/// process with several threads a little.
#[inline]
pub(in crate::net) fn receive(io: impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    let (_, count) = rustix::net::recv(io, buf, RecvFlags::empty())?;
    Ok(count)
}

/// Sends bytes, without a signal if nobody will receive them.
#[inline]
pub(in crate::net) fn send(io: impl AsFd, buf: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(io, buf, NO_SIGNAL)?)
}

/// Ends a connection as the system does when its last descriptor is closed, though this one is not: in order, or by a reset
/// if nobody has read all that has come or no time is left to send (RFC 1122, 4.2.2.13; socket(7), `SO_LINGER`).
pub(in crate::net) fn end(io: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(io);
    let resets =
        socket.linger()? == Some(Duration::ZERO) || rustix::io::ioctl_fionread(io).is_ok_and(|unread| unread > 0);
    if resets {
        return reset(io);
    }
    match io.shutdown(Shutdown::Both) {
        Err(e) if e.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}

/// Resets a connection: at once if the system can (connect(2), `AF_UNSPEC`), or else when its last descriptor is closed.
fn reset(io: &TcpStream) -> io::Result<()> {
    SockRef::from(io).set_linger(Some(Duration::ZERO))?;
    // What cannot be done now is done then.
    let _ = rustix::net::connect_unspec(io);
    Ok(())
}

/// Whether a read would find something: bytes, the end, or an error. It stays there: to look by receiving without taking
/// (`MSG_PEEK`) would take a pending error away, and what was reset would seem to have ended (tcp(7), `SO_ERROR`).
pub(in crate::net) fn is_readable(io: &impl AsFd) -> io::Result<bool> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    Ok(poll(&mut [PollFd::new(io, PollFlags::IN)], Some(&now))? > 0)
}
