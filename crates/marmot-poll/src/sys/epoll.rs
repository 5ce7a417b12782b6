//! The back end over Linux's `epoll`.
//!
//! Each law has its call: `EPOLLET` reports edges; adding and modifying look at the descriptor at once, which makes
//! the first report; the kernel's list of ready descriptors is first-in first-out, so a small buffer starves nobody.
//! An `eventfd` in the same set is the bell of [`Wakeup`]. It is edge-triggered too, and so needs no reading: each
//! write is an edge of its own (its counter would be full after 2⁶⁴ writes).
//!
//! A poll is one system call, allocates nothing and takes no lock. Its events stay as the kernel wrote them until the
//! caller's iterator comes by.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;

use crate::error::explain;
use crate::wakeup::Wakeup;
use crate::{Buffer, Contract, Event, Key};

/// What is watched of every descriptor. Errors and full hang-ups are reported unasked.
const INTEREST: EventFlags =
    EventFlags::IN.union(EventFlags::OUT).union(EventFlags::RDHUP).union(EventFlags::PRI).union(EventFlags::ET);

/// Errors and full hang-ups, which concern both directions.
const BROKEN: EventFlags = EventFlags::ERR.union(EventFlags::HUP);

const READABLE: EventFlags = EventFlags::IN.union(EventFlags::RDHUP).union(BROKEN);
const WRITABLE: EventFlags = EventFlags::OUT.union(BROKEN);
/// After these a short read tells nothing: the end, an error, or urgent data stands behind it.
const HANGUP: EventFlags = EventFlags::RDHUP.union(EventFlags::PRI).union(BROKEN);

/// An `epoll` instance and its bell.
pub struct Epoll {
    epoll: OwnedFd,
    bell: OwnedFd,
    wakeup: Wakeup,
    /// The kernel has `epoll_pwait2`, whose timeouts are in nanoseconds.
    precise: bool,
}

impl Contract for Epoll {
    type Source<'a> = BorrowedFd<'a>;
    type Number = RawFd;
    type Events = Events;

    fn init() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(init_error)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(init_error)?;
        let data = EventData::new_u64(Key::RESERVED);
        epoll::add(&epoll, &bell, data, EventFlags::IN | EventFlags::ET).map_err(open_error)?;
        let precise = has_precise_wait(&epoll);
        Ok(Epoll { epoll, bell, wakeup: Wakeup::new(), precise })
    }

    fn open(&self, source: BorrowedFd<'_>, key: Key) -> io::Result<()> {
        let data = EventData::new_u64(key.get());
        let opened = match epoll::add(&self.epoll, source, data, INTEREST) {
            Err(Errno::EXIST) => epoll::modify(&self.epoll, source, data, INTEREST),
            added => added,
        };
        opened.map_err(open_error)
    }

    fn close(&self, source: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, source)?)
    }

    #[inline]
    fn poll(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        let raw = &mut events.raw;
        raw.clear();
        let waited = if self.precise { self.wait(raw, timeout) } else { self.wait_coarsely(raw, timeout) };
        match waited {
            Ok(()) => {}
            // The signal's handler may have made news for the caller, who is to look before it waits again.
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(0),
            Err(e) => return Err(e),
        }
        if self.wakeup.is_raised() {
            self.listen(raw);
        }
        Ok(raw.len())
    }

    fn wake(&self) -> io::Result<()> {
        if !self.wakeup.raise() {
            return Ok(());
        }
        match rustix::io::write(&self.bell, &1u64.to_ne_bytes()) {
            Ok(_) => Ok(()),
            Err(e) => {
                // Nobody will hear this bell, so the next call must ring again.
                self.wakeup.lower();
                Err(e.into())
            }
        }
    }

    fn is_poll_descriptor(&self, number: RawFd) -> bool {
        number == self.epoll.as_raw_fd() || number == self.bell.as_raw_fd()
    }
}

impl Epoll {
    /// Waits with `epoll_pwait2`.
    fn wait(&self, raw: &mut Vec<epoll::Event>, timeout: Option<Duration>) -> io::Result<()> {
        // What does not fit is over 290 billion years.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        epoll::wait(&self.epoll, spare_capacity(raw), timeout.as_ref())?;
        Ok(())
    }

