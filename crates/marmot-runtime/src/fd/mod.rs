//! Descriptors: a `std` type made to park goroutines instead of blocking threads.
//!
//! An [`Fd`] holds a non-blocking `std` object (a stream, a listener) and runs its operations in
//! the readiness way: try; if it would block, wait until an event says that a try may succeed; try
//! again. It knows nothing of goroutines but that waiting parks them.
//!
//! **The short-read hint.** A read that returned less than it asked for has drained the socket, so the next one
//! waits without trying: one request and its answer cost one read and one write. This holds because
//! the descriptor is edge-triggered and the slot is cleared before each try, so whatever arrives
//! after a short read leaves `READY` behind. A hang-up that came together with the data would leave
//! no further event: once one was reported, the hint is not used any more.
//!
//! **Fairness.** Nobody interrupts a goroutine whose operations never have to wait, so each that
//! succeeds spends a little of its turn (`sched::spend`), and when that is used up, it yields.

mod turn;
mod waiting;

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::netpoll::{Direction, NEVER, PollDesc};
use crate::sched::{self, GRef, clock};
use turn::Turn;

/// One direction of a descriptor.
struct Side {
    turn: Turn,
    /// The last try found the descriptor drained. Written by the holder of the turn.
    drained: AtomicBool,
    /// The timeout of one operation in nanoseconds; zero is none.
    timeout: AtomicU64,
}

impl Side {
    fn new() -> Self {
        Side { turn: Turn::new(), drained: AtomicBool::new(false), timeout: AtomicU64::new(0) }
    }

    fn timeout(&self) -> Option<Duration> {
        match self.timeout.load(Relaxed) {
            0 => None,
            ns => Some(Duration::from_nanos(ns)),
        }
    }
}

/// A turn that is given up when it goes out of scope.
struct Held<'a>(&'a Turn);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.give();
    }
}

/// A non-blocking `std` object whose operations park goroutines.
pub(crate) struct Fd<S: AsFd> {
    io: ManuallyDrop<S>,
    desc: &'static PollDesc,
    read: Side,
    write: Side,
    /// The user asked for `WouldBlock` instead of waiting.
    nonblocking: AtomicBool,
}

impl<S: AsFd> Fd<S> {
    /// Takes over `io`, which the caller has made non-blocking.
    pub(crate) fn new(io: S) -> Self {
        Fd {
            io: ManuallyDrop::new(io),
            desc: PollDesc::take(),
            read: Side::new(),
            write: Side::new(),
            nonblocking: AtomicBool::new(false),
        }
    }

    /// The object itself, for what does not block.
    pub(crate) fn io(&self) -> &S {
        &self.io
    }

