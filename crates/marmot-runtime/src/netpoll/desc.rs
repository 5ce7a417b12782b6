//! `PollDesc`: what the netpoller knows of a descriptor.
//!
//! | field | who may touch it |
//! |---|---|
//! | `generation` | the owner raises it when it gives the desc back; pollers compare |
//! | `home` | set under `registering`, by the first who waits; cleared by the owner |
//! | `flags` | anyone, atomically |
//! | a side's `slot` | see [`super::slot`] |
//! | a side's `deadline` | anyone writes; a waiter reads it before it publishes itself and again after |
//! | a side's `wanted`, `until`, `timer` | who is about to wait, or has taken a waiter out; the timer fires on any M |
//!
//! A wait registers the descriptor if nobody has, in the poller of this thread's M: once,
//! edge-triggered, for both directions. It arms the timer *before* it publishes itself, because
//! once it is published, an unstarted goroutine may be taken, run and end at any time. A timer that
//! is armed for a shorter time is left alone: when it fires, it sees what the waiter wants by then.
//! So a connection that reads with a timeout of a minute touches the heap once a minute, however
//! many reads it makes.

use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::Mutex;
use std::sync::atomic::{
    AtomicPtr, AtomicU8, AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
};
use std::time::Duration;

use marmot_poll::{Event, Poller};

use super::slot::Slot;
use super::{error, table};
use crate::sched::{self, Due, G, GRef, M, Sched, Timer, WaitReason, clock, current};
use crate::timer;

/// A deadline that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// Closed by `close`: every wait and every new operation fails.
const CLOSED: u8 = 1;
/// The peer has hung up: a short read no longer means that there is nothing more.
const HANGUP: u8 = 2;
/// A wait without a stack timed out: the next read says so.
const EXPIRED: u8 = 4;

#[repr(C)]
struct Side {
    slot: Slot,
    deadline: AtomicU64,
    /// When the present waiter wants to be woken at the latest.
    wanted: AtomicU64,
    /// The part of that which comes from the wait's own timeout.
    until: AtomicU64,
    timer: Timer,
}

impl Side {
    fn new() -> Self {
        Side {
            slot: Slot::new(),
            deadline: AtomicU64::new(NEVER),
            wanted: AtomicU64::new(NEVER),
            until: AtomicU64::new(NEVER),
            timer: Timer::new(),
        }
    }

    fn notify(&self) {
        if let Some(waiter) = self.slot.notify() {
            sched::ready(record(waiter));
        }
    }

    /// The timer of this side has fired.
    ///
    /// # Safety
    ///
    /// `timer` sits in a side.
    unsafe fn fire(timer: NonNull<Timer>, now: u64, due: &mut Due) -> Option<u64> {
        // SAFETY: the timer sits in a side, at this offset, and sides are never freed.
        let side = unsafe { timer.byte_sub(offset_of!(Side, timer)).cast::<Side>().as_ref() };
        if !side.slot.has_waiter() {
            return None;
        }
        let wanted = side.wanted.load(Relaxed);
        if wanted > now {
            return (wanted != NEVER).then_some(wanted);
        }
        if let Some(waiter) = side.slot.evict() {
            due.push(record(waiter));
        }
        None
    }
}

/// See the module.
pub(crate) struct PollDesc {
    index: u32,
    generation: AtomicU32,
    flags: AtomicU8,
    registering: Mutex<()>,
    home: AtomicPtr<M>,
    read: Side,
    write: Side,
}

impl PollDesc {
    pub(super) fn new(index: u32) -> PollDesc {
        PollDesc {
            index,
            generation: AtomicU32::new(0),
            flags: AtomicU8::new(0),
            registering: Mutex::new(()),
            home: AtomicPtr::new(ptr::null_mut()),
            read: Side::new(),
            write: Side::new(),
        }
    }

