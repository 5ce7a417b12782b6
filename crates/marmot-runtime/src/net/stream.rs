//! `TcpStream`.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use marmot_buf::Lease;
use marmot_io::{Partial, read_full};
use socket2::SockRef;

use super::addr::ToSocketAddrs;
use super::connect;
use super::convert::conversions;
use super::sys;
use crate::fd::{Fd, InTurn};
use crate::netpoll::Addrs;
use crate::netpoll::Direction::{Read as Reading, Write as Writing};
use crate::rt::{self, JoinHandle};
use crate::sched::budget::{self, Unlimited};
use crate::sched::{self, in_short_backtrace_with};

/// A TCP connection: [`std::net::TcpStream`], parking goroutines instead of blocking threads.
///
/// The [module's head](super) says what differs from `std`. `&TcpStream` reads and writes, too, so
/// one goroutine can read while another writes; two that read take turns.
///
/// Writers take turns, too: as in Go, each `write`, `write_vectored`, `write_all` or `write!` holds its turn until all of its
/// bytes have been sent, so concurrent writes do not interleave. A `write` therefore returns a short count only if it fails after
/// sending some of the bytes; the next write returns the error.
///
/// # Errors
///
/// Those of `std`. After a timeout or a deadline, [`TimedOut`](io::ErrorKind::TimedOut). After
/// [`close`](TcpStream::close), every operation fails with [`NotConnected`](io::ErrorKind::NotConnected); only the addresses and the
/// timeouts can still be read, and further handles be made.
///
/// # Blocking
///
/// Reading, writing, connecting and waiting: G (a plain thread blocks). Everything else returns at
/// once.
///
/// # Cancellation
///
/// A deadline, a timeout, the end of the caller's [context](crate::context), `close` from another goroutine, or the shutdown of
/// the runtime ends a wait. No byte is lost or counted twice: a read or a write that fails has moved no bytes.
/// `read_exact` and `write_all` may have moved some. When the context ends the wait, their error says how many
/// ([`Error::moved`](crate::context::Error::moved)). The errors of [`io::read_full`](crate::io::read_full) and
/// [`io::write_full`](crate::io::write_full) say so whatever ends the wait.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use marmot_runtime as marmot;
/// use marmot::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let addr = listener.local_addr()?;
/// let server = marmot::go(move || {
///     let (mut conn, _) = listener.accept()?;
///     let mut word = [0; 5];
///     conn.read_exact(&mut word)?;
///     conn.write_all(&word)
/// });
/// let mut conn = TcpStream::connect(addr)?;
/// conn.write_all(b"hello")?;
/// let mut word = [0; 5];
/// conn.read_exact(&mut word)?;
/// assert_eq!(&word, b"hello");
/// server.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TcpStream {
    fd: Fd<std::net::TcpStream>,
}

impl TcpStream {
    pub(super) fn new(fd: Fd<std::net::TcpStream>) -> TcpStream {
        TcpStream { fd }
    }

    /// What runs its operations.
    pub(crate) fn fd(&self) -> &Fd<std::net::TcpStream> {
        &self.fd
    }

