//! Descriptors: a `std` type made to park goroutines instead of blocking threads.
//!
//! An [`Fd`] holds a non-blocking `std` object (a stream, a listener) and runs its operations in
//! the readiness way: try; if it would block, wait until an event says that a try may succeed; try
//! again. It knows nothing of goroutines but that waiting parks them.
//!
//! **The short-read hint.** A read that returned less than it asked for has drained the socket, so the next one
//! waits without trying: one request and its answer cost one read and one write. This holds because
//! the descriptor is edge-triggered and the slot is cleared before each read, so whatever arrives
//! after a short read leaves `READY` behind. A hang-up that came together with the data would leave
//! no further event: once one was reported, the hint is not used any more.
//!
//! **Whole writes.** A write holds the direction's turn until all of its bytes have gone ([`Fd::write`]), so that concurrent
//! writes do not tear each other. What consists of several operations and is to stay together holds it by [`Fd::hold`].
//!
//! **Fairness.** Nobody interrupts a goroutine whose operations never have to wait, so each that
//! succeeds spends a little of its turn (`sched::spend`), and when that is used up, it yields.

mod blocking_turn;
pub(crate) mod spare;

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use marmot_io::Partial;

use crate::netpoll::turn::Turn;
use crate::netpoll::{Addrs, Direction, NEVER, PollDesc, error};
use crate::sched::{self, Bequest, GRef, budget, clock, with_will, within};

/// A turn that is given up when it goes out of scope.
struct Held<'a>(&'a Turn);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.give();
    }
}

/// A direction's turn, held over several operations: nothing else is done in that direction between them.
pub(crate) struct InTurn<'a, S: AsFd> {
    fd: &'a Fd<S>,
    direction: Direction,
    _turn: Held<'a>,
}

impl<S: AsFd> InTurn<'_, S> {
    /// As [`Fd::run`]. Between two of them the caller [spends](InTurn::spend), and after the last, when the turn is given up.
    #[inline]
    pub(crate) fn run<T>(&self, mut op: impl FnMut(&S) -> io::Result<T>, short: impl Fn(&T) -> bool) -> io::Result<T> {
        self.fd.run_held(self.direction, &mut op, short)
    }

    /// As [`Fd::try_once`].
    pub(crate) fn try_once<T>(&self, op: impl FnOnce(&S) -> io::Result<T>) -> io::Result<T> {
        self.fd.desc.check(self.direction)?;
        op(&self.fd.io)
    }

    /// Writes `count` bytes by `op`, which is told how many have gone, and says how many went.
    ///
    /// # Errors
    ///
    /// The operation's, with how many had gone before.
    #[inline]
    pub(crate) fn write(
        &self,
        count: usize,
        mut op: impl FnMut(&S, usize) -> io::Result<usize>,
    ) -> Result<usize, Partial> {
        // The short way: there is room for all.
        match self.run(|io| op(io, 0), |_| false) {
            Ok(gone) if gone < count && gone > 0 => self.write_rest(count, gone, op),
            result => result.map_err(|error| Partial { moved: 0, error }),
        }
    }

    #[cold]
    #[inline(never)]
    fn write_rest(
        &self,
        count: usize,
        mut gone: usize,
        mut op: impl FnMut(&S, usize) -> io::Result<usize>,
    ) -> Result<usize, Partial> {
        while gone < count {
            self.spend();
            match self.run(|io| op(io, gone), |_| false) {
                Ok(0) => break,
                Ok(more) => gone += more,
                Err(error) => return Err(Partial { moved: gone as u64, error }),
            }
        }
        Ok(gone)
    }

    /// Runs `f` on a spare thread, for an operation of this direction that blocks. Should the caller not go on, the turn is given up
    /// when `f` has returned.
    pub(crate) fn blocking<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        blocking_turn::run(self.fd.desc.turn(self.direction), f)
    }

    /// See `sched::spend`. Should the caller not go on after others have had their turns, the turn here is given up.
    pub(crate) fn spend(&self) {
        with_will(sched::waiter(), self, sched::spend);
    }
}