    /// Gives the object back, withdrawn from its poller and non-blocking still.
    pub(crate) fn into_io(self) -> S {
        let mut this = ManuallyDrop::new(self);
        this.desc.put(Some(this.io.as_fd()));
        // SAFETY: `this` is not dropped, so the object is taken once.
        unsafe { ManuallyDrop::take(&mut this.io) }
    }

    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// Takes the direction's turn; `None` if it is taken and the descriptor was set not to wait.
    fn take_turn(&self, direction: Direction) -> Option<Held<'_>> {
        let turn = &self.side(direction).turn;
        if !self.is_nonblocking() {
            turn.take();
        } else if !turn.try_take() {
            return None;
        }
        Some(Held(turn))
    }

    /// Runs `op` until it does not say `WouldBlock`, waiting in between. `short` tells whether its
    /// result means that there is nothing more for now.
    #[inline]
    pub(crate) fn run<T>(
        &self,
        direction: Direction,
        mut op: impl FnMut(&S) -> io::Result<T>,
        short: impl FnOnce(&T) -> bool,
    ) -> io::Result<T> {
        let result = self.run_in_turn(direction, &mut op, short);
        // Failures count, too: a loop over them is as endless as one over successes.
        sched::spend();
        result
    }

    #[inline]
    fn run_in_turn<T>(
        &self,
        direction: Direction,
        op: &mut impl FnMut(&S) -> io::Result<T>,
        short: impl FnOnce(&T) -> bool,
    ) -> io::Result<T> {
        let Some(_turn) = self.take_turn(direction) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        // After the wait for the turn, in which the descriptor may have been closed.
        self.desc.check(direction)?;
        let side = self.side(direction);
        loop {
            if self.must_try(direction) {
                self.begin(direction);
                match op(&self.io) {
                    Ok(value) => {
                        side.drained.store(short(&value), Relaxed);
                        return Ok(value);
                    }
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                        side.drained.store(true, Relaxed);
                        if self.is_nonblocking() {
                            return Err(e);
                        }
                    }
                    Err(e) => return Err(self.check_open().err().unwrap_or(e)),
                }
            }
            self.desc.wait(direction, &*self.io, side.timeout())?;
            side.drained.store(false, Relaxed);
        }
    }

    /// To be called before each try. What was known of the descriptor goes together with the event
    /// that calls for the try: whatever the try comes to, an error too, the next one must not wait
    /// for that event.
    #[inline]
    fn begin(&self, direction: Direction) {
        self.side(direction).drained.store(false, Relaxed);
        self.desc.begin(direction);
    }

    fn must_try(&self, direction: Direction) -> bool {
        !self.side(direction).drained.load(Relaxed) || !self.desc.is_still_drained(direction) || self.is_nonblocking()
    }

    /// Waits until a read would find something: bytes, the end, or an error. `peek` looks without
    /// taking.
    pub(crate) fn wait_readable(&self, peek: impl FnMut(&S) -> io::Result<()>) -> io::Result<()> {
        let Some(_turn) = self.take_turn(Direction::Read) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        self.desc.check(Direction::Read)?;
        if self.is_readable(peek)? {
            return self.check_open();
        }
        if self.is_nonblocking() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.desc.wait(Direction::Read, &*self.io, self.read.timeout())?;
        self.read.drained.store(false, Relaxed);
        self.check_open()
    }

    /// Whether there is something to read. A descriptor that no poller knows yet is not asked:
    /// registering it tells.
    fn is_readable(&self, mut peek: impl FnMut(&S) -> io::Result<()>) -> io::Result<bool> {
        if !self.is_nonblocking() && !self.desc.is_registered() {
            return Ok(false);
        }
        while self.must_try(Direction::Read) {
            self.begin(Direction::Read);
            match peek(&self.io) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.read.drained.store(true, Relaxed);
                    return Ok(false);
                }
                // An error is something to read, too.
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Takes the turn to read, for a goroutine that is to wait without having started.
    pub(crate) fn begin_unstarted_wait(self: &Arc<Self>) -> UnstartedWait<S> {
        self.read.turn.take();
        self.desc.forget_wait();
        UnstartedWait(Arc::clone(self))
    }

    /// Lets the unstarted goroutine `gp`, which has the [`UnstartedWait`], wait until there is
    /// something to read.
    ///
    /// # Errors
    ///
    /// When the descriptor cannot be registered; `gp` is the caller's still.
    pub(crate) fn wait_unstarted(&self, gp: &GRef, peek: impl FnMut(&S) -> io::Result<()>) -> io::Result<()> {
        let begun = self.desc.check(Direction::Read).and_then(|()| self.is_readable(peek));
        match begun {
            Ok(false) => self.desc.wait_unstarted(gp, &*self.io, self.read.timeout()),
            // It finds what there is, or the same error, when it reads.
            Ok(true) | Err(_) => {
                sched::ready(gp.as_ptr());
                Ok(())
            }
        }
    }

    /// Whether no operation can succeed any more: it was closed, or the caller's runtime is being
    /// shut down.
    pub(crate) fn has_ended(&self) -> bool {
        self.desc.has_ended()
    }

    /// Makes every wait and every later operation fail. The descriptor itself is closed when the
    /// last handle goes.
    pub(crate) fn close(&self) {
        self.desc.close();
    }

    /// Fails if the descriptor was closed meanwhile: the end or the error that an operation came to
    /// is a consequence then.
    pub(crate) fn check_open(&self) -> io::Result<()> {
        self.desc.check_open()
    }

    pub(crate) fn set_deadline(&self, direction: Direction, deadline: Option<Instant>) {
        self.desc.set_deadline(direction, deadline.map_or(NEVER, clock::at));
    }

    /// The timeout of each operation, as `std` has it.
    pub(crate) fn set_timeout(&self, direction: Direction, timeout: Option<Duration>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) {
            let text = "a timeout of zero would never let anything happen; use None for no timeout";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let ns = timeout.map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX));
        self.side(direction).timeout.store(ns, Relaxed);
        Ok(())
    }

    pub(crate) fn timeout(&self, direction: Direction) -> Option<Duration> {
        self.side(direction).timeout()
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) {
        self.nonblocking.store(nonblocking, Relaxed);
    }

    pub(crate) fn is_nonblocking(&self) -> bool {
        self.nonblocking.load(Relaxed)
    }

    /// Waits for a connection attempt to end. `until` bounds it.
    pub(crate) fn wait_writable(&self, timeout: Option<Duration>) -> io::Result<()> {
        let _turn = self.take_turn(Direction::Write);
        self.desc.wait(Direction::Write, &*self.io, timeout)
    }
}

/// The turn to read, held by a goroutine that waits unstarted. It is given up when the goroutine
/// starts, and also when that never happens and its closure is dropped.
pub(crate) struct UnstartedWait<S: AsFd>(Arc<Fd<S>>);

impl<S: AsFd> UnstartedWait<S> {
    /// The first thing that the goroutine does.
    pub(crate) fn end(self) {
        if self.0.desc.has_expired() {
            self.0.desc.expire();
        }
    }
}

impl<S: AsFd> Drop for UnstartedWait<S> {
    fn drop(&mut self) {
        let side = &self.0.read;
        side.drained.store(false, Relaxed);
        side.turn.give();
    }
}

impl<S: AsFd> Drop for Fd<S> {
    fn drop(&mut self) {
        // The desc goes first: once the descriptor is closed, its number may be another's.
        self.desc.put(None);
        // SAFETY: the object is dropped once, here.
        unsafe { ManuallyDrop::drop(&mut self.io) }
    }
}