    /// Opens a connection to the first of the addresses that answers.
    ///
    /// # Errors
    ///
    /// The error for the last address tried. Its message names that address, lists the errors of the earlier ones, and gives advice
    /// if descriptors or ports have run out. It has the kind of the system's error, which is its
    /// [source](std::error::Error::source) and carries the error number.
    ///
    /// # Blocking
    ///
    /// G, while a name is resolved and while the connection is made.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::error::Error;
    /// use std::io;
    /// use marmot_runtime::net::{TcpListener, TcpStream};
    ///
    /// let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    /// let error = TcpStream::connect(addr).unwrap_err();
    /// assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    /// assert!(error.to_string().starts_with(&format!("connect to {addr}: Connection refused")));
    /// let of_system: &io::Error = error.source().unwrap().downcast_ref().unwrap();
    /// assert!(of_system.raw_os_error().is_some());
    /// # Ok::<(), io::Error>(())
    /// ```
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
        connect::connect(addr).map(TcpStream::new)
    }

    /// Opens a connection to `addr` within `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) after `timeout`;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is zero; else as
    /// [`connect`](TcpStream::connect).
    ///
    /// # Blocking
    ///
    /// G.
    pub fn connect_timeout(addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        connect::connect_one(addr, Some(timeout)).map(TcpStream::new)
    }

    /// The address of the other end; after [`close`](TcpStream::close), the one that it had then.
    ///
    /// # Errors
    ///
    /// As `std`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        let peer = self.fd.io().peer_addr();
        self.fd.addrs_at_close().and_then(|addrs| addrs.peer).map_or(peer, Ok)
    }

    /// The address of this end; after [`close`](TcpStream::close), the one that it had then.
    ///
    /// # Errors
    ///
    /// As `std`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let local = self.fd.io().local_addr();
        self.fd.addrs_at_close().and_then(|addrs| addrs.local).map_or(local, Ok)
    }

    /// Shuts down the reading half, the writing half, or both. Whoever waits there finds the end or
    /// an error.
    ///
    /// # Errors
    ///
    /// As `std`; [`NotConnected`](io::ErrorKind::NotConnected) after [`close`](TcpStream::close), too.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.fd.open_io()?.shutdown(how)
    }

    /// Another handle to the same connection, which shares options, timeouts and deadlines. It
    /// costs no descriptor.
    ///
    /// # Errors
    ///
    /// None; the signature is `std`'s.
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        Ok(TcpStream { fd: self.fd.share() })
    }

    /// Closes the connection for every handle: operations that are waiting and all later ones fail with
    /// [`NotConnected`](io::ErrorKind::NotConnected). The descriptor itself is closed when the last handle is dropped.
    ///
    /// The peer sees at once what it would see if the last handle were dropped: all bytes that were written, then the end of the
    /// stream. If received bytes are still unread, or if `SO_LINGER` is set to zero, the peer sees a reset instead, which discards
    /// bytes that were written and have not arrived.
    ///
    /// `std` has no such method, because it could not wake the threads that wait. Go has one.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if it was closed before. No error if the peer has already closed the
    /// connection, or if it was never established; otherwise as [`shutdown`](TcpStream::shutdown).
    ///
    /// # Platform notes
    ///
    /// On systems other than Linux, a reset may be sent only when the last handle is dropped.
    pub fn close(&self) -> io::Result<()> {
        self.fd.close()?;
        let io = self.fd.io();
        // Whoever is closed no longer has them: at once if it is reset, or else when the peer has ended, too.
        self.fd.keep_addrs(Addrs { local: io.local_addr().ok(), peer: io.peer_addr().ok() });
        sys::end(io)
    }

    /// As [`close`](TcpStream::close), but the connection does not end in order: when the last handle goes, the peer is
    /// reset, and what has not been sent by then is discarded.
    pub(crate) fn abort(&self) -> io::Result<()> {
        let result = SockRef::from(self.fd.io()).set_linger(Some(Duration::ZERO));
        self.fd.close()?;
        result
    }

    /// Limits how long each read may wait for bytes, and before that for others that read; `None` is for ever.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a timeout of zero;
    /// [`NotConnected`](io::ErrorKind::NotConnected) after [`close`](TcpStream::close).
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.fd.set_timeout(Reading, timeout)
    }

    /// Limits how long each write may wait for room, and before that for others that write; `None` is for ever.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a timeout of zero;
    /// [`NotConnected`](io::ErrorKind::NotConnected) after [`close`](TcpStream::close).
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.fd.set_timeout(Writing, timeout)
    }

    /// The timeout of reads.
    ///
    /// # Errors
    ///
    /// None; the signature is `std`'s.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.fd.timeout(Reading))
    }

    /// The timeout of writes.
    ///
    /// # Errors
    ///
    /// None; the signature is `std`'s.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.fd.timeout(Writing))
    }

    /// Sets the point in time after which every read fails with
    /// [`TimedOut`](io::ErrorKind::TimedOut), also one that waits already; `None` takes it away. It
    /// holds until it is set again, as Go's `SetReadDeadline`.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) after [`close`](TcpStream::close).
    pub fn set_read_deadline(&self, deadline: Option<Instant>) -> io::Result<()> {
        self.fd.set_deadline(Reading, deadline)
    }

    /// Sets the point in time after which every write fails; see
    /// [`set_read_deadline`](TcpStream::set_read_deadline).
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) after [`close`](TcpStream::close).
    pub fn set_write_deadline(&self, deadline: Option<Instant>) -> io::Result<()> {
        self.fd.set_deadline(Writing, deadline)
    }

    /// Sets both deadlines; see [`set_read_deadline`](TcpStream::set_read_deadline).
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) after [`close`](TcpStream::close).
    pub fn set_deadline(&self, deadline: Option<Instant>) -> io::Result<()> {
        self.set_read_deadline(deadline)?;
        self.set_write_deadline(deadline)
    }

    /// Reads without taking the bytes out: the next read finds them again.
    ///
    /// # Errors
    ///
    /// As a read.
    ///
    /// # Blocking
    ///
    /// G.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_with(buf.len(), |io| io.peek(buf), |_| false)
    }

    /// Waits until there is something to read: bytes, the end, or an error.
    ///
    /// A server that takes its buffer after this call instead of before holds none for an idle
    /// connection. After this has returned, a read nearly always finds something at once; it may
    /// still have to wait, which is harmless.
    ///
    /// # Errors
    ///
    /// As a read.
    ///
    /// # Blocking
    ///
    /// G.
    pub fn wait_readable(&self) -> io::Result<()> {
        self.fd.wait_readable(sys::is_readable)
    }

    /// Hands the connection back until there is something to read: then `f` runs with it, as a new
    /// goroutine.
    ///
    /// Until then the connection has no goroutine, no stack and no buffer, only a closure; and the
    /// goroutine may start on any M, so that it need not wait for the other goroutines of the M
    /// that served it last. (That M still collects the connection's events: while it is stuck in a
    /// goroutine that neither parks nor ends, they wait.) Inside `f` the code blocks as it likes; a
    /// server's `f` serves what there is and hands the connection back again.
    ///
    /// `f` also starts when the read timeout or the read deadline passes (its first read then fails
    /// with [`TimedOut`](io::ErrorKind::TimedOut)), when the connection is
    /// [closed](TcpStream::close), when it cannot be watched, and when the runtime is being shut
    /// down: its first read tells.
    ///
    /// # Blocking
    ///
    /// G, only while another goroutine reads the same connection through a clone.
    ///
    /// # Cancellation
    ///
    /// The goroutine inherits the caller's [context](crate::context). If that ends, it starts, and its first read says so; the caller
    /// does not wait any longer then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use marmot_runtime as marmot;
    /// use marmot::net::{TcpListener, TcpStream};
    ///
    /// // One request and its answer; then the connection waits without a stack.
    /// fn serve(mut conn: TcpStream) {
    ///     let mut buf = [0; 512];
    ///     match conn.read(&mut buf) {
    ///         Ok(0) | Err(_) => {}
    ///         Ok(n) => {
    ///             if conn.write_all(&buf[..n]).is_ok() {
    ///                 conn.go_when_readable(serve);
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let addr = listener.local_addr()?;
    /// marmot::go(move || {
    ///     for conn in listener.incoming().flatten() {
    ///         conn.go_when_readable(serve);
    ///     }
    /// });
    /// let mut conn = TcpStream::connect(addr)?;
    /// for word in ["one", "two"] {
    ///     conn.write_all(word.as_bytes())?;
    ///     let mut buf = [0; 3];
    ///     conn.read_exact(&mut buf)?;
    ///     assert_eq!(buf, word.as_bytes());
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn go_when_readable<F, T>(self, f: F) -> JoinHandle<T>
    where
        F: FnOnce(TcpStream) -> T + Send + 'static,
        T: Send + 'static,
    {
        let Some(wait) = self.fd.begin_unstarted_wait() else {
            // Its first read says why: it inherits a context that has ended.
            return rt::go(move || in_short_backtrace_with(f, self));
        };
        let fd = self.fd.share();
        rt::go_after(
            move || {
                wait.end();
                in_short_backtrace_with(f, self)
            },
            move |gp| fd.wait_unstarted(gp, sys::is_readable),
        )
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// As `std`.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.fd.open_io()?.nodelay()
    }

    /// Sets whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// As `std`.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.fd.open_io()?.set_nodelay(nodelay)
    }

    /// The time-to-live of packets (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// As `std`.
    pub fn ttl(&self) -> io::Result<u32> {
        self.fd.open_io()?.ttl()
    }

    /// Sets the time-to-live of packets (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// As `std`.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.fd.open_io()?.set_ttl(ttl)
    }

    /// Takes the socket's pending error (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// As `std`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.fd.open_io()?.take_error()
    }

    /// Sets whether an operation that would block fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) instead of waiting. It concerns this type only:
    /// the descriptor is non-blocking in any case.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) after [`close`](TcpStream::close).
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.fd.set_nonblocking(nonblocking)
    }

    /// Reads by `op`, which has room for `asked` bytes.
    fn read_with(
        &self,
        asked: usize,
        op: impl FnMut(&std::net::TcpStream) -> io::Result<usize>,
        short: impl Fn(&usize) -> bool,
    ) -> io::Result<usize> {
        // Nothing is waited for that could not be taken.
        if asked == 0 {
            return self.fd.check_open().map(|()| 0);
        }
        match self.fd().run(Reading, op, short)? {
            // The peer's end, or our own close's.
            0 => self.fd.check_open().map(|()| 0),
            n => Ok(n),
        }
    }

    /// Reads without waiting: says `None` if there is nothing.
    pub(crate) fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<Option<usize>> {
        let asked = asked_by(bufs);
        let read = |mut io: &std::net::TcpStream| match &mut *bufs {
            [one] => sys::receive(io, one),
            several => io.read_vectored(several),
        };
        match self.fd.try_run(Reading, read, is_short(asked))? {
            Some(0) => self.fd.check_open().map(|()| Some(0)),
            read => Ok(read),
        }
    }

    /// Writes without waiting: fails with [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room.
    pub(crate) fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.fd.try_once(Writing, |mut io| match bufs {
            [one] => sys::send(io, one),
            several => io.write_vectored(several),
        })
    }

    /// Reads up to `room` bytes into a buffer that is borrowed only once there is something to read; says how many.
    pub(crate) fn read_leased(&self, room: usize) -> io::Result<(Lease, usize)> {
        let mut lent = None;
        let read = |io: &std::net::TcpStream| {
            // We have the turn, and leave no will: this is no place to let others run.
            let mut buffer = {
                let _unlimited = budget::unlimited();
                Lease::new(room)
            };
            let count = sys::receive(io, &mut buffer[..room])?;
            lent = Some(buffer);
            Ok(count)
        };
        let count = self.read_with(room, read, is_short(room))?;
        Ok((lent.unwrap_or_else(|| Lease::new(room)), count))
    }

    /// Calls `send` with a writer that has the turn: no other write comes in between.
    pub(crate) fn write_together<T>(&self, send: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
        let result = self.fd.hold(Writing).and_then(|turn| send(&mut WritingInTurn::new(turn)));
        sched::spend();
        result
    }
}

