//! From a file to a connection.

use std::fs::File;

use rustix::fs::{sendfile, tell};

use super::cached::is_cached;
use super::told;
use crate::blocking::blocking;
use crate::io::progress::{Moved, Stop};
use crate::net::TcpStream;
use crate::netpoll::Direction;

/// How many bytes a call is asked for: enough that the way to a spare thread does not show, and so few that others have
/// their turn soon.
const PIECE: usize = 1024 * 1024;

/// Moves up to `limit` bytes from where the file's offset is. The file had `size` bytes just now.
pub(super) fn transfer(from: &File, size: u64, to: &TcpStream, limit: u64) -> (Moved, Stop) {
    let mut moved = Moved::default();
    let start = tell(from).unwrap_or(0);
    let mut in_memory = true;
    while moved.taken < limit {
        let count = moved.next(limit, PIECE);
        let at = start.saturating_add(moved.taken);
        // Once a piece is missing, the disk is at work, and pages are there before their bytes are: it is not asked again.
        // Bytes behind the size have been written since, and are in memory.
        in_memory = in_memory && is_cached(from, at..at.saturating_add(count as u64).min(size));
        let send = |io: &std::net::TcpStream| {
            let send = || told(sendfile(io, from, None, count));
            if in_memory { send() } else { blocking(send) }
        };
        match to.fd().run(Direction::Write, send, |_| false) {
            Ok(Some(0)) if moved.taken > 0 => return (moved, Stop::Done),
            // A file that has a size and no bytes may have them for a read (see `super::range`).
            Ok(Some(0) | None) => return (moved, Stop::Unable),
            Ok(Some(count)) => moved.add(count as u64),
            Err(error) => return (moved, Stop::Failed(error)),
        }
    }
    (moved, Stop::Done)
}
