//! From a file to a file where the kernel does not copy: by reading and writing, on spare threads.

use std::fs::File;
use std::io::Read;

use super::progress::{Moved, Stop};
use crate::blocking::blocking;
use crate::context;

/// How many bytes a spare thread moves before the goroutine has a turn again: enough that the way there and back does not
/// show.
const PIECE: usize = 1024 * 1024;

/// Moves bytes from one file's offset to the other's until `limit` is reached, of which some have been moved.
///
/// A file may be something that is waited for, like a pipe or a terminal. What it gives is written at once.
pub(super) fn transfer(from: &File, to: &File, limit: u64, mut moved: Moved) -> (Moved, Stop) {
    while moved.taken < limit {
        // Nobody is waited for; but a large file takes long.
        if let Err(error) = context::check_io() {
            return (moved, Stop::Failed(error));
        }
        let mut piece = from.take(moved.next(limit, PIECE) as u64);
        let asked = piece.limit();
        let copied = blocking(|| marmot_io::copy_counted(&mut piece, &mut &*to));
        moved.taken += asked - piece.limit();
        match copied {
            Ok(count) => {
                moved.given += count;
                if count < asked {
                    break;
                }
            }
            Err(partial) => {
                moved.given += partial.moved;
                return (moved, Stop::Failed(partial.error));
            }
        }
    }
    (moved, Stop::Done)
}
