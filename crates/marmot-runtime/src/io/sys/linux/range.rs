//! From a file to a file.

use std::fs::File;
use std::io;

use rustix::fs::copy_file_range;
use rustix::io::Errno;

use super::is_refusal;
use crate::blocking::blocking;
use crate::context;
use crate::io::files;
use crate::io::progress::{Moved, Stop};

/// How many bytes a call is asked for: a few milliseconds' worth.
const PIECE: usize = 16 * 1024 * 1024;

/// Moves up to `limit` bytes from one file's offset to the other's.
pub(super) fn transfer(from: &File, to: &File, limit: u64) -> (Moved, Stop) {
    let mut moved = Moved::default();
    while moved.taken < limit {
        // Nobody is waited for; but a large file takes long.
        if let Err(error) = context::check_io() {
            return (moved, Stop::Failed(error));
        }
        let count = moved.next(limit, PIECE);
        match blocking(|| copy_file_range(from, None, to, None, count)) {
            Ok(0) if moved.taken > 0 => return (moved, Stop::Done),
            // Some kernels say so of files that do have bytes, for example on an overlay or in sysfs (copy_file_range(2)
            // before Linux 5.19). A read tells.
            Ok(0) => return files::transfer(from, to, limit, moved),
            Ok(count) => moved.add(count as u64),
            Err(Errno::INTR) => {}
            Err(errno) if is_refusal(errno) || is_refusal_of_files(errno) => {
                return files::transfer(from, to, limit, moved);
            }
            Err(errno) => return (moved, Stop::Failed(io::Error::from(errno))),
        }
    }
    (moved, Stop::Done)
}

/// The same for two files: on different file systems (`EXDEV`), one of them open for appending (`EBADF`), or with one on
/// a share that cannot do it (`EIO`, golang/go#42334).
fn is_refusal_of_files(errno: Errno) -> bool {
    matches!(errno, Errno::XDEV | Errno::BADF | Errno::IO)
}
