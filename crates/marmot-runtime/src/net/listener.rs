//! `TcpListener`, and the builder with what `std` fixes.

use std::io;
use std::iter::FusedIterator;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::addr::ToSocketAddrs;
use super::convert::conversions;
use super::explain::{Operation, explain, failed, last_of, passing_shortage};
use super::stream::TcpStream;
use crate::context;
use crate::fd::Fd;
use crate::netpoll::Direction::Read as Reading;
use crate::sched::{self, ReportLimit};
use crate::timer;

/// How many connections may wait to be accepted: what `std` asks for on Linux is 4096 since 1.91;
/// the kernel's `net.core.somaxconn` caps it.
const BACKLOG: i32 = 4096;

/// The first pause after a shortage, and the longest.
const PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

static SHORTAGES: ReportLimit = ReportLimit::new();

/// A socket that accepts connections: [`std::net::TcpListener`], parking goroutines instead of
/// blocking threads.
///
/// The [module's head](super) says what differs from `std`.
///
/// # Errors
///
/// Those of `std`, except that [`accept`](TcpListener::accept) outlives a shortage of descriptors.
///
/// # Blocking
///
/// Accepting: G (a plain thread blocks). Several goroutines may accept from one listener; they take
/// turns.
///
/// # Cancellation
///
/// [`close`](TcpListener::close) from another goroutine, a deadline, or the shutdown of the runtime
/// ends a wait.
pub struct TcpListener {
    fd: Fd<std::net::TcpListener>,
}

impl TcpListener {
    fn new(io: std::net::TcpListener) -> TcpListener {
        TcpListener { fd: Fd::new(io) }
    }

    /// Listens on the first of the addresses that can be bound, with the options of
    /// [`TcpListener::builder`] as they are.
    ///
    /// # Errors
    ///
    /// The error for the last address tried. Its message names that address and lists the errors of the earlier ones. It has the
    /// kind of the system's error, which is its [source](std::error::Error::source).
    ///
    /// # Blocking
    ///
    /// G, while a name is resolved.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        TcpListener::builder().bind(addr)
    }

    /// A listener with other options than `std`'s.
    pub fn builder() -> TcpListenerBuilder {
        TcpListenerBuilder { backlog: BACKLOG, reuse_address: true, reuse_port: false, only_v6: None }
    }

    /// The address that it listens on; after binding to port 0, with the port that it got.
    ///
    /// # Errors
    ///
    /// As `std`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.fd.io().local_addr()
    }

    /// Another handle to the same listener. It costs no descriptor.
    ///
    /// # Errors
    ///
    /// None; the signature is `std`'s.
    pub fn try_clone(&self) -> io::Result<TcpListener> {
        Ok(TcpListener { fd: self.fd.share() })
    }

    /// Accepts a connection, waiting for one if there is none.
    ///
    /// When descriptors or the kernel's memory have run out, it reports that on standard error
    /// (once a minute at most), waits a little (5 ms, doubling to a second), and tries again: the
    /// connection stays in the queue meanwhile, and a server lives on. A connection that was
    /// aborted before it could be accepted is passed over.
    ///
    /// The goroutine that is spawned next from the same thread is taken to serve the connection:
    /// goroutines that serve connections are spread evenly over the Ms.
    ///
    /// # Errors
    ///
    /// As `std`, but not for a shortage; after [`close`](TcpListener::close),
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    ///
    /// # Blocking
    ///
    /// G.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let mut shortage = Backoff::new();
        loop {
            match self.fd.run(Reading, |io| io.accept(), |_| false) {
                Ok((io, addr)) => match io.set_nonblocking(true) {
                    Ok(()) => {
                        sched::current::note_accept();
                        return Ok((TcpStream::new(Fd::new(io)), addr));
                    }
                    Err(e) => return Err(e),
                },
                Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(e) if self.fd.is_nonblocking() => return Err(explain(e)),
                Err(e) => match passing_shortage(&e) {
                    Some(_) => shortage.pause(self, e),
                    None => return Err(e),
                },
            }
        }
    }

    /// An iterator over the connections: each item is what [`accept`](TcpListener::accept) returns, without the
    /// address. When the listener has been [closed](TcpListener::close), or the runtime is being shut down, the iterator yields one
    /// error and ends. It does the same when the caller's context has ended, unless `next` is then called under a context that has
    /// not ended.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self, last: Last::Goes }
    }

    /// As [`incoming`](TcpListener::incoming), with the listener inside.
    pub fn into_incoming(self) -> IntoIncoming {
        IntoIncoming { listener: self, last: Last::Goes }
    }

    /// What an iterator over connections yields: one error when it is all over, and then nothing.
    fn next_incoming(&self, last: &mut Last) -> Option<io::Result<TcpStream>> {
        if *last == Last::Cancelled && context::ended().is_err() {
            // A loop that goes on at errors would never end, and never wait.
            *last = Last::Ended;
        }
        if *last == Last::Ended {
            return None;
        }
        let result = self.accept().map(|(stream, _)| stream);
        *last = match &result {
            Err(_) if self.fd.has_ended() => Last::Ended,
            Err(e) if context::Error::of(e).is_some() => Last::Cancelled,
            _ => Last::Goes,
        };
        Some(result)
    }

    /// Closes the listener for every handle: an `accept` that is waiting, and every later operation, fails with
    /// [`NotConnected`](io::ErrorKind::NotConnected). Only the address can still be read, and further handles be made. The
    /// descriptor itself is closed when the last handle is dropped.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if it was closed before.
    pub fn close(&self) -> io::Result<()> {
        self.fd.close()?;
        // On Linux this ends the listening; elsewhere it may say that there is no connection, and
        // the listening ends with the descriptor.
        match SockRef::from(self.fd.io()).shutdown(std::net::Shutdown::Both) {
            Err(e) if e.kind() != io::ErrorKind::NotConnected => Err(e),
            _ => Ok(()),
        }
    }

    /// Sets the point in time after which `accept` fails with
    /// [`TimedOut`](io::ErrorKind::TimedOut), also one that waits already; `None` takes it away.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) after [`close`](TcpListener::close).
    pub fn set_deadline(&self, deadline: Option<Instant>) -> io::Result<()> {
        self.fd.set_deadline(Reading, deadline)
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

    /// Sets whether the socket is for IPv6 only. This fails, because the option must be set before the socket is bound: use
    /// [`TcpListenerBuilder::only_v6`].
    ///
    /// # Errors
    ///
    /// As `std`.
    #[deprecated(since = "0.1.0", note = "`std` has deprecated it: use `TcpListener::builder().only_v6(…)`")]
    pub fn set_only_v6(&self, only_v6: bool) -> io::Result<()> {
        SockRef::from(self.fd.io()).set_only_v6(only_v6)
    }

    /// Whether the socket is for IPv6 only.
    ///
    /// # Errors
    ///
    /// As `std`.
    #[deprecated(since = "0.1.0", note = "`std` has deprecated it: use `socket2::SockRef::from(&listener).only_v6()`")]
    pub fn only_v6(&self) -> io::Result<bool> {
        SockRef::from(self.fd.open_io()?).only_v6()
    }

    /// Takes the socket's pending error (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// As `std`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.fd.open_io()?.take_error()
    }

    /// Sets whether `accept` fails with [`WouldBlock`](io::ErrorKind::WouldBlock) instead of
    /// waiting.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) after [`close`](TcpListener::close).
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.fd.set_nonblocking(nonblocking)
    }
}

