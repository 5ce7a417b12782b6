//! From a connection, through a buffer that is held only while there is something in it.

use std::io::{self, IoSlice, Write};
use std::ops::ControlFlow::{self, Break, Continue};

use super::ends::End;
use super::progress::{Moved, Stop};
use crate::blocking::blocking;
use crate::context::{self, Error};
use crate::net::TcpStream;

/// How many bytes are asked for at a time where there is nothing but buffers.
const BUFFER: usize = 64 * 1024;

/// Moves bytes until `limit` is reached, of which some have been moved.
pub(super) fn transfer(from: &TcpStream, to: End<'_>, limit: u64, mut moved: Moved) -> (Moved, Stop) {
    while moved.taken < limit {
        if let Break(stop) = round(from, to, moved.next(limit, BUFFER), &mut moved) {
            return (moved, stop);
        }
    }
    (moved, Stop::Done)
}

/// Moves what there is, up to `count` bytes.
pub(super) fn round(from: &TcpStream, to: End<'_>, count: usize, moved: &mut Moved) -> ControlFlow<Stop> {
    let (buffer, count) = match from.read_leased(count) {
        Ok((_, 0)) => return Break(Stop::Done),
        Ok(read) => read,
        Err(error) => return Break(Stop::Failed(error)),
    };
    moved.taken += count as u64;
    let given = &mut moved.given;
    let written = match to {
        End::Tcp(to) => all(count, given, |left| Giving(to).write(&buffer[count - left..count]).map(Some)),
        End::File(mut to) => blocking(|| all(count, given, |left| to.write(&buffer[count - left..count]).map(Some))),
    };
    match written {
        Ok(_) => Continue(()),
        Err(error) => Break(Stop::Failed(error)),
    }
}

/// Gives bytes that have been read to a connection by `give`, which is told whether it may wait.
///
/// The caller's context may have ended since the bytes were taken from where they were. Nothing is waited for then; but what the
/// connection has room for still goes, so that an end that came between a read and its write loses nothing.
pub(super) fn give_read<T>(mut give: impl FnMut(bool) -> io::Result<T>) -> io::Result<T> {
    let ended = match give(true) {
        Err(error) if Error::of(&error).is_some() => error,
        result => return result,
    };
    context::shield(|| {
        loop {
            match give(false) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(|_| ended),
            }
        }
    })
}

/// A connection to which bytes are written that have been read: see [`give_read`].
pub(super) struct Giving<'a>(pub(super) &'a TcpStream);

impl Write for Giving<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut to = self.0;
        give_read(|may_wait| if may_wait { to.write(bytes) } else { to.try_write_vectored(&[IoSlice::new(bytes)]) })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives `count` bytes away by `give`, which is told how many are left, and gives as many as go. `false` if it refuses.
pub(super) fn all(
    count: usize,
    given: &mut u64,
    mut give: impl FnMut(usize) -> io::Result<Option<usize>>,
) -> io::Result<bool> {
    let mut left = count;
    while left > 0 {
        match give(left) {
            Ok(Some(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(Some(count)) => {
                left -= count;
                *given += count as u64;
            }
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
