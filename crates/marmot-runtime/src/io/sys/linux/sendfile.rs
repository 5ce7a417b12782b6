//! From a file to a connection.

use std::fs::File;

use rustix::fs::sendfile;

use super::{piece, told};
use crate::blocking::blocking;
use crate::io::progress::{Moved, Stop};
use crate::net::TcpStream;
use crate::netpoll::Direction;

/// How many bytes a call is asked for: enough that the way to a spare thread does not show, and so few that one is soon free
/// again.
const PIECE: usize = 1024 * 1024;

/// Moves up to `limit` bytes from where the file's offset is.
pub(super) fn transfer(from: &File, to: &TcpStream, limit: u64) -> (Moved, Stop) {
    let mut moved = Moved::default();
    while moved.taken < limit {
        let count = piece(limit - moved.taken, PIECE);
        let send = |io: &std::net::TcpStream| blocking(|| told(sendfile(io, from, None, count)));
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
