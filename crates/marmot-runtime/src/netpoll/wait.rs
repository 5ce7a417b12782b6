//! Waiting for a descriptor: how a goroutine or a thread gets into a slot, and why it leaves.
//!
//! A wait registers the descriptor if nobody has, in the poller of this thread's M: once,
//! edge-triggered, for both directions. It arms the timer *before* it publishes itself, because
//! once it is published, an unstarted goroutine may be taken, run and end at any time. A timer that
//! is armed for a shorter time is left alone: when it fires, it sees what the waiter wants by then.
//! So a connection that reads with a timeout of a minute touches the heap once a minute, however
//! many reads it makes.
//!
//! Who waits has the turn. If its runtime stops meanwhile, it never gives that up, so it leaves that to its
//! [will](crate::sched::with_will): others, who may be of another runtime, go on with the descriptor.
//!
//! The end of the waiter's context takes it out of the slot, as a deadline does, and it looks at the conditions again: that is one
//! of them. One that waits unstarted is known to its context's node before it is in the slot, and who puts it there looks at the
//! state after that.

use std::io;
use std::mem::offset_of;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::time::Duration;

use marmot_poll::Poller;

use super::desc::{Direction, NEVER, PollDesc, Times};
use super::turn::Missed;
use super::waiting::Ticket;
use super::{error, table, word};
use crate::context;
use crate::sched::cancel::Stead;
use crate::sched::{
    self, Bequest, Due, Fire, G, GRef, Head, M, Place, Sched, WaitReason, clock, current, with_will, within,
};
use crate::timer;
use crate::timer::limit::park_within;

enum Published {
    /// The waiter is in the slot, or has been taken out by somebody who readies it.
    Waits,
    /// An event came first.
    Ready,
    /// The runtime in whose poller the descriptor is shuts down: it has to be registered elsewhere.
    Homeless,
}

impl PollDesc {
    /// Waits until a try may succeed. Only for the holder of the direction's turn.
    ///
    /// This is the short way, for a goroutine that waits without any limit for a descriptor that is in a poller of its own
    /// runtime.
    ///
    /// # Errors
    ///
    /// `TimedOut` after the direction's timeout, or at its deadline; an error of its own when the
    /// descriptor is closed, the caller's context has ended, or the runtime is being shut down; and what registering it may
    /// yield.
    #[inline]
    pub(crate) fn wait(&'static self, direction: Direction, fd: BorrowedFd<'_>) -> io::Result<()> {
        if let (Some(gp), Some(mp)) = (current::gp(), current::mp())
            && self.is_plain()
            && !self.marks(direction).timed.load(Relaxed)
            && self.is_at_home_in(mp.sched)
        {
            let (slot, word) = (&self.side(direction).slot, word::of_settled(gp, mp.number));
            if !slot.publish(word) {
                return Ok(());
            }
            // Who changes one of these sets it before it looks for who waits.
            let stays = self.is_still_plain() && !mp.sched.is_closing();
            if stays || !slot.retract(word) {
                let place = InSlot { desc: self, direction, word };
                let address = ptr::from_ref(self).addr();
                let _ = with_will(gp, &place, || within::park_here_in(gp, reason(direction), address, &place));
                if slot.take_ready() {
                    return Ok(());
                }
            }
        }
        self.wait_until(direction, fd, self.timeout(direction))
    }

    /// As [`wait`](PollDesc::wait), with a timeout of the caller's.
    #[cold]
    #[inline(never)]
    pub(crate) fn wait_until(
        &'static self,
        direction: Direction,
        fd: BorrowedFd<'_>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let slot = &self.side(direction).slot;
        let until = timeout.map_or(NEVER, clock::after);
        let gp = sched::waiter();
        // SAFETY: the caller's own G.
        let g = unsafe { gp.as_ref() };
        loop {
            // Each time: the runtime whose poller it was in may have been shut down meanwhile.
            let home = self.register(fd)?;
            match self.publish(direction, gp, until, home, g.parker().is_none())? {
                Published::Waits => {}
                Published::Ready => return Ok(()),
                Published::Homeless => continue,
            }
            // A goroutine has its timer here; a thread has its own. Whatever ends the wait, it is looked for below.
            let wanted = if g.parker().is_some() { self.wanted(direction) } else { NEVER };
            let place = InSlot { desc: self, direction, word: word::of(gp) };
            let _ = with_will(gp, &place, || park_within(gp, reason(direction), wanted, &place));
            if slot.take_ready() {
                return Ok(());
            }
        }
    }

