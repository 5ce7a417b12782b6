//! The errors of a wait.

use std::io;

/// A deadline has passed, or a timeout.
pub(crate) fn timed_out() -> io::Error {
    io::Error::from(io::ErrorKind::TimedOut)
}

/// The descriptor was closed by `close`, here or by another goroutine.
pub(crate) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "use of a closed network connection")
}

/// The goroutine's runtime is being shut down.
pub(crate) fn shutting_down() -> io::Error {
    io::Error::other("the runtime is being shut down")
}
