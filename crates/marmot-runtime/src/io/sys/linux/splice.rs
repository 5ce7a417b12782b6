//! From a connection: small amounts through a buffer, large ones through a pipe, which splice(2) fills and empties.
//!
//! What little there is costs less to read and write: a proxy of 64-byte messages took 14.2 µs of CPU time a request with
//! splice alone, and 11.6 µs through a buffer. At 16 KiB the two cost the same, and for bulk splice costs less than half.
//! So a copy begins with a buffer; a round that fills it is followed by one through a pipe, and one that finds less than
//! that by one through a buffer.
//!
//! A round through a pipe draws what there is into an empty pipe, and pours it all out again: while it pours, more comes.
//! So there is nothing in the pipe when the connection is found without bytes, at its end, or broken. A try that
//! finds nothing puts back its pipe or its buffer before it waits: only who waits for room holds one. Where no pipe is to
//! be had, for want of descriptors or of memory for pipes, it is a buffer's turn again.
//!
//! An urgent byte (`MSG_OOB`) stops a splice for good: it never passes the mark, and says there that nothing has come
//! (`EAGAIN`) or, when the peer has ended, that this is the end (zero), whatever lies behind. A read leaves the byte out and
//! goes on. So neither answer is believed before the socket has said that it is not at the mark (`SIOCATMARK`, tcp(7));
//! if it is, the next round is through a buffer. Both are asked within the same turn, so that no other reader comes between.
//!
//! *Rejected:*
//!
//! * Filling the pipe before emptying it. The connection has mostly given all it had, so that costs a try for nothing.
//! * `SPLICE_F_MORE`, which holds back the end of a message.
//! * `SO_RCVLOWAT` for fewer and larger rounds: it is the user's, and holds back the end of a message, too.
//! * The short-read hint of [`crate::fd`] for pipes. A splice is also short when the pipe's slots are taken by small pieces, or
//!   when the kernel has no memory for another one (`splice_to_pipe`, `skb_splice_bits`), and then no event would come.

use std::ops::ControlFlow::{self, Break, Continue};

use marmot_io::Partial;

use rustix::io::Errno;

use super::mark::is_at_mark;
use super::pipe::{self, Pipe};
use super::told;
use crate::blocking::blocking;
use crate::io::buffered::{self, Giving, all, give_read};
use crate::io::ends::End;
use crate::io::progress::{Moved, Stop};
use crate::net::TcpStream;
use crate::netpoll::Direction;

/// How much is moved at a time through a buffer, and from where on a pipe costs less.
pub(super) const BUFFER: usize = 16 * 1024;

/// Moves up to `limit` bytes to a connection or a regular file.
pub(super) fn transfer(from: &TcpStream, to: End<'_>, limit: u64) -> (Moved, Stop) {
    let mut moved = Moved::default();
    let mut much = false;
    while moved.taken < limit {
        let before = moved.taken;
        let round = if much {
            through_pipe(from, to, moved.next(limit, pipe::ROOM), &mut moved)
        } else {
            buffered::round(from, to, moved.next(limit, BUFFER), &mut moved)
        };
        match round {
            Continue(()) => {}
            Break(Stop::Unable) => return buffered::transfer(from, to, limit, moved),
            Break(stop) => return (moved, stop),
        }
        much = moved.taken - before >= BUFFER as u64;
    }
    (moved, Stop::Done)
}

/// Moves what there is, up to `count` bytes, through a pipe if that goes.
fn through_pipe(from: &TcpStream, to: End<'_>, count: usize, moved: &mut Moved) -> ControlFlow<Stop> {
    let Some(mut pipe) = draw(from, count)? else { return buffered::round(from, to, count.min(BUFFER), moved) };
    moved.taken += pipe.held() as u64;
    let (held, given) = (pipe.held(), &mut moved.given);
    let poured = match to {
        // In one turn: what one round has drawn stays together.
        End::Tcp(to) => {
            let mut turn = None;
            all(held, given, |_| {
                give_read(|may_wait| {
                    let pour = |io: &std::net::TcpStream| told(pipe.pour(io));
                    match &turn {
                        None if may_wait => {
                            to.fd().hold(Direction::Write).and_then(|held| turn.insert(held).run(pour, |_| false))
                        }
                        None => to.fd().try_once(Direction::Write, pour),
                        Some(turn) if may_wait => {
                            turn.spend();
                            turn.run(pour, |_| false)
                        }
                        Some(turn) => turn.try_once(pour),
                    }
                })
            })
        }
        End::File(to) => blocking(|| all(held, given, |_| told(pipe.pour(to)))),
    };
    match poured {
        Ok(true) => return Continue(()),
        Ok(false) => {}
        Err(error) => return Break(Stop::Failed(error)),
    }
    // Refused. It has been taken from the source, so it has to be written in whatever way.
    let written = match to {
        End::Tcp(to) => marmot_io::copy_counted(&mut pipe, &mut Giving(to)),
        End::File(mut to) => blocking(|| marmot_io::copy_counted(&mut pipe, &mut to)),
    };
    match written {
        Ok(count) => {
            moved.given += count;
            Break(Stop::Unable)
        }
        Err(Partial { moved: count, error }) => {
            moved.given += count;
            Break(Stop::Failed(error))
        }
    }
}

enum Drawn {
    Bytes(Pipe),
    End,
    Refused,
    NoPipe,
    AtMark,
}

/// A pipe with what there is, up to `count` bytes, after waiting for it; none if this is a buffer's turn: no pipe is to be had, or
/// the next byte is an urgent one.
fn draw(from: &TcpStream, count: usize) -> ControlFlow<Stop, Option<Pipe>> {
    let draw = |io: &std::net::TcpStream| {
        let Some(mut pipe) = Pipe::take() else { return Ok(Drawn::NoPipe) };
        let drawn = pipe.draw(io, count);
        if matches!(drawn, Ok(0) | Err(Errno::AGAIN)) && is_at_mark(io) {
            return Ok(Drawn::AtMark);
        }
        match told(drawn)? {
            Some(0) => Ok(Drawn::End),
            Some(_) => Ok(Drawn::Bytes(pipe)),
            None => Ok(Drawn::Refused),
        }
    };
    match from.fd().run(Direction::Read, draw, |_| false) {
        Ok(Drawn::Bytes(pipe)) => Continue(Some(pipe)),
        Ok(Drawn::NoPipe | Drawn::AtMark) => Continue(None),
        Ok(Drawn::Refused) => Break(Stop::Unable),
        // The peer's end, or our own close's.
        Ok(Drawn::End) => Break(from.fd().check_open().map_or_else(Stop::Failed, |()| Stop::Done)),
        Err(error) => Break(Stop::Failed(error)),
    }
}