    /// Waits for the direction's turn, and takes it. A `timeout` counts from now; the wait for readiness has its own.
    ///
    /// # Errors
    ///
    /// As [`wait`](PollDesc::wait). The holder of the turn may wait for something that nothing of this ends, so those that wait for
    /// the turn hear of it here.
    #[cold]
    #[inline(never)]
    pub(crate) fn wait_turn(&self, direction: Direction, timeout: Option<Duration>) -> io::Result<()> {
        let (turn, side) = (self.turn(direction), self.side(direction));
        let until = timeout.map_or(NEVER, clock::after);
        let gp = sched::waiter();
        // SAFETY: the caller's own G.
        let g = unsafe { gp.as_ref() };
        let mut ticket = Ticket::default();
        loop {
            self.check_conditions(g)?;
            let deadline = side.deadline.load(SeqCst);
            let wanted = until.min(deadline);
            if wanted != NEVER && wanted <= clock::now() {
                return Err(error::timed_out());
            }
            // A deadline that was moved to a later time is found when the earlier one has come.
            let may_wait = || self.check_conditions(g).is_ok() && side.deadline.load(SeqCst) >= deadline;
            match turn.take_within(wanted, &mut ticket, may_wait) {
                Ok(()) => return Ok(()),
                Err(Missed::Cancelled) => return Err(context::why().into()),
                Err(Missed::Evicted | Missed::TimedOut) => {}
            }
        }
    }

    /// Lets an unstarted goroutine wait for the descriptor, which is in the poller of `home`, to become readable. It is
    /// readied then, or at the deadline, or when the descriptor is closed; whoever starts it looks. Only for the holder of
    /// the turn.
    pub(crate) fn wait_unstarted(&'static self, gp: &GRef, home: &'static M, timeout: Option<Duration>) {
        self.had_unstarted.store(true, Relaxed);
        // SAFETY: the caller has a reference, and it has not started.
        unsafe { gp.unstarted().as_ref() }.watch_unstarted(self);
        self.publish_unstarted(gp, timeout.map_or(NEVER, clock::after), home);
    }

    fn publish_unstarted(&self, gp: &GRef, until: u64, home: &'static M) {
        match self.publish(Direction::Read, gp.unstarted(), until, home, true) {
            Ok(Published::Waits) => return,
            // Nobody waits, so there is nobody to ready.
            Ok(Published::Ready) => drop(self.side(Direction::Read).slot.notify()),
            // Its time was up before it could wait. One that only tries would not find that out; but a context's deadline it would.
            Err(error) if error.kind() == io::ErrorKind::TimedOut && context::Error::of(&error).is_none() => {
                self.expire();
            }
            // It will find the same when it looks, or wait elsewhere.
            Ok(Published::Homeless) | Err(_) => {}
        }
        sched::ready(gp.unstarted());
    }

    /// Puts `gp` into the slot, unless there is a reason not to wait.
    fn publish(
        &self,
        direction: Direction,
        gp: NonNull<G>,
        until: u64,
        home: &'static M,
        needs_timer: bool,
    ) -> io::Result<Published> {
        let word = word::of(gp);
        let (side, times) = (self.side(direction), self.times(direction));
        // SAFETY: the caller's own G, or one to which it has a reference.
        let g = unsafe { gp.as_ref() };
        // Counted, because one that has not started may give its own up when it is in the slot.
        let node = if g.is_unstarted() { g.node() } else { within::own_node() };
        let check_node = || node.as_ref().and_then(context::error_of).map_or(Ok(()), Err);
        loop {
            self.check_conditions(g)?;
            check_node()?;
            let deadline = side.deadline.load(SeqCst);
            let wanted = until.min(deadline);
            if wanted != NEVER && wanted <= clock::now() {
                return Err(error::timed_out());
            }
            self.set_times(direction, until, wanted);
            let timed = needs_timer && wanted != NEVER;
            if timed && !times.timer.fires_by(wanted) {
                let desc = NonNull::from(self);
                // SAFETY: descs are never freed, and we hold the turn. Of a desc's owner, only the
                // last, in `put`, disarms it.
                unsafe {
                    match direction {
                        Direction::Read => timer::arm::<ReadTimer>(desc, wanted, home),
                        Direction::Write => timer::arm::<WriteTimer>(desc, wanted, home),
                    }
                };
            }
            if !side.slot.publish(word) {
                return Ok(Published::Ready);
            }
            // From here on an unstarted goroutine may be gone, and this desc another descriptor's.
            // What is read then means nothing, and it is not acted upon: `retract` fails, because
            // the caller's reference keeps the word from being used again, and the goroutine
            // itself, once started, waits with its seat's.
            let homeless = home.sched.is_closing();
            let changed = homeless
                || self.check_conditions(g).is_err()
                || node.as_ref().is_some_and(|node| node.state().is_some())
                || side.deadline.load(SeqCst) != deadline
                || (timed && !times.timer.fires_by(wanted));
            if !changed || !side.slot.retract(word) {
                return Ok(Published::Waits);
            }
            if homeless {
                // If it is the waiter's own, too, that is what it gets to hear.
                return self.check_conditions(g).map(|()| Published::Homeless);
            }
        }
    }

