//! Errors that say what to do: what ran out, and how to get more of it.

use std::error::Error;
use std::fmt;
use std::io;

use super::sys;
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

/// The system's error, and what to do about it.
#[derive(Debug)]
struct Explained {
    shortage: Shortage,
    source: io::Error,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.shortage)
    }
}

impl Error for Explained {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// `e`, with advice if something ran out. The kind stays, and the system's own error is its source.
pub(crate) fn explain(e: io::Error) -> io::Error {
    match shortage(&e) {
        Some(shortage) => io::Error::new(e.kind(), Explained { shortage, source: e }),
        None => e,
    }
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
