//! The back end of this platform, with the methods inherent.

use std::time::Duration;
use std::{fmt, io};

use crate::{Backend, Buffer, Contract, Event, Key};

/// A descriptor, lent for the time of a call: a `BorrowedFd` on Unix.
pub type Source<'a> = <Backend as Contract>::Source<'a>;

/// The number by which the system knows a descriptor: a `RawFd` on Unix.
pub type Number = <Backend as Contract>::Number;

/// Tells which descriptors have become ready.
///
/// [`Contract`] has the laws; here are the calls.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use std::os::fd::AsFd;
/// use std::os::unix::net::UnixStream;
///
/// use marmot_poll::{Events, Key, Poller};
///
/// let poller = Poller::init()?;
/// let mut events = Events::with_capacity(64);
///
/// let (here, mut there) = UnixStream::pair()?;
/// poller.open(here.as_fd(), Key::new(7))?;
/// there.write_all(b"hello")?;
///
/// poller.poll(&mut events, None)?;
/// assert!(events.iter().any(|event| event.key == Key::new(7) && event.readable));
/// # std::io::Result::Ok(())
/// ```
pub struct Poller(Backend);

impl Poller {
    /// Makes a poller.
    ///
    /// # Errors
    ///
    /// As [`Contract::init`].
    pub fn init() -> io::Result<Poller> {
        Backend::init().map(Poller)
    }

    /// Reports changes of `source` from now on, for both directions, edge-triggered, under `key`.
    ///
    /// # Errors
    ///
    /// As [`Contract::open`].
    #[inline]
    pub fn open(&self, source: Source<'_>, key: Key) -> io::Result<()> {
        self.0.open(source, key)
    }

    /// Ends what [`open`](Poller::open) began, for a descriptor that lives on.
    ///
    /// # Errors
    ///
    /// As [`Contract::close`].
    #[inline]
    pub fn close(&self, source: Source<'_>) -> io::Result<()> {
        self.0.close(source)
    }

    /// Waits until something is to be reported, puts it into `events`, and returns how many there are.
    ///
    /// # Errors
    ///
    /// As [`Contract::poll`].
    ///
    /// # Blocking
    ///
    /// The calling thread, for `timeout` at most; for ever if that is `None`.
    #[inline]
    pub fn poll(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        self.0.poll(&mut events.0, timeout)
    }

    /// Makes the poll in progress return, or else the next one.
    ///
    /// # Errors
    ///
    /// As [`Contract::wake`].
    #[inline]
    pub fn wake(&self) -> io::Result<()> {
        self.0.wake()
    }

    /// Whether `number` is one of the poller's own descriptors.
    #[must_use]
    pub fn is_poll_descriptor(&self, number: Number) -> bool {
        self.0.is_poll_descriptor(number)
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").finish_non_exhaustive()
    }
}

/// Where [`Poller::poll`] puts its events, to be used again and again.
pub struct Events(<Backend as Contract>::Events);

impl Events {
    /// An empty buffer for `capacity` events a poll. Nothing is allocated later.
    ///
    /// # Panics
    ///
    /// If `capacity` is zero.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Events {
        Events(Buffer::with_capacity(capacity))
    }

    /// How many events one poll can report at most; not less than was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// The events of the last poll. They are decoded as they are asked for.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.0.iter()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