    /// Notes what a waiter wants, where that differs from nothing.
    #[inline]
    fn set_times(&self, direction: Direction, until: u64, wanted: u64) {
        let timed = &self.marks(direction).timed;
        if wanted == NEVER && !timed.load(Relaxed) {
            return;
        }
        let times = self.times(direction);
        times.until.store(until, Relaxed);
        times.wanted.store(wanted, Relaxed);
        timed.store(wanted != NEVER, Relaxed);
    }

    fn check_conditions(&self, g: &G) -> io::Result<()> {
        self.check_open()?;
        if g.sched().is_some_and(Sched::is_closing) {
            return Err(error::shutting_down());
        }
        Ok(())
    }

    /// Fails where the caller's wait would fail before it has begun: the descriptor was closed, the caller's runtime is
    /// being shut down, its context has ended, or no poller takes the descriptor.
    pub(crate) fn check_wait(&'static self, fd: BorrowedFd<'_>) -> io::Result<()> {
        // SAFETY: the caller's own G.
        self.check_conditions(unsafe { sched::waiter().as_ref() })?;
        context::check_io()?;
        self.register(fd).map(drop)
    }

    /// Whether no operation can succeed any more: it was closed, or the caller's runtime is being
    /// shut down.
    pub(crate) fn has_ended(&self) -> bool {
        // SAFETY: the caller's own G.
        self.check_conditions(unsafe { sched::waiter().as_ref() }).is_err()
    }

    /// Makes those who wait, also for a turn, look at the conditions again.
    pub(super) fn reconsider_both(&self) {
        for direction in [Direction::Read, Direction::Write] {
            self.reconsider(direction);
            self.turn(direction).evict();
        }
    }

    pub(super) fn reconsider(&self, direction: Direction) {
        self.reconsider_and(direction, |_| {});
    }

    /// Shows the goroutine that waits here unstarted to `f`, which must not use the runtime. Where one has waited before, and
    /// another that has started waits now, that one looks at the conditions again.
    pub(super) fn visit_unstarted(&self, f: &mut dyn FnMut(&Head)) {
        if self.had_unstarted.load(Relaxed) {
            self.reconsider_and(Direction::Read, |g| {
                if g.is_unstarted() {
                    f(g.head());
                }
            });
        }
    }

    /// Takes out who waits, shows it to `f`, and makes it look at the conditions again.
    fn reconsider_and(&self, direction: Direction, f: impl FnOnce(&G)) {
        let Some(gp) = self.side(direction).slot.evict().map(word::waiter) else { return };
        // SAFETY: a waiter's G stays alive until it is readied.
        let g = unsafe { gp.as_ref() };
        f(g);
        match self.home() {
            // One without a stack cannot look for itself, and must not start for this. It was taken
            // out, so its turn is ours until it is in the slot again.
            Some(home) if g.is_unstarted() && !home.sched.is_closing() => {
                self.publish_unstarted(&GRef::of(g.head()), self.until(direction), home);
            }
            _ => sched::ready(gp),
        }
    }

    /// When the present waiter wants to be woken at the latest.
    fn wanted(&self, direction: Direction) -> u64 {
        if self.marks(direction).timed.load(Relaxed) { self.times(direction).wanted.load(Relaxed) } else { NEVER }
    }

    /// The part of what the present waiter wants that comes from its own timeout.
    fn until(&self, direction: Direction) -> u64 {
        if self.marks(direction).timed.load(Relaxed) { self.times(direction).until.load(Relaxed) } else { NEVER }
    }