/// How many buffers count when a read is compared with what it asked for. The system takes no more
/// than IOV_MAX of them at a time, which is 16 at least (POSIX): a read that filled all it was
/// given must not look short.
const MAX_BUFFERS: usize = 16;

/// How much a read into these buffers asks for.
fn asked_by(bufs: &[IoSliceMut<'_>]) -> usize {
    bufs.iter().take(MAX_BUFFERS).map(|b| b.len()).sum()
}

/// A read that filled less than it asked for has drained the socket; the end (zero) has not.
fn is_short(asked: usize) -> impl Fn(&usize) -> bool {
    move |&n| n != 0 && n < asked
}

/// Writes all of `buf` through `to`, which has the turn or takes it.
macro_rules! send_all {
    ($to:expr, $buf:expr) => {
        $to.write($buf.len(), |io, gone| sys::send(io, &$buf[gone..]))
    };
}

/// As [`send_all`], from several buffers.
macro_rules! send_all_vectored {
    ($to:expr, $bufs:expr) => {
        $to.write(given_by($bufs), |mut io, gone| match gone {
            0 => io.write_vectored($bufs),
            gone => io.write_vectored(&without($bufs, gone)),
        })
    };
}

/// How many bytes these buffers have.
fn given_by(bufs: &[IoSlice<'_>]) -> usize {
    bufs.iter().fold(0, |sum: usize, buf| sum.saturating_add(buf.len()))
}

/// These buffers without the first `gone` bytes.
fn without<'a>(bufs: &[IoSlice<'a>], gone: usize) -> Vec<IoSlice<'a>> {
    let mut rest = bufs.to_vec();
    let mut left = &mut rest[..];
    IoSlice::advance_slices(&mut left, gone);
    left.to_vec()
}

