//! From a file to a connection.

use std::fs::File;

use rustix::fs::{sendfile, tell};
use rustix::io::pread;

use super::cached::is_cached;
use super::told;
use crate::io::progress::{Moved, Stop};
use crate::net::TcpStream;
use crate::netpoll::Direction;

/// How many bytes a call is asked for: enough that the way to a spare thread does not show, and so few that others have
/// their turn soon.
const PIECE: usize = 1024 * 1024;

/// Moves up to `limit` bytes from where the file's offset is. The file had `size` bytes just now.
pub(super) fn transfer(from: &File, size: u64, to: &TcpStream, limit: u64) -> (Moved, Stop) {
    let mut moved = Moved::default();
    let Ok(start) = tell(from) else { return (moved, Stop::Unable) };
    let mut in_memory = true;
    // All of it in one turn: nothing that others write comes between.
    let mut turn = None;
    while moved.taken < limit {
        let count = moved.next(limit, PIECE);
        let at = start.saturating_add(moved.taken);
        if at >= size && is_at_end(from) {
            break;
        }
        let turn = match &turn {
            None => match to.fd().hold(Direction::Write) {
                Ok(held) => turn.insert(held),
                Err(error) => return (moved, Stop::Failed(error)),
            },
            Some(turn) => {
                turn.spend();
                turn
            }
        };
        let send = |io: &std::net::TcpStream| {
            // It is asked before each try, for what was in memory before a wait may be gone after it. Once a piece is
            // missing, the disk is at work, and pages are there before their bytes are: from then on it is not asked.
            // Bytes behind the size have been written since, and are in memory.
            in_memory = in_memory && is_cached(from, at..at.saturating_add(count as u64).min(size));
            let send = || told(sendfile(io, from, None, count));
            if in_memory { send() } else { turn.blocking(send) }
        };
        match turn.run(send, |_| false) {
            Ok(Some(0)) if moved.taken > 0 => return (moved, Stop::Done),
            // A file that has a size and no bytes may have them for a read (see `super::range`).
            Ok(Some(0) | None) => return (moved, Stop::Unable),
            Ok(Some(count)) => moved.add(count as u64),
            Err(error) => return (moved, Stop::Failed(error)),
        }
    }
    (moved, Stop::Done)
}

/// Whether a read would find the end: no turn of the connection's writers is waited for only to learn that. At or behind
/// the size it comes from no disk.
fn is_at_end(file: &File) -> bool {
    let read = tell(file).and_then(|at| pread(file, &mut [0], at));
    read == Ok(0)
}
