//! From a connection, through a pipe.
//!
//! A round draws what there is into an empty pipe, and pours it all out again before the next one: while it pours, more
//! comes. So there is nothing in the pipe when the connection is found without bytes, at its end, or broken; and a try that
//! finds nothing puts its pipe back before it waits. Only who waits for room holds one.
//!
//! Where no pipe is to be had, for want of descriptors, a round reads and writes.
//!
//! *Rejected:*
//!
//! * Filling the pipe before emptying it. The connection has mostly given all it had, so that costs a try for nothing.
//! * `SPLICE_F_MORE`, which holds back the end of a message.
//! * `SO_RCVLOWAT` for fewer and larger rounds: it is the user's, and holds back the end of a message, too.
//! * The short-read hint of [`crate::fd`]. A splice is also short when the pipe's slots are taken by small pieces, or when
//!   the kernel has no memory for another one (`splice_to_pipe`, `skb_splice_bits`), and then no event would come.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow::{self, Break, Continue};

use marmot_buf::Lease;
use marmot_io::Partial;

use super::pipe::{self, Pipe};
use super::{piece, told};
use crate::blocking::blocking;
use crate::io::ends::End;
use crate::io::progress::{Moved, Stop};
use crate::net::TcpStream;
use crate::netpoll::Direction;

/// How much is moved at a time where there is no pipe.
const BUFFER: usize = 64 * 1024;

/// Moves up to `limit` bytes to a connection or a regular file.
pub(super) fn transfer(from: &TcpStream, to: End<'_>, limit: u64) -> (Moved, Stop) {
    let mut moved = Moved::default();
    while moved.taken < limit {
        if let Break(stop) = round(from, to, piece(limit - moved.taken, pipe::ROOM), &mut moved) {
            return (moved, stop);
        }
    }
    (moved, Stop::Done)
}

/// Moves what there is, up to `count` bytes.
fn round(from: &TcpStream, to: End<'_>, count: usize, moved: &mut Moved) -> ControlFlow<Stop> {
    let Some(mut pipe) = draw(from, count)? else { return by_hand(from, to, count, moved) };
    moved.taken += pipe.held() as u64;
    let poured = match to {
        End::Tcp(to) => {
            pour(&mut pipe, &mut moved.given, |pipe| to.fd().run(Direction::Write, |io| told(pipe.pour(io)), |_| false))
        }
        End::File(to) => pour_into_file(&mut pipe, to, &mut moved.given),
    };
    match poured {
        Ok(Poured::All) => Continue(()),
        Err(error) => Break(Stop::Failed(error)),
        Ok(Poured::Refused) => {
            // It has been taken from the source, so it has to be written in whatever way.
            write(&mut pipe, to, moved)?;
            Break(Stop::Unable)
        }
    }
}

enum Drawn {
    Bytes(Pipe),
    End,
    Refused,
    NoPipe,
}

/// A pipe with what there is, up to `count` bytes, after waiting for it; none if no pipe is to be had.
fn draw(from: &TcpStream, count: usize) -> ControlFlow<Stop, Option<Pipe>> {
    let draw = |io: &std::net::TcpStream| {
        let Ok(mut pipe) = Pipe::take() else { return Ok(Drawn::NoPipe) };
        match told(pipe.draw(io, count))? {
            Some(0) => Ok(Drawn::End),
            Some(_) => Ok(Drawn::Bytes(pipe)),
            None => Ok(Drawn::Refused),
        }
    };
    match from.fd().run(Direction::Read, draw, |_| false) {
        Ok(Drawn::Bytes(pipe)) => Continue(Some(pipe)),
        Ok(Drawn::NoPipe) => Continue(None),
        Ok(Drawn::Refused) => Break(Stop::Unable),
        // The peer's end, or our own close's.
        Ok(Drawn::End) => Break(from.fd().check_open().map_or_else(Stop::Failed, |()| Stop::Done)),
        Err(error) => Break(Stop::Failed(error)),
    }
}

enum Poured {
    All,
    Refused,
}

/// Empties the pipe by `pour`, which moves what goes at a time.
fn pour(
    pipe: &mut Pipe,
    given: &mut u64,
    mut pour: impl FnMut(&mut Pipe) -> io::Result<Option<usize>>,
) -> io::Result<Poured> {
    while pipe.held() > 0 {
        match pour(pipe) {
            Ok(Some(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(Some(count)) => *given += count as u64,
            Ok(None) => return Ok(Poured::Refused),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Poured::All)
}

fn pour_into_file(pipe: &mut Pipe, to: &File, given: &mut u64) -> io::Result<Poured> {
    blocking(|| pour(pipe, given, |pipe| told(pipe.pour(to))))
}

/// Moves what there is, up to `count` bytes, where there is no pipe for it.
fn by_hand(from: &TcpStream, to: End<'_>, count: usize, moved: &mut Moved) -> ControlFlow<Stop> {
    // Waiting first, so that an idle connection does not hold the buffer.
    if let Err(error) = from.wait_readable() {
        return Break(Stop::Failed(error));
    }
    let mut buffer = Lease::new(BUFFER);
    let room = count.min(buffer.len());
    match (&*from).read(&mut buffer[..room]) {
        Ok(0) => Break(Stop::Done),
        Ok(count) => {
            moved.taken += count as u64;
            write(&mut &buffer[..count], to, moved)
        }
        Err(error) => Break(Stop::Failed(error)),
    }
}

/// Writes all that `bytes` has.
fn write(bytes: &mut (impl Read + Send), to: End<'_>, moved: &mut Moved) -> ControlFlow<Stop> {
    let written = match to {
        End::Tcp(mut to) => marmot_io::copy_counted(bytes, &mut to),
        End::File(mut to) => blocking(|| marmot_io::copy_counted(bytes, &mut to)),
    };
    match written {
        Ok(count) => {
            moved.given += count;
            Continue(())
        }
        Err(Partial { moved: count, error }) => {
            moved.given += count;
            Break(Stop::Failed(error))
        }
    }
}
