//! Errors that say what failed and where, and what to do: what ran out, and how to get more of it.
//!
//! The kind stays that of the system's error, which is the [source](Error::source): its number, which an error with a text of
//! its own cannot have, is there. The end of a context is not explained, for it has to be known as what it is.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use super::sys;
use crate::context;
use crate::fd::spare;

/// What ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// This process has as many descriptors as it may have.
    ProcessDescriptors,
    /// All processes together have as many as the system allows.
    SystemDescriptors,
    /// The kernel has no memory for another socket.
    Memory,
    /// No local port is left for another connection, or the address is not this machine's.
    Ports,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shortage::ProcessDescriptors => {
                f.write_str("this process has no descriptor left")?;
                if let Some(limit) = sys::descriptor_limit() {
                    write!(f, " (it may have {limit})")?;
                }
                f.write_str("; close some, or raise the limit: `ulimit -n`, or LimitNOFILE= of its service")
            }
            Shortage::SystemDescriptors => {
                f.write_str("the system has no descriptor left; close some, or raise fs.file-max (sysctl)")
            }
            Shortage::Memory => {
                f.write_str("the kernel has no memory for sockets; free some, or raise net.ipv4.tcp_mem (sysctl)")
            }
            Shortage::Ports => f.write_str(
                "no local port is left for this destination, or the address is not this machine's; \
                 reuse connections, connect to or from more addresses, or widen \
                 net.ipv4.ip_local_port_range (sysctl)",
            ),
        }
    }
}

/// What was done when it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Connect(SocketAddr),
    Bind(SocketAddr),
    /// The address of a host, as it was given.
    LookUp(String),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Connect(addr) => write!(f, "connect to {addr}"),
            Operation::Bind(addr) => write!(f, "bind to {addr}"),
            Operation::LookUp(host) => write!(f, "look up {host}"),
        }
    }
}

/// The system's error, where it came from, and what to do about it.
#[derive(Debug)]
struct Explained {
    operation: Option<Operation>,
    shortage: Option<Shortage>,
    source: io::Error,
    /// Those of the addresses that were tried before.
    earlier: Vec<io::Error>,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.operation {
            write!(f, "{operation}: ")?;
        }
        write!(f, "{}", self.source)?;
        if let Some(shortage) = &self.shortage {
            write!(f, ": {shortage}")?;
        }
        for (i, error) in self.earlier.iter().enumerate() {
            write!(f, "{}{error}", if i == 0 { "; before that, " } else { "; " })?;
        }
        Ok(())
    }
}

impl Error for Explained {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// `e`, with advice if something ran out.
pub(crate) fn explain(e: io::Error) -> io::Error {
    match shortage(&e) {
        None => e,
        shortage => {
            let explained = Explained { operation: None, shortage, source: e, earlier: Vec::new() };
            io::Error::new(explained.source.kind(), explained)
        }
    }
}

/// `e`, with what it was that failed, and advice if something ran out.
#[cold]
pub(super) fn failed(operation: Operation, e: io::Error) -> io::Error {
    if context::Error::of(&e).is_some() {
        return e;
    }
    // Of an address that cannot be bound, the same number says that it is not this machine's.
    let connects = matches!(operation, Operation::Connect(_));
    let shortage = shortage(&e).filter(|shortage| connects || *shortage != Shortage::Ports);
    let explained = Explained { operation: Some(operation), shortage, source: e, earlier: Vec::new() };
    io::Error::new(explained.source.kind(), explained)
}

/// The last of what came of trying several addresses, which tells of the others; if there was none, that.
#[cold]
pub(super) fn last_of(mut errors: Vec<io::Error>) -> io::Error {
    let Some(mut last) = errors.pop() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any addresses");
    };
    if let Some(explained) = last.get_mut().and_then(|inner| inner.downcast_mut::<Explained>()) {
        explained.earlier = errors;
    }
    last
}

/// What ran out, if `e` means that a later try may succeed when others have given something back.
pub(crate) fn passing_shortage(e: &io::Error) -> Option<Shortage> {
    shortage(e).filter(|s| *s != Shortage::Ports)
}

/// What ran out. If it is descriptors, this thread gives back those that it keeps, for the next try.
fn shortage(e: &io::Error) -> Option<Shortage> {
    let shortage = sys::shortage(e)?;
    if matches!(shortage, Shortage::ProcessDescriptors | Shortage::SystemDescriptors) {
        spare::give_back();
    }
    Some(shortage)
}
