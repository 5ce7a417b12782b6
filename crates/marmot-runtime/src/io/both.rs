//! Copying in both directions at the same time, by two goroutines.

use std::io::{Read, Result, Write};
use std::net::Shutdown;

use marmot_io::{BothWays, CloseWrite, Half, copy_bidirectional_by};

use super::copy_counted;
use crate::net::TcpStream;
use crate::rt;

/// Copies everything from `a` to `b` and from `b` to `a`, until both directions have ended: [`marmot_io::copy_bidirectional`],
/// by two goroutines, and by the kernel where it can.
///
/// When one side has ended what it sends, the other is told by [`CloseWrite::close_write`], and the opposite direction
/// goes on. When a direction fails, both connections are closed ([`CloseWrite::close_both`]), so that the other ends too.
/// A `TcpStream` is closed by a reset then, which its peer hears of once the last handle is dropped: what the peer has got
/// may be cut, and it shall not take that for all.
///
/// # Errors
///
/// None. How each direction ended, and how many bytes it had moved, is in the result.
///
/// # Panics
///
/// If reading, writing or closing panics; both connections are closed before, and the opposite direction has ended.
///
/// # Blocking
///
/// G. On a plain thread, that blocks.
///
/// # Cancellation
///
/// As [`copy`](super::copy), for each direction.
///
/// # Examples
///
/// A proxy of one connection:
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::Shutdown;
/// use marmot_runtime as marmot;
/// use marmot::net::{TcpListener, TcpStream};
///
/// let (front, back) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
/// let (at, to) = (front.local_addr()?, back.local_addr()?);
/// marmot::go(move || {
///     let (mut server, _) = back.accept()?;
///     let question = marmot::io::read_all(&mut server)?;
///     server.write_all(&question.to_ascii_uppercase())
/// });
/// let proxy = marmot::go(move || {
///     let (client, _) = front.accept()?;
///     marmot::io::copy_bidirectional(&client, &TcpStream::connect(to)?)
/// });
///
/// let mut client = TcpStream::connect(at)?;
/// client.write_all(b"there and back")?;
/// client.shutdown(Shutdown::Write)?;
/// assert_eq!(marmot::io::read_all(&mut client)?, b"THERE AND BACK");
/// let both = proxy.join().unwrap()?;
/// assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (14, 14));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy_bidirectional<A, B>(a: &A, b: &B) -> Result<BothWays>
where
    A: CloseWrite + Sync + ?Sized,
    B: CloseWrite + Sync + ?Sized,
    for<'a> &'a A: Read + Write,
    for<'b> &'b B: Read + Write,
{
    let by_goroutines = |first: Half<'_>, second: Half<'_>| {
        rt::scope(|scope| {
            scope.go(first);
            second();
        });
        Ok(())
    };
    let a_to_b = |mut a: &A, mut b: &B| copy_counted(&mut a, &mut b);
    let b_to_a = |mut b: &B, mut a: &A| copy_counted(&mut b, &mut a);
    copy_bidirectional_by(a, b, by_goroutines, a_to_b, b_to_a)
}

impl CloseWrite for TcpStream {
    fn close_write(&self) -> Result<()> {
        match self.shutdown(Shutdown::Write) {
            // The peer was the first, or both halves are closed already.
            Err(error) if error.kind() == std::io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }

    /// Aborts the connection: what waits is woken, later operations fail, and the peer is reset when the last handle goes.
    /// Bytes may have been lost, and an orderly end would tell the peer otherwise.
    fn close_both(&self) -> Result<()> {
        match self.abort() {
            // That has been done.
            Err(error) if error.kind() == std::io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }
}