    /// A desc for a descriptor that has just been made.
    pub(crate) fn take() -> &'static PollDesc {
        table::take()
    }

    pub(super) fn index(&self) -> u32 {
        self.index
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation.load(Acquire)
    }

    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// Gives the desc back. Nobody waits, and the descriptor is closed right after, or with
    /// `still_open` withdrawn from the poller because it lives on elsewhere.
    pub(crate) fn put(&'static self, still_open: Option<BorrowedFd<'_>>) {
        let home = self.home.swap(ptr::null_mut(), AcqRel);
        // SAFETY: `home` is null or an M, and Ms live as long as the process.
        if let Some(mp) = unsafe { home.as_ref() } {
            mp.registered.fetch_sub(1, Relaxed);
            if let Some(fd) = still_open {
                // If the runtime was shut down, its poller has forgotten the descriptor already.
                let _ = mp.with_poller(|poller| poller.close(fd));
            }
        }
        for side in [&self.read, &self.write] {
            side.timer.disarm();
            side.deadline.store(NEVER, Relaxed);
            side.wanted.store(NEVER, Relaxed);
            side.slot.take_ready();
        }
        self.flags.store(0, Relaxed);
        table::put(self, &self.generation);
    }

    /// What a poller reports.
    pub(super) fn on_event(&self, event: &Event) {
        if event.hangup {
            // Release, by way of the slots, pairs with their Acquire.
            self.flags.fetch_or(HANGUP, Relaxed);
        }
        if event.readable {
            self.read.notify();
        }
        if event.writable {
            self.write.notify();
        }
    }

    /// Whether an operation may begin: the descriptor is not closed, and the direction's deadline
    /// is not past.
    #[inline]
    pub(crate) fn check(&self, direction: Direction) -> io::Result<()> {
        let flags = self.flags.load(Relaxed);
        if flags & (CLOSED | EXPIRED) != 0 {
            self.check_flags(direction)?;
        }
        let deadline = self.side(direction).deadline.load(Relaxed);
        if deadline != NEVER && deadline <= clock::now() {
            return Err(error::timed_out());
        }
        Ok(())
    }

    #[cold]
    fn check_flags(&self, direction: Direction) -> io::Result<()> {
        self.check_open()?;
        if direction == Direction::Read && self.flags.fetch_and(!EXPIRED, Relaxed) & EXPIRED != 0 {
            return Err(error::timed_out());
        }
        Ok(())
    }

    /// Whether a direction that was found drained still is: no event has come, and the peer has not
    /// hung up.
    #[inline]
    pub(crate) fn is_still_drained(&self, direction: Direction) -> bool {
        !self.side(direction).slot.is_ready() && self.flags.load(Relaxed) & HANGUP == 0
    }

    /// To be called before each try.
    #[inline]
    pub(crate) fn begin(&self, direction: Direction) {
        self.side(direction).slot.take_ready();
    }

    /// Whether the descriptor is in a poller, so that an event would have told.
    pub(crate) fn is_registered(&self) -> bool {
        !self.home.load(Relaxed).is_null()
    }

    /// Waits until a try may succeed. Only for the holder of the direction's turn.
    ///
    /// # Errors
    ///
    /// `TimedOut` after `timeout`, or at the direction's deadline; an error of its own when the
    /// descriptor is closed, or the runtime is being shut down; and what registering it may yield.
    pub(crate) fn wait(
        &'static self,
        direction: Direction,
        fd: impl AsFd,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let side = self.side(direction);
        let until = timeout.map_or(NEVER, clock::after);
        let gp = sched::waiter();
        // SAFETY: the caller's own record.
        let g = unsafe { gp.as_ref() };
        let reason = match direction {
            Direction::Read => WaitReason::IoRead,
            Direction::Write => WaitReason::IoWrite,
        };
        loop {
            // Each time: the runtime whose poller it was in may have been shut down meanwhile.
            let home = self.register(fd.as_fd())?;
            match self.publish(side, gp, until, home, g.parker().is_none())? {
                Published::Waits => {}
                Published::Ready => return Ok(()),
            }
            match g.parker().filter(|_| side.wanted.load(Relaxed) != NEVER) {
                None => sched::park(gp, reason),
                Some(parker) => {
                    let wanted = side.wanted.load(Relaxed);
                    if !parker.wait_until(clock::instant(wanted)) && !side.slot.retract(word(gp)) {
                        parker.wait();
                    }
                }
            }
            if side.slot.take_ready() {
                return Ok(());
            }
        }
    }

    /// Lets an unstarted goroutine wait for the descriptor to become readable. It is readied then,
    /// or at the deadline, or when the descriptor is closed; whoever starts it looks. Only for the
    /// holder of the turn.
    pub(crate) fn wait_unstarted(&'static self, gp: &GRef, fd: impl AsFd, timeout: Option<Duration>) -> io::Result<()> {
        let home = self.register(fd.as_fd())?;
        self.publish_unstarted(gp, timeout.map_or(NEVER, clock::after), home);
        Ok(())
    }

    fn publish_unstarted(&self, gp: &GRef, until: u64, home: &'static M) {
        match self.publish(&self.read, gp.as_ptr(), until, home, true) {
            Ok(Published::Waits) => return,
            // Nobody waits, so there is nobody to ready.
            Ok(Published::Ready) => drop(self.read.slot.notify()),
            // It will find the same when it looks.
            Err(_) => {}
        }
        sched::ready(gp.as_ptr());
    }

    /// A wait without a stack has ended for its own timeout: lets the next read say so.
    pub(crate) fn expire(&self) {
        self.flags.fetch_or(EXPIRED, Relaxed);
    }

    /// A goroutine without a stack starts without having waited.
    pub(crate) fn forget_wait(&self) {
        self.flags.fetch_and(!EXPIRED, Relaxed);
        self.read.wanted.store(NEVER, Relaxed);
    }

    /// Whether the wait that has ended was one whose time was up: nothing came, and what it wanted
    /// is past.
    pub(crate) fn has_expired(&self) -> bool {
        let wanted = self.read.wanted.load(Relaxed);
        !self.read.slot.is_ready() && wanted != NEVER && wanted <= clock::now()
    }

    /// Puts `gp` into the slot, unless there is a reason not to wait.
    fn publish(
        &self,
        side: &Side,
        gp: NonNull<G>,
        until: u64,
        home: &'static M,
        needs_timer: bool,
    ) -> io::Result<Published> {
        let waiter = word(gp);
        // SAFETY: the caller's own record, or one to which it has a reference.
        let g = unsafe { gp.as_ref() };
        loop {
            self.check_conditions(g)?;
            let deadline = side.deadline.load(SeqCst);
            let wanted = until.min(deadline);
            if wanted != NEVER && wanted <= clock::now() {
                return Err(error::timed_out());
            }
            side.until.store(until, Relaxed);
            side.wanted.store(wanted, Relaxed);
            let timed = needs_timer && wanted != NEVER;
            if timed && !side.timer.fires_by(wanted) {
                // SAFETY: sides are never freed, `fire` is made for them, and we hold the turn. Of
                // a desc's owner, only the last, in `put`, disarms it.
                unsafe { timer::arm(&side.timer, wanted, Side::fire, home) };
            }
            if !side.slot.publish(waiter) {
                return Ok(Published::Ready);
            }
            // From here on an unstarted goroutine may be gone, and this desc another descriptor's.
            // What is read then means nothing, and it is not acted upon: `retract` fails, because
            // the caller's reference keeps the record's address from being used again, and the
            // goroutine itself, once started, waits under an untagged word.
            let changed = self.check_conditions(g).is_err()
                || side.deadline.load(SeqCst) != deadline
                || (timed && !side.timer.fires_by(wanted));
            if !changed || !side.slot.retract(waiter) {
                return Ok(Published::Waits);
            }
        }
    }

    /// Fails if the descriptor was closed by `close`.
    pub(crate) fn check_open(&self) -> io::Result<()> {
        if self.flags.load(SeqCst) & CLOSED != 0 { Err(error::closed()) } else { Ok(()) }
    }

    fn check_conditions(&self, g: &G) -> io::Result<()> {
        self.check_open()?;
        if g.sched.is_some_and(Sched::is_closing) {
            return Err(error::shutting_down());
        }
        Ok(())
    }

    /// Sets a direction's deadline; who waits there looks again.
    pub(crate) fn set_deadline(&self, direction: Direction, deadline: u64) {
        // The fence in `Slot::evict` follows.
        self.side(direction).deadline.store(deadline, SeqCst);
        self.reconsider(direction);
    }

    /// Whether no operation can succeed any more: it was closed, or the caller's runtime is being
    /// shut down.
    pub(crate) fn has_ended(&self) -> bool {
        // SAFETY: the caller's own record.
        self.check_conditions(unsafe { sched::waiter().as_ref() }).is_err()
    }

    /// Makes every wait and every later operation fail.
    pub(crate) fn close(&self) {
        // The fences in `Slot::evict` follow.
        self.flags.fetch_or(CLOSED, SeqCst);
        self.reconsider_both();
    }

    /// Makes those who wait look at the conditions again.
    pub(super) fn reconsider_both(&self) {
        self.reconsider(Direction::Read);
        self.reconsider(Direction::Write);
    }

    fn reconsider(&self, direction: Direction) {
        let side = self.side(direction);
        let Some(gp) = side.slot.evict().map(record) else { return };
        // SAFETY: a waiter's record stays alive until it is readied.
        let g = unsafe { gp.as_ref() };
        // SAFETY: as in `register`.
        let home = unsafe { self.home.load(Acquire).as_ref() };
        match home {
            // One without a stack cannot look for itself, and must not start for this. It was taken
            // out, so its turn is ours until it is in the slot again.
            Some(home) if g.is_unstarted() && !home.sched.is_closing() => {
                self.publish_unstarted(&GRef::of(g), side.until.load(Relaxed), home);
            }
            _ => sched::ready(gp),
        }
    }

    /// Makes sure that the descriptor is in a poller, and returns the M whose it is.
    fn register(&self, fd: BorrowedFd<'_>) -> io::Result<&'static M> {
        // Acquire pairs with the Release below.
        // SAFETY: `home` is null or an M, and Ms live as long as the process.
        match unsafe { self.home.load(Acquire).as_ref() } {
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
        let _registering = self.registering.lock().unwrap_or_else(|e| e.into_inner());
        // SAFETY: as in `register`.
        let old = unsafe { self.home.load(Acquire).as_ref() };
        if let Some(home) = old.filter(|home| !home.sched.is_closing() || ptr::eq(home.sched, here.sched)) {
            return Ok(home);
        }
        let key = table::key(self.index, self.generation.load(Relaxed));
        let open = |poller: &Poller| poller.open(fd, key);
        here.with_poller(open).unwrap_or_else(|| Err(error::shutting_down()))?;
        if let Some(old) = old {
            old.registered.fetch_sub(1, Relaxed);
        }
        here.registered.fetch_add(1, Relaxed);
        // Release pairs with the Acquire in `register`.
        self.home.store(ptr::from_ref(here).cast_mut(), Release);
        Ok(here)
    }
}

enum Published {
    /// The waiter is in the slot, or has been taken out by somebody who readies it.
    Waits,
    /// An event came first.
    Ready,
}

/// The bit by which a slot tells one that has not started from the same goroutine after its start.
const UNSTARTED: usize = 2;

fn record(waiter: usize) -> NonNull<G> {
    let gp = NonNull::new(ptr::with_exposed_provenance_mut::<G>(waiter & !UNSTARTED));
    // Slots hold addresses of records.
    gp.expect("a waiter's address is not null")
}

fn word(gp: NonNull<G>) -> usize {
    // SAFETY: the caller's own record, or one to which it has a reference.
    let tag = if unsafe { gp.as_ref() }.is_unstarted() { UNSTARTED } else { 0 };
    gp.as_ptr().expose_provenance() | tag
}