impl<S: AsFd> Bequest for InTurn<'_, S> {
    fn pass_on(&self) {
        self.fd.desc.turn(self.direction).give();
    }
}

/// A handle to a non-blocking `std` object whose operations park goroutines.
///
/// Handles are counted in the desc, which holds all that they share; the last one closes the descriptor. So a connection
/// needs no allocation of its own.
pub(crate) struct Fd<S: AsFd> {
    /// Every handle has the same object, and the last one drops it.
    io: ManuallyDrop<S>,
    desc: &'static PollDesc,
}

impl<S: AsFd> Fd<S> {
    /// Takes over `io`, which the caller has made non-blocking.
    pub(crate) fn new(io: S) -> Self {
        Fd { io: ManuallyDrop::new(io), desc: PollDesc::take() }
    }

    /// The object itself, for what does not block.
    #[inline]
    pub(crate) fn io(&self) -> &S {
        &self.io
    }

    /// Gives the object back, withdrawn from its poller and non-blocking still.
    ///
    /// # Errors
    ///
    /// The handle, if there are others.
    pub(crate) fn into_io(self) -> Result<S, Self> {
        if !self.desc.is_sole() {
            return Err(self);
        }
        let mut this = ManuallyDrop::new(self);
        this.desc.put(Some(this.io.as_fd()));
        // SAFETY: `this` is not dropped and was the only handle, so the object is taken once.
        Ok(unsafe { ManuallyDrop::take(&mut this.io) })
    }