/// The pauses of an `accept` that met a shortage.
struct Backoff {
    pause: Duration,
}

impl Backoff {
    fn new() -> Backoff {
        Backoff { pause: PAUSE }
    }

    fn pause(&mut self, listener: &TcpListener, e: io::Error) {
        let at = listener.local_addr().map_or_else(|_| "a listener".into(), |a| a.to_string());
        // A shortage that lasts, or comes and goes with every connection, must not flood the log.
        SHORTAGES.report(format_args!("accept on {at}: {}; trying again", explain(e)));
        timer::sleep_until(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Options of a listener that `std` does not let one choose. Made by [`TcpListener::builder`].
///
/// # Examples
///
/// ```
/// use marmot_runtime::net::TcpListener;
///
/// let listener = TcpListener::builder().backlog(64).reuse_port(true).bind("127.0.0.1:0")?;
/// assert_ne!(listener.local_addr()?.port(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TcpListenerBuilder {
    backlog: i32,
    reuse_address: bool,
    reuse_port: bool,
    only_v6: Option<bool>,
}

impl TcpListenerBuilder {
    /// How many connections may wait to be accepted. The default is 4096; the kernel caps it
    /// (`net.core.somaxconn`).
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = i32::try_from(connections).unwrap_or(i32::MAX);
        self
    }

    /// Whether the address may be bound although connections of a former listener linger
    /// (`SO_REUSEADDR`). The default is true, as in `std` on Unix.
    pub fn reuse_address(mut self, reuse: bool) -> Self {
        self.reuse_address = reuse;
        self
    }

    /// Whether several listeners may share the address, the kernel spreading the connections
    /// (`SO_REUSEPORT`). The default is false.
    pub fn reuse_port(mut self, reuse: bool) -> Self {
        self.reuse_port = reuse;
        self
    }

    /// Whether an IPv6 listener takes IPv6 only (`IPV6_V6ONLY`). The default is the system's.
    pub fn only_v6(mut self, only: bool) -> Self {
        self.only_v6 = Some(only);
        self
    }

    /// Listens on the first of the addresses that can be bound.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::bind`].
    ///
    /// # Blocking
    ///
    /// G, while a name is resolved.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(&self, addr: A) -> io::Result<TcpListener> {
        let mut errors = Vec::new();
        for addr in addr.to_socket_addrs()? {
            match self.bind_one(addr) {
                Ok(listener) => return Ok(listener),
                Err(e) => errors.push(failed(Operation::Bind(addr), e)),
            }
        }
        Err(last_of(errors))
    }

    fn bind_one(&self, addr: SocketAddr) -> io::Result<TcpListener> {
        let domain = Domain::for_address(addr);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(self.reuse_address)?;
        if self.reuse_port {
            socket.set_reuse_port(true)?;
        }
        if let (Some(only), true) = (self.only_v6, addr.is_ipv6()) {
            socket.set_only_v6(only)?;
        }
        socket.bind(&addr.into())?;
        socket.listen(self.backlog)?;
        socket.set_nonblocking(true)?;
        Ok(TcpListener::new(socket.into()))
    }
}

/// What an iterator over connections has yielded last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// A connection, or an error that concerns only one.
    Goes,
    /// The error of a context that has ended.
    Cancelled,
    /// The last there is.
    Ended,
}

/// The connections of a listener; see [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
    last: Last,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        self.listener.next_incoming(&mut self.last)
    }
}

impl FusedIterator for Incoming<'_> {}

/// The connections of a listener that the iterator owns; see [`TcpListener::into_incoming`].
#[derive(Debug)]
pub struct IntoIncoming {
    listener: TcpListener,
    last: Last,
}

impl Iterator for IntoIncoming {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        self.listener.next_incoming(&mut self.last)
    }
}

impl FusedIterator for IntoIncoming {}

conversions!(TcpListener, std::net::TcpListener);