    /// Waits with `epoll_wait`, whose timeouts are in milliseconds.
    #[cold]
    fn wait_coarsely(&self, raw: &mut Vec<epoll::Event>, timeout: Option<Duration>) -> io::Result<()> {
        const {
            assert!(size_of::<epoll::Event>() == size_of::<libc::epoll_event>());
            assert!(align_of::<epoll::Event>() >= align_of::<libc::epoll_event>());
        }
        let timeout = timeout.map_or(-1, whole_millis);
        let room = raw.spare_capacity_mut();
        let capacity = c_int::try_from(room.len()).unwrap_or(c_int::MAX);
        // SAFETY: there is room for `capacity` events at the pointer, and both types are the kernel's `epoll_event`.
        let count = unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), room.as_mut_ptr().cast(), capacity, timeout) };
        // Only -1, which means an error, is no count.
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        // SAFETY: the buffer was empty, and the kernel has written its first `count` events, which are plain bits.
        unsafe { raw.set_len(count) };
        Ok(())
    }

    /// Takes the bell out of what has come, if it is there.
    #[cold]
    fn listen(&self, raw: &mut Vec<epoll::Event>) {
        if let Some(i) = raw.iter().position(|event| { event.data }.u64() == Key::RESERVED) {
            raw.swap_remove(i);
            self.wakeup.lower();
        }
    }
}

/// Events as the kernel wrote them.
pub struct Events {
    raw: Vec<epoll::Event>,
}

// SAFETY: the pointer that an event can hold is never one: `Epoll` stores numbers only.
unsafe impl Send for Events {}
// SAFETY: as above, and nothing changes behind a shared reference.
unsafe impl Sync for Events {}

impl Buffer for Events {
    fn with_capacity(capacity: usize) -> Self {
        assert!(capacity > 0, "a poll needs room for one event at least");
        Events { raw: Vec::with_capacity(capacity) }
    }

    fn capacity(&self) -> usize {
        self.raw.capacity()
    }

    #[inline]
    fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.raw.iter().map(decode)
    }
}

#[inline]
fn decode(raw: &epoll::Event) -> Event {
    // Copied out, because the structure is packed on some machines.
    let (flags, data) = (raw.flags, raw.data);
    Event {
        key: Key::returned(data.u64()),
        readable: flags.intersects(READABLE),
        writable: flags.intersects(WRITABLE),
        hangup: flags.intersects(HANGUP),
    }
}

/// Whether the kernel has `epoll_pwait2`, which is new in Linux 5.11.
///
/// Filters of system calls that are older than it refuse it with `EPERM` (opencontainers/runc#2151).
fn has_precise_wait(epoll: &OwnedFd) -> bool {
    let mut none = Vec::with_capacity(1);
    let tried = epoll::wait(epoll, spare_capacity(&mut none), Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    !matches!(tried, Err(Errno::NOSYS | Errno::PERM))
}

/// `timeout` in milliseconds, rounded up. One of over 24 days becomes 24 days, after which the caller looks at its
/// clock.
fn whole_millis(timeout: Duration) -> c_int {
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    c_int::try_from(millis).unwrap_or(c_int::MAX)
}

fn init_error(e: Errno) -> io::Error {
    let advice = match e {
        Errno::MFILE => "the process has too many open descriptors: raise their limit (`ulimit -n`)",
        Errno::NFILE => "the system has too many open files: raise the sysctl `fs.file-max`",
        Errno::NOMEM => "the kernel is out of memory",
        _ => return e.into(),
    };
    explain(e.into(), "cannot make a poller", advice)
}

fn open_error(e: Errno) -> io::Error {
    let advice = match e {
        Errno::NOSPC => "the user polls too many descriptors: raise the sysctl `fs.epoll.max_user_watches`",
        Errno::PERM => "regular files and directories cannot be waited for: use them on a thread that may block",
        Errno::NOMEM => "the kernel is out of memory",
        _ => return e.into(),
    };
    explain(e.into(), "cannot poll a descriptor", advice)
}

#[cfg(test)]
mod tests;