    /// Takes the direction's turn.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if it is taken and the descriptor was set not to wait; and when the wait for it ends as a wait for
    /// readiness would.
    #[inline]
    fn take_turn(&self, direction: Direction) -> io::Result<Held<'_>> {
        let turn = self.desc.turn(direction);
        if !turn.try_take() {
            if self.is_nonblocking() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.desc.wait_turn(direction, self.timeout(direction))?;
        }
        Ok(Held(turn))
    }

    /// Runs `op` until it does not say `WouldBlock`, waiting in between. `short` tells whether its
    /// result means that there is nothing more for now.
    #[inline]
    pub(crate) fn run<T>(
        &self,
        direction: Direction,
        mut op: impl FnMut(&S) -> io::Result<T>,
        short: impl Fn(&T) -> bool,
    ) -> io::Result<T> {
        let result = self.run_in_turn(direction, &mut op, short);
        // Failures count, too: a loop over them is as endless as one over successes.
        budget::charge(budget::OPERATION);
        result
    }

    #[inline]
    fn run_in_turn<T>(
        &self,
        direction: Direction,
        op: &mut impl FnMut(&S) -> io::Result<T>,
        short: impl Fn(&T) -> bool,
    ) -> io::Result<T> {
        let _turn = self.take_turn(direction)?;
        self.run_held(direction, op, short)
    }

    /// As `run_in_turn`, for who has the turn.
    #[inline]
    fn run_held<T>(
        &self,
        direction: Direction,
        op: &mut impl FnMut(&S) -> io::Result<T>,
        short: impl Fn(&T) -> bool,
    ) -> io::Result<T> {
        // After the wait for the turn, in which the descriptor may have been closed.
        self.desc.check(direction)?;
        // The short way, for what nearly always is: the try succeeds.
        if !self.desc.was_drained(direction) {
            self.begin(direction);
            match op(&self.io) {
                Ok(value) => {
                    self.desc.set_drained(direction, short(&value));
                    Ok(value)
                }
                Err(e) => self.run_to_the_end(direction, op, short, Some(e)),
            }
        } else {
            self.run_to_the_end(direction, op, short, None)
        }
    }

    /// Takes the direction's turn for several operations.
    ///
    /// # Errors
    ///
    /// As [`run`](Fd::run), if it is waited for in vain.
    #[inline]
    pub(crate) fn hold(&self, direction: Direction) -> io::Result<InTurn<'_, S>> {
        Ok(InTurn { fd: self, direction, _turn: self.take_turn(direction)? })
    }

    /// Writes `count` bytes by `op`, which is told how many have gone, and says how many went: all of them, unless it fails.
    /// Nothing else is written in between.
    ///
    /// # Errors
    ///
    /// The operation's, with how many had gone before.
    #[inline]
    pub(crate) fn write(&self, count: usize, op: impl FnMut(&S, usize) -> io::Result<usize>) -> Result<usize, Partial> {
        let result = match self.hold(Direction::Write) {
            Ok(turn) => turn.write(count, op),
            Err(error) => Err(Partial { moved: 0, error }),
        };
        sched::spend();
        result
    }

    /// Runs `op` once, which fails with `WouldBlock` where it would wait; as this does where it would wait for the turn.
    pub(crate) fn try_once<T>(&self, direction: Direction, op: impl FnOnce(&S) -> io::Result<T>) -> io::Result<T> {
        let turn = self.desc.turn(direction);
        if !turn.try_take() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        InTurn { fd: self, direction, _turn: Held(turn) }.try_once(op)
    }

    /// As [`run`](Fd::run), but says `None` where that would wait, whether or not the descriptor was set not to. What makes a
    /// wait fail at once is an error here, too, so whoever waits next does so for an event.
    pub(crate) fn try_run<T>(
        &self,
        direction: Direction,
        op: impl FnMut(&S) -> io::Result<T>,
        short: impl Fn(&T) -> bool,
    ) -> io::Result<Option<T>> {
        let result = self.try_run_in_turn(direction, op, short);
        budget::charge(budget::OPERATION);
        result
    }

    fn try_run_in_turn<T>(
        &self,
        direction: Direction,
        mut op: impl FnMut(&S) -> io::Result<T>,
        short: impl Fn(&T) -> bool,
    ) -> io::Result<Option<T>> {
        let turn = self.desc.turn(direction);
        if !turn.try_take() {
            return Ok(None);
        }
        let _turn = Held(turn);
        self.desc.check(direction)?;
        loop {
            self.begin(direction);
            match op(&self.io) {
                Ok(value) => {
                    self.desc.set_drained(direction, short(&value));
                    return Ok(Some(value));
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.desc.set_drained(direction, true);
                    return self.desc.check_wait(self.io.as_fd()).map(|()| None);
                }
                Err(e) => return Err(self.check_open().err().unwrap_or(e)),
            }
        }
    }

    /// The long way. `failed` is how the first try went, if there was one.
    #[cold]
    #[inline(never)]
    fn run_to_the_end<T>(
        &self,
        direction: Direction,
        op: &mut impl FnMut(&S) -> io::Result<T>,
        short: impl Fn(&T) -> bool,
        mut failed: Option<io::Error>,
    ) -> io::Result<T> {
        loop {
            if failed.is_some() || self.must_try(direction) {
                let tried = match failed.take() {
                    Some(e) => Err(e),
                    None => {
                        self.begin(direction);
                        op(&self.io)
                    }
                };
                match tried {
                    Ok(value) => {
                        self.desc.set_drained(direction, short(&value));
                        return Ok(value);
                    }
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                        // A writer has not looked at the slot before, see `netpoll::slot`.
                        if direction == Direction::Write && self.desc.take_ready(direction) {
                            continue;
                        }
                        self.desc.set_drained(direction, true);
                        if self.is_nonblocking() {
                            return Err(e);
                        }
                    }
                    Err(e) => return Err(self.check_open().err().unwrap_or(e)),
                }
            }
            self.desc.wait(direction, self.io.as_fd())?;
            self.desc.set_drained(direction, false);
        }
    }

    /// To be called before each try. What was known of the descriptor goes together with the event
    /// that calls for the try: whatever the try comes to, an error too, the next one must not wait
    /// for that event.
    #[inline]
    fn begin(&self, direction: Direction) {
        self.desc.set_drained(direction, false);
        if direction == Direction::Read {
            self.desc.take_ready(direction);
        }
    }

    #[inline]
    fn must_try(&self, direction: Direction) -> bool {
        !self.desc.is_drained(direction) || self.is_nonblocking()
    }

    /// Waits until a read would find something: bytes, the end, or an error. `look` tells
    /// without taking anything.
    #[inline]
    pub(crate) fn wait_readable(&self, look: impl FnMut(&S) -> io::Result<bool>) -> io::Result<()> {
        let result = self.wait_readable_in_turn(look);
        budget::charge(budget::OPERATION);
        result
    }

    #[inline]
    fn wait_readable_in_turn(&self, look: impl FnMut(&S) -> io::Result<bool>) -> io::Result<()> {
        let _turn = self.take_turn(Direction::Read)?;
        // The short way: nothing forbids the wait, and there is nothing yet.
        if !self.desc.is_plain() || !self.desc.is_drained(Direction::Read) {
            if self.is_readable(look)? {
                return self.check_open();
            }
            if self.is_nonblocking() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        self.desc.wait(Direction::Read, self.io.as_fd())?;
        self.desc.set_drained(Direction::Read, false);
        self.check_open()
    }

    /// Whether there is something to read. A descriptor that no poller knows yet is not asked:
    /// registering it tells.
    ///
    /// # Errors
    ///
    /// When the descriptor is closed or its deadline is past.
    #[cold]
    #[inline(never)]
    fn is_readable(&self, mut look: impl FnMut(&S) -> io::Result<bool>) -> io::Result<bool> {
        self.desc.check(Direction::Read)?;
        if !self.is_nonblocking() && !self.desc.is_registered() {
            return Ok(false);
        }
        while self.must_try(Direction::Read) {
            self.begin(Direction::Read);
            match look(&self.io) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(false) => {
                    self.desc.set_drained(Direction::Read, true);
                    return Ok(false);
                }
                // If the look itself failed, the read will tell.
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Lets the unstarted goroutine `gp`, which has the [`UnstartedWait`], wait until there is
    /// something to read. This handle is given up.
    ///
    /// # Errors
    ///
    /// When the descriptor cannot be registered; `gp` is the caller's still.
    pub(crate) fn wait_unstarted(self, gp: &GRef, look: impl FnMut(&S) -> io::Result<bool>) -> io::Result<()> {
        match self.is_readable(look) {
            Ok(false) => {
                let (desc, home, timeout) =
                    (self.desc, self.desc.register(self.io.as_fd())?, self.timeout(Direction::Read));
                // From the wait on, the goroutine may run at any time, and its handle may have to be the only one. Until
                // then that one keeps the desc.
                drop(self);
                desc.wait_unstarted(gp, home, timeout);
            }
            // It finds what there is, or the same error, when it reads.
            Ok(true) | Err(_) => {
                drop(self);
                sched::ready(gp.unstarted());
            }
        }
        Ok(())
    }

    /// Whether no operation can succeed any more: it was closed, or the caller's runtime is being
    /// shut down.
    pub(crate) fn has_ended(&self) -> bool {
        self.desc.has_ended()
    }

    /// Makes every wait and every later operation fail. The descriptor itself is closed when the
    /// last handle goes.
    ///
    /// # Errors
    ///
    /// If it has been done before.
    pub(crate) fn close(&self) -> io::Result<()> {
        if self.desc.close() { Ok(()) } else { Err(error::closed()) }
    }

    /// Keeps the addresses of a connection. Only for who has closed it, before it goes on to end it.
    pub(crate) fn keep_addrs(&self, addrs: Addrs) {
        self.desc.keep_addrs(addrs);
    }

    /// What was kept, if the descriptor was closed. To be asked after the system, whose answer is right if nothing was kept by then.
    pub(crate) fn addrs_at_close(&self) -> Option<Addrs> {
        self.desc.addrs_at_close()
    }

    /// The object itself, unless the descriptor was closed.
    #[inline]
    pub(crate) fn open_io(&self) -> io::Result<&S> {
        self.desc.check_open()?;
        Ok(&self.io)
    }

    /// Fails if the descriptor was closed meanwhile: the end or the error that an operation came to
    /// is a consequence then.
    pub(crate) fn check_open(&self) -> io::Result<()> {
        self.desc.check_open()
    }

    /// Fails only if the descriptor was closed; so do the other settings.
    pub(crate) fn set_deadline(&self, direction: Direction, deadline: Option<Instant>) -> io::Result<()> {
        self.desc.check_open()?;
        self.desc.set_deadline(direction, deadline.map_or(NEVER, clock::at));
        Ok(())
    }

    /// The timeout of each operation, as `std` has it.
    pub(crate) fn set_timeout(&self, direction: Direction, timeout: Option<Duration>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) {
            let text = "a timeout of zero would never let anything happen; use None for no timeout";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        self.desc.check_open()?;
        self.desc.set_timeout(direction, timeout);
        Ok(())
    }

    pub(crate) fn timeout(&self, direction: Direction) -> Option<Duration> {
        self.desc.timeout(direction)
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.desc.check_open()?;
        self.desc.set_nonblocking(nonblocking);
        Ok(())
    }

    #[inline]
    pub(crate) fn is_nonblocking(&self) -> bool {
        self.desc.is_nonblocking()
    }

    /// Waits for a connection attempt to end. `until` bounds it.
    pub(crate) fn wait_writable(&self, timeout: Option<Duration>) -> io::Result<()> {
        let _turn = self.take_turn(Direction::Write)?;
        self.desc.wait_until(Direction::Write, self.io.as_fd(), timeout)
    }
}

impl<S: AsFd + From<OwnedFd>> Fd<S> {
    /// Another handle to the same descriptor.
    pub(crate) fn share(&self) -> Self {
        self.desc.share();
        // SAFETY: the descriptor is open as long as there is a handle. It has two owners in name, neither of which closes
        // it but as the last handle.
        let io = unsafe { OwnedFd::from_raw_fd(self.io.as_fd().as_raw_fd()) };
        Fd { io: ManuallyDrop::new(io.into()), desc: self.desc }
    }

    /// Takes the turn to read, for a goroutine that is to wait without having started; none if there is no use in waiting: the
    /// descriptor was closed, its deadline is past, or the caller's context has ended, before the turn came.
    pub(crate) fn begin_unstarted_wait(&self) -> Option<UnstartedWait<S>> {
        // The timeout is that of the wait that begins here.
        if !self.desc.turn(Direction::Read).try_take() && self.desc.wait_turn(Direction::Read, None).is_err() {
            return None;
        }
        self.desc.forget_wait();
        Some(UnstartedWait(self.share()))
    }
}

impl<S: AsFd> Drop for Fd<S> {
    fn drop(&mut self) {
        if self.desc.release() {
            // The desc goes first: once the descriptor is closed, its number may be another's.
            self.desc.put(None);
            // SAFETY: this was the last handle, so the object is dropped once, here.
            unsafe { ManuallyDrop::drop(&mut self.io) }
        }
    }
}

/// The turn to read, held by a goroutine that waits unstarted. It is given up when the goroutine
/// starts, and also when that never happens and its closure is dropped.
pub(crate) struct UnstartedWait<S: AsFd>(Fd<S>);

impl<S: AsFd> UnstartedWait<S> {
    /// The first thing that the goroutine does.
    pub(crate) fn end(self) {
        within::unwatch_own();
        if self.0.desc.has_expired() {
            self.0.desc.expire();
        }
    }
}

impl<S: AsFd> Drop for UnstartedWait<S> {
    fn drop(&mut self) {
        self.0.desc.set_drained(Direction::Read, false);
        self.0.desc.turn(Direction::Read).give();
    }
}
