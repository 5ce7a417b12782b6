//! Where the kernel is asked for nothing: what comes from a connection is read and written without holding a buffer
//! meanwhile, from file to file on spare threads, and all else is left to whoever asked.

use crate::io::buffered;
use crate::io::ends::End;
use crate::io::files;
use crate::io::progress::{Moved, Stop};

/// Moves up to `limit` bytes, if they are a connection's, or a file's for a file.
pub(in crate::io) fn transfer(from: End<'_>, to: End<'_>, limit: u64) -> (Moved, Stop) {
    match (from, to) {
        (End::Tcp(from), _) => buffered::transfer(from, to, limit, Moved::default()),
        (End::File(from), End::File(to)) => files::transfer(from, to, limit, Moved::default()),
        (End::File(_), End::Tcp(_)) => (Moved::default(), Stop::Unable),
    }
}
