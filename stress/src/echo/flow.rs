//! The two directions of a client's connection: sending and receiving its stream in all manners that there are.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::time::{Duration, Instant};

use marmot::net::TcpStream;

use super::Place;
use crate::chance::Chance;
use crate::contents;
use crate::counts::What;
use crate::ground::Ground;

/// The most that is read at once.
const BUFFER: usize = 8 * 1024;

/// How often a wait for nothing may end early, where that is allowed at all.
const SPURIOUS: usize = 3;

/// Sends a stream.
pub struct Sending<'a> {
    pub ground: &'a Ground,
    pub conn: &'a TcpStream,
    pub key: u64,
    pub sent: u64,
    pub chance: Chance,
}

impl Sending<'_> {
    /// Sends the next `length` bytes. A write that times out has written nothing, and is tried again.
    pub fn send(&mut self, length: usize) -> io::Result<()> {
        let until = self.sent + length as u64;
        let in_pieces = self.chance.one_in(8);
        while self.sent < until {
            let left = (until - self.sent) as usize;
            let length = if in_pieces { self.chance.up_to(left) } else { left };
            match self.write(contents::piece(self.key, self.sent, length)) {
                Ok(0) => panic!("a write has written nothing, and no error said why"),
                Ok(n) => self.sent += n as u64,
                Err(e) if e.kind() == ErrorKind::TimedOut => self.ground.count(What::WriteTimeouts, 1),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut conn = self.conn;
        if !self.chance.one_in(8) {
            return conn.write(bytes);
        }
        let (first, rest) = bytes.split_at(self.chance.below(1 + bytes.len() as u64) as usize);
        let (second, third) = rest.split_at(self.chance.below(1 + rest.len() as u64) as usize);
        conn.write_vectored(&[first, second, &[], third].map(IoSlice::new))
    }
}

/// Receives a stream, and checks it.
pub struct Receiving<'a> {
    pub ground: &'a Ground,
    pub conn: &'a TcpStream,
    pub key: u64,
    /// How many bytes have come, all of them right.
    pub seen: u64,
    pub chance: Chance,
    buffer: Box<[u8]>,
    /// A timeout or a deadline is set that may fire.
    armed: bool,
}

impl<'a> Receiving<'a> {
    pub fn new(ground: &'a Ground, conn: &'a TcpStream, key: u64, seen: u64, chance: Chance) -> Receiving<'a> {
        let buffer = vec![0; BUFFER].into();
        Receiving { ground, conn, key, seen, chance, buffer, armed: false }
    }

    /// Receives at least as far as `offset`.
    ///
    /// # Errors
    ///
    /// Those of a read, but not a timeout that was set here: then it goes on. The end is `UnexpectedEof`.
    pub fn receive_to(&mut self, offset: u64) -> io::Result<()> {
        while self.seen < offset {
            // It races with the bytes.
            if self.chance.one_in(64) {
                self.arm()?;
            }
            match self.read((offset - self.seen) as usize) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(e) if e.kind() == ErrorKind::TimedOut && self.armed => {
                    self.ground.count(What::ReadTimeouts, 1);
                    self.disarm()?;
                }
                Err(e) => return Err(e),
            }
        }
        self.disarm()
    }

    /// Receives each of the messages that `sizes` tells, from where the stream is, and counts those that have come.
    pub fn receive_messages(&mut self, sizes: &[usize]) -> io::Result<()> {
        let mut end = self.seen;
        for size in sizes {
            end += *size as u64;
            self.receive_to(end)?;
            self.ground.count(What::RoundTrips, 1);
        }
        Ok(())
    }

    /// Asserts that the stream has ended: nothing more comes than the end.
    pub fn expect_end(&mut self) {
        match self.read(1) {
            Ok(0) => {}
            Ok(n) => panic!("{n} bytes have come that nobody sent"),
            Err(e) => panic!("the end of the stream is an error: {e}"),
        }
    }

    /// Reads once, in some manner, and checks what came. `wanted` is a hint, not a limit: nobody sends more than is wanted
    /// in the end.
    fn read(&mut self, wanted: usize) -> io::Result<usize> {
        let mut conn = self.conn;
        let n = match self.chance.below(32) {
            0 => {
                let peeked = conn.peek(&mut self.buffer[..16])?;
                contents::check(self.key, self.seen, &self.buffer[..peeked]);
                let n = conn.read(&mut self.buffer)?;
                assert!(n >= peeked, "{peeked} bytes were seen in advance, and {n} were read");
                n
            }
            1 => {
                conn.wait_readable()?;
                conn.read(&mut self.buffer)?
            }
            2 => {
                let (first, rest) = self.buffer.split_at_mut(self.chance.up_to(64));
                let (second, third) = rest.split_at_mut(self.chance.up_to(512));
                conn.read_vectored(&mut [first, second, third].map(IoSliceMut::new))?
            }
            3 => {
                let most = self.chance.up_to(8);
                conn.read(&mut self.buffer[..most])?
            }
            4..16 => conn.read(&mut self.buffer[..wanted.min(BUFFER)])?,
            _ => conn.read(&mut self.buffer)?,
        };
        contents::check(self.key, self.seen, &self.buffer[..n]);
        self.seen += n as u64;
        Ok(n)
    }

    /// Sets a limit that may fire while bytes are on their way.
    fn arm(&mut self) -> io::Result<()> {
        self.armed = true;
        let limit = self.chance.micros(300);
        if self.chance.one_in(2) {
            self.conn.set_read_timeout(Some(limit))
        } else {
            self.conn.set_read_deadline(Some(Instant::now() + limit))
        }
    }

    fn disarm(&mut self) -> io::Result<()> {
        if self.armed {
            self.armed = false;
            self.conn.set_read_timeout(None)?;
            self.conn.set_read_deadline(None)?;
        }
        Ok(())
    }

    /// Waits while nothing is on its way, until a limit fires: it must, and not too early.
    pub fn wait_in_vain(&mut self, place: Place<'_>) -> io::Result<()> {
        let (limit, begun) = (self.chance.micros(2000), Instant::now());
        let meddler = match self.chance.below(3) {
            0 => {
                self.conn.set_read_timeout(Some(limit))?;
                None
            }
            1 => {
                self.conn.set_read_deadline(Some(begun + limit))?;
                None
            }
            _ => {
                let clone = self.conn.try_clone()?;
                Some(place.go(move || {
                    marmot::sleep(limit);
                    clone.set_deadline(Some(Instant::now()))
                }))
            }
        };
        self.time_out(limit, begun);
        if let Some(meddler) = meddler {
            meddler.join().expect("the meddler has not panicked")?;
        }
        self.conn.set_read_timeout(None)?;
        self.conn.set_deadline(None)
    }

    fn time_out(&mut self, limit: Duration, begun: Instant) {
        let mut conn = self.conn;
        let result = match self.chance.below(3) {
            // It may return for what is gone by then, as its documentation says.
            0 => (0..SPURIOUS).try_for_each(|_| conn.wait_readable()),
            1 => conn.peek(&mut self.buffer).map(drop),
            _ => conn.read(&mut self.buffer).map(drop),
        };
        let took = begun.elapsed();
        let kind = result.map_err(|e| e.kind());
        assert_eq!(kind, Err(ErrorKind::TimedOut), "a wait for nothing, with a limit of {limit:?}, after {took:?}");
        assert!(took >= limit, "a limit of {limit:?} has fired after {took:?}");
        assert!(took < self.ground.patience, "a limit of {limit:?} has fired after {took:?} only");
        self.ground.count(What::ReadTimeouts, 1);
    }
}
