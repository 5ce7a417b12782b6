//! Frames instead of bytes.

use std::fmt;
use std::io::{self, Write};

use super::codec::{Decoded, Decoder, Encoder};
use super::{Conn, Connection};
use crate::net::TcpStream;

/// A buffered connection that carries frames, as its codec has them.
///
/// # Errors
///
/// Those of the connection, each after the frames before it; and the codec's. After one of the codec's
/// ([`InvalidData`](io::ErrorKind::InvalidData) mostly) nobody knows where the next frame begins: close the connection.
///
/// # Blocking
///
/// G (a plain thread blocks): `read` while no whole frame is there, `write` and `flush` as
/// [`Writer`](super::Writer).
///
/// # Cancellation
///
/// What ends a wait of the connection ends a wait here. A frame of which a part has come is not lost by that.
///
/// # Examples
///
/// ```
/// use std::io;
/// use marmot_runtime as marmot;
/// use marmot::buffered::codec::LengthDelimited;
/// use marmot::buffered::{Conn, Framed};
/// use marmot::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let addr = listener.local_addr()?;
/// marmot::go(move || -> io::Result<()> {
///     let mut frames = Framed::new(Conn::new(listener.accept()?.0)?, LengthDelimited::new());
///     while let Some(frame) = frames.read()? {
///         frames.write(frame)?;
///     }
///     Ok(())
/// });
///
/// let mut frames = Framed::new(Conn::new(TcpStream::connect(addr)?)?, LengthDelimited::new());
/// frames.write("hello")?;
/// frames.write("world")?;
/// assert_eq!(frames.read()?.unwrap(), "hello");
/// assert_eq!(frames.read()?.unwrap(), "world");
/// # Ok::<(), io::Error>(())
/// ```
pub struct Framed<D, C: Connection = TcpStream> {
    conn: Conn<C>,
    codec: D,
}

impl<D, C: Connection> Framed<D, C> {
    /// Frames of `codec` over `conn`.
    pub fn new(conn: Conn<C>, codec: D) -> Framed<D, C> {
        Framed { conn, codec }
    }

    /// The connection.
    pub fn get_ref(&self) -> &Conn<C> {
        &self.conn
    }

    /// The connection, to wait for bytes or to set it up. Bytes that are taken out of it are missing from the frames.
    pub fn get_mut(&mut self) -> &mut Conn<C> {
        &mut self.conn
    }

    /// The codec.
    pub fn codec_mut(&mut self) -> &mut D {
        &mut self.codec
    }

    /// The connection, with what has been read ahead; for a protocol that changes in its course.
    pub fn into_inner(self) -> Conn<C> {
        self.conn
    }

    /// Sends what has been written.
    ///
    /// # Errors
    ///
    /// As [`Writer`](super::Writer).
    ///
    /// # Blocking
    ///
    /// G.
    pub fn flush(&mut self) -> io::Result<()> {
        self.conn.flush()
    }
}

impl<D: Decoder, C: Connection> Framed<D, C> {
    /// Reads the next frame; none at the end.
    ///
    /// # Errors
    ///
    /// See the type. [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the stream ends in the middle of a frame.
    ///
    /// # Blocking
    ///
    /// G.
    pub fn read(&mut self) -> io::Result<Option<D::Frame>> {
        loop {
            let input = self.conn.sides().0.input();
            // Before the codec looks: it may find that what has come since is enough.
            let there = input.len();
            let needed = match self.codec.decode(input)? {
                Decoded::Frame(frame) => return Ok(Some(frame)),
                // A codec that needs no more than there was would be asked for ever.
                Decoded::Need(bytes) => bytes.max(there + 1),
            };
            if self.conn.wait(needed)? < needed {
                return self.read_last();
            }
        }
    }

    /// The rest, after the end.
    fn read_last(&mut self) -> io::Result<Option<D::Frame>> {
        let input = self.conn.sides().0.input();
        if input.has_failed() {
            // A part of a frame is of no use, and what has happened says more than that it is one.
            input.skip(usize::MAX);
        }
        match input.ended() {
            Some(result) => result.map(|()| None),
            None => self.codec.decode_last(input),
        }
    }

    /// The frames, one after the other, up to the end or the first error.
    pub fn frames(&mut self) -> impl Iterator<Item = io::Result<D::Frame>> {
        let mut failed = false;
        std::iter::from_fn(move || {
            let next = if failed { None } else { self.read().transpose() };
            failed = matches!(next, Some(Err(_)));
            next
        })
    }
}

impl<D, C: Connection> Framed<D, C> {
    /// Writes a frame, which is sent as [`Writer`](super::Writer) says.
    ///
    /// # Errors
    ///
    /// See the type.
    ///
    /// # Blocking
    ///
    /// G.
    pub fn write<T>(&mut self, frame: T) -> io::Result<()>
    where
        D: Encoder<T>,
    {
        let Framed { conn, codec } = self;
        conn.sides().1.gather(|producer| codec.encode(frame, producer))
    }
}

impl<D, C: Connection> fmt::Debug for Framed<D, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed").field("conn", &self.conn).finish_non_exhaustive()
    }
}
