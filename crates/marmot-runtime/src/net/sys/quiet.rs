//! Sending without a signal, by a flag of the call.

use rustix::net::SendFlags;

/// No `SIGPIPE` if the peer does not read any more.
pub(super) const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
