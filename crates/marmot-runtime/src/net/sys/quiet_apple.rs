//! Sending without a signal, where the system has no flag for it: `std` sets an option of each socket that it makes.

use rustix::net::SendFlags;

/// Nothing.
pub(super) const NO_SIGNAL: SendFlags = SendFlags::empty();