    /// Whether the descriptor is in a poller of `sched`.
    #[inline]
    fn is_at_home_in(&self, sched: &Sched) -> bool {
        self.home().is_some_and(|home| ptr::eq(home.sched, sched))
    }

    /// The M in whose poller the descriptor is.
    #[inline]
    fn home(&self) -> Option<&'static M> {
        // Acquire pairs with the Release in `register_now`.
        // SAFETY: `home` is null or an M, and Ms live as long as the process.
        unsafe { self.home.load(Acquire).as_ref() }
    }

    /// Makes sure that the descriptor is in a poller, and returns the M whose it is.
    #[inline]
    pub(crate) fn register(&self, fd: BorrowedFd<'_>) -> io::Result<&'static M> {
        match self.home() {
            Some(home) if !home.sched.is_closing() => Ok(home),
            _ => self.register_now(fd),
        }
    }

    #[cold]
    fn register_now(&self, fd: BorrowedFd<'_>) -> io::Result<&'static M> {
        let here = match current::mp() {
            Some(here) => here,
            None => super::some_m()?,
        };
        let _changing = self.changing.lock().unwrap_or_else(|e| e.into_inner());
        let old = self.home();
        if let Some(home) = old.filter(|home| !home.sched.is_closing()) {
            return Ok(home);
        }
        if here.sched.is_closing() {
            return Err(error::shutting_down());
        }
        let key = table::key(self.index(), self.generation());
        let open = |poller: &Poller| poller.open(fd, key);
        here.with_poller(open).unwrap_or_else(|| Err(error::shutting_down()))?;
        if let Some(old) = old {
            old.registered.fetch_sub(1, Relaxed);
        }
        here.registered.fetch_add(1, Relaxed);
        // Release pairs with the Acquire in `home`.
        self.home.store(ptr::from_ref(here).cast_mut(), Release);
        Ok(here)
    }

    /// The timer of a direction has fired.
    fn fire(&self, direction: Direction, now: u64, due: &mut Due) -> Option<u64> {
        let slot = &self.side(direction).slot;
        if !slot.has_waiter() {
            return None;
        }
        let wanted = self.times(direction).wanted.load(Relaxed);
        if wanted > now {
            return (wanted != NEVER).then_some(wanted);
        }
        if let Some(word) = slot.evict() {
            due.push(word::waiter(word));
        }
        None
    }
}

/// Somebody in a slot, by the word for it, who has the turn.
struct InSlot {
    desc: &'static PollDesc,
    direction: Direction,
    word: usize,
}

impl Place for InSlot {
    fn retract(&self) -> bool {
        self.desc.side(self.direction).slot.retract(self.word)
    }
}

impl Bequest for InSlot {
    fn pass_on(&self) {
        // If it is there no more, it was readied for nothing. What an event has left behind is there for the next.
        self.retract();
        self.desc.turn(self.direction).give();
    }
}

impl Stead for PollDesc {
    fn retract_unstarted(&self, gp: NonNull<G>) -> bool {
        self.side(Direction::Read).slot.retract(word::of(gp))
    }
}

fn reason(direction: Direction) -> WaitReason {
    match direction {
        Direction::Read => WaitReason::IoRead,
        Direction::Write => WaitReason::IoWrite,
    }
}

/// The timer of a desc's reads.
struct ReadTimer;

/// The timer of a desc's writes.
struct WriteTimer;

/// Where the timer of a direction is in a desc.
const fn timer_at(direction: Direction) -> usize {
    PollDesc::TIMES + size_of::<Times>() * direction as usize + offset_of!(Times, timer)
}

// SAFETY: that is where a desc has that timer.
unsafe impl Fire for ReadTimer {
    type Record = PollDesc;
    const OFFSET: usize = timer_at(Direction::Read);

    unsafe fn fire(desc: NonNull<PollDesc>, now: u64, due: &mut Due) -> Option<u64> {
        // SAFETY: descs are never freed.
        unsafe { desc.as_ref() }.fire(Direction::Read, now, due)
    }
}

// SAFETY: as above.
unsafe impl Fire for WriteTimer {
    type Record = PollDesc;
    const OFFSET: usize = timer_at(Direction::Write);

    unsafe fn fire(desc: NonNull<PollDesc>, now: u64, due: &mut Due) -> Option<u64> {
        // SAFETY: as above.
        unsafe { desc.as_ref() }.fire(Direction::Write, now, due)
    }
}
