//! Linux: splice(2), sendfile(2) and copy_file_range(2).

mod cached;
mod mark;
mod pipe;
mod range;
mod sendfile;
mod splice;

use std::fs::File;
use std::io;

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

use crate::io::buffered;
use crate::io::ends::End;
use crate::io::files;
use crate::io::progress::{Moved, Stop};

/// Moves up to `limit` bytes, of which there is at least one.
pub(in crate::io) fn transfer(from: End<'_>, to: End<'_>, limit: u64) -> (Moved, Stop) {
    match (from, to) {
        (End::Tcp(from), End::Tcp(_)) => splice::transfer(from, to, limit),
        (End::Tcp(from), End::File(file)) if size(file).is_some() => splice::transfer(from, to, limit),
        (End::Tcp(from), End::File(_)) => buffered::transfer(from, to, limit, Moved::default()),
        // A size of zero is no size: files of procfs have it, whatever is in them. Where it is true, a read tells.
        (End::File(from), End::Tcp(to)) if let Some(size @ 1..) = size(from) => {
            sendfile::transfer(from, size, to, limit)
        }
        (End::File(from), End::File(to)) if size(from) > Some(0) && size(to).is_some() => {
            range::transfer(from, to, limit)
        }
        (End::File(from), End::File(to)) => files::transfer(from, to, limit, Moved::default()),
        (End::File(_), End::Tcp(_)) => (Moved::default(), Stop::Unable),
    }
}

/// The size of a regular file.
fn size(file: &File) -> Option<u64> {
    let stat = fstat(file).ok()?;
    FileType::from_raw_mode(stat.st_mode).is_file().then_some(stat.st_size as u64)
}

/// Whether a call means by this error that it is not for such descriptors, or not for this process: it is not known
/// (`ENOSYS`), or forbidden by a filter (`EPERM`); the kind of descriptor cannot do it, or how it is open (`EINVAL`,
/// `EOPNOTSUPP`); the offset is near the largest (`EOVERFLOW`). Whoever reads and writes instead hears of what is really
/// wrong.
fn is_refusal(errno: Errno) -> bool {
    matches!(errno, Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP | Errno::OVERFLOW)
}

/// What a call came to; `None` if it was refused.
fn told(result: Result<usize, Errno>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(errno) if is_refusal(errno) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}
