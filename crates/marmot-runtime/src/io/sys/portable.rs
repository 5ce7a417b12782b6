//! Where the kernel is asked for nothing: what comes from a connection is read and written without holding a buffer
//! meanwhile, and all else is left to whoever asked.

use crate::io::buffered;
use crate::io::ends::End;
use crate::io::progress::{Moved, Stop};

/// Moves up to `limit` bytes, if they are a connection's.
pub(in crate::io) fn transfer(from: End<'_>, to: End<'_>, limit: u64) -> (Moved, Stop) {
    match from {
        End::Tcp(from) => buffered::transfer(from, to, limit, Moved::default()),
        End::File(_) => (Moved::default(), Stop::Unable),
    }
}