/// The result of a `write`. If it failed after it had moved some bytes, that is their number: the next write fails for the same reason.
fn some_or(result: Result<usize, Partial>) -> io::Result<usize> {
    match result {
        Ok(count) => Ok(count),
        Err(Partial { moved: 0, error }) => Err(error),
        // No more than were to be written.
        Err(Partial { moved, .. }) => Ok(moved as usize),
    }
}

/// The connection, with the turn to write. Between two writes, nothing that its user calls yields: only a write leaves the turn to others,
/// should the runtime stop.
struct WritingInTurn<'a> {
    turn: InTurn<'a, std::net::TcpStream>,
    has_written: bool,
    unlimited: Option<Unlimited>,
}

impl<'a> WritingInTurn<'a> {
    fn new(turn: InTurn<'a, std::net::TcpStream>) -> Self {
        WritingInTurn { turn, has_written: false, unlimited: Some(budget::unlimited()) }
    }

    fn write_by<T>(&mut self, write: impl FnOnce(&InTurn<'a, std::net::TcpStream>) -> T) -> T {
        self.unlimited = None;
        if self.has_written {
            self.turn.spend();
        }
        self.has_written = true;
        let result = write(&self.turn);
        self.unlimited = Some(budget::unlimited());
        result
    }
}

impl Write for WritingInTurn<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_by(|turn| some_or(send_all!(turn, buf)))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_by(|turn| some_or(send_all_vectored!(turn, bufs)))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let asked = buf.len();
        self.read_with(asked, |io| sys::receive(io, buf), is_short(asked))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let asked = asked_by(bufs);
        self.read_with(asked, |mut io| io.read_vectored(bufs), is_short(asked))
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        if buf.is_empty() {
            return self.fd.check_open();
        }
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        some_or(send_all!(self.fd, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        some_or(send_all_vectored!(self.fd, bufs))
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        if buf.is_empty() {
            return self.fd.check_open();
        }
        match send_all!(self.fd, buf) {
            Ok(count) if count == buf.len() => Ok(()),
            Ok(_) => Err(io::ErrorKind::WriteZero.into()),
            Err(partial) => Err(partial.into()),
        }
    }

    /// Formats the whole text first, and then sends it in one write. So the formatting code may itself wait for other writers.
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        if let Some(text) = text.as_str() {
            return self.write_all(text.as_bytes());
        }
        let mut formatted = String::new();
        fmt::write(&mut formatted, text).map_err(|_| io::Error::other("a value could not be formatted"))?;
        self.write_all(formatted.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.fd.check_open()
    }
}

impl Read for TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        (&*self).read_exact(buf)
    }
}

impl Write for TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        (&*self).write_all(buf)
    }

    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        (&*self).write_fmt(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

conversions!(TcpStream, std::net::TcpStream);
