//! `PollDesc`: what the runtime knows of a descriptor.
//!
//! Every handle to a descriptor, every event and every wait goes to its desc, so what these touch each time is one line of
//! the processor's cache, and what only timeouts need is behind it. How a wait goes is in [`super::wait`].
//!
//! | field | who may touch it |
//! |---|---|
//! | `state`: the generation and the flags | see [`super::state`]; flags: anyone, atomically |
//! | `refs` | whoever makes or drops a handle |
//! | `home` | set under `changing`, by the first who waits; cleared by the last owner |
//! | a side's `deadline`, a direction's `timeout` | anyone, atomically |
//! | a side's `slot` | see [`super::slot`] |
//! | a direction's `turn` | see [`super::turn`] |
//! | `had_unstarted` | who has the turn to read; anyone may read it |
//! | a direction's `drained` | who has the turn |
//! | a direction's `timed`, `until`, `wanted` | who is about to wait, or has taken a waiter out; a timer reads `wanted` |
//! | a direction's `timer` | who is about to wait arms it; it fires on any M |
//! | `addrs` | set by who closes; cleared by the last owner |

use std::mem::offset_of;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, SeqCst},
};
use std::time::Duration;

use marmot_poll::Event;

use super::slot::Slot;
use super::state::State;
use super::turn::Turn;
use super::{error, table, word};
use crate::context;
use crate::primitive::MODELLED;
use crate::sched::{G, M, Refs, Timer, clock};

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
/// Operations of a direction have a timeout, which is in its `Times`.
const TIMEOUT: [u8; 2] = [8, 16];
/// A direction has a deadline, which is in its `Side`.
const DEADLINE: [u8; 2] = [32, 64];
/// The user asked for `WouldBlock` instead of waiting.
const NONBLOCKING: u8 = 128;

/// The addresses that a connection had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addrs {
    pub(crate) local: Option<SocketAddr>,
    pub(crate) peer: Option<SocketAddr>,
}

/// What an event and a wait meet at, for one direction.
pub(super) struct Side {
    pub(super) slot: Slot,
    pub(super) deadline: AtomicU64,
}

/// What else operations of one direction leave behind for each other.
pub(super) struct Marks {
    turn: Turn,
    /// The last try found the descriptor drained.
    drained: AtomicBool,
    /// `Times` has something in it: a wait without any time limit passes it by.
    pub(super) timed: AtomicBool,
}

/// The times of one direction.
pub(super) struct Times {
    /// When the present waiter wants to be woken at the latest.
    pub(super) wanted: AtomicU64,
    /// The part of that which comes from the wait's own timeout.
    pub(super) until: AtomicU64,
    /// The timeout of one operation in nanoseconds; zero is none.
    timeout: AtomicU64,
    pub(super) timer: Timer,
}

/// See the module.
#[repr(C, align(64))]
pub(crate) struct PollDesc {
    state: State,
    pub(super) home: AtomicPtr<M>,
    index: u32,
    refs: Refs,
    marks: [Marks; 2],
    /// A goroutine that had not started has waited here to read.
    pub(super) had_unstarted: AtomicBool,
    sides: [Side; 2],
    times: [Times; 2],
    /// Held by whoever registers the descriptor, or sets a deadline together with its flag.
    pub(super) changing: Mutex<()>,
    /// What the system forgets about what was closed. In a box, because nearly all have none.
    addrs: Mutex<Option<Box<Addrs>>>,
}

const _: () = assert!(
    MODELLED || size_of::<usize>() != 8 || offset_of!(PollDesc, times) == 64,
    "what every operation touches is one cache line"
);

impl PollDesc {
    /// Where the times are in a desc, for their timers to find it.
    pub(super) const TIMES: usize = offset_of!(PollDesc, times);

    pub(super) fn new(index: u32) -> PollDesc {
        let marks = || Marks { turn: Turn::new(), drained: AtomicBool::new(false), timed: AtomicBool::new(false) };
        let side = || Side { slot: Slot::new(), deadline: AtomicU64::new(NEVER) };
        let times = || Times {
            wanted: AtomicU64::new(NEVER),
            until: AtomicU64::new(NEVER),
            timeout: AtomicU64::new(0),
            timer: Timer::new(),
        };
        PollDesc {
            state: State::new(),
            home: AtomicPtr::new(ptr::null_mut()),
            index,
            refs: Refs::new(0),
            marks: [marks(), marks()],
            had_unstarted: AtomicBool::new(false),
            sides: [side(), side()],
            times: [times(), times()],
            changing: Mutex::new(()),
            addrs: Mutex::new(None),
        }
    }

    /// A desc for a descriptor that has just been made, with one handle.
    pub(crate) fn take() -> &'static PollDesc {
        let desc = table::take();
        desc.refs.begin();
        desc
    }

    /// Counts one more handle.
    pub(crate) fn share(&self) {
        self.refs.share("too many handles to a descriptor");
    }

    /// Counts one handle less; true if that was the last one, and the caller has to [`put`](PollDesc::put) the desc.
    #[must_use = "the last one gives the desc back"]
    pub(crate) fn release(&self) -> bool {
        self.refs.release()
    }

    /// Whether the caller's handle is the only one.
    pub(crate) fn is_sole(&self) -> bool {
        self.refs.is_sole()
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
        for direction in [Direction::Read, Direction::Write] {
            let (marks, side, times) = (self.marks(direction), self.side(direction), self.times(direction));
            times.timer.disarm();
            times.timeout.store(0, Relaxed);
            times.until.store(NEVER, Relaxed);
            times.wanted.store(NEVER, Relaxed);
            marks.timed.store(false, Relaxed);
            marks.drained.store(false, Relaxed);
            side.deadline.store(NEVER, Relaxed);
            side.slot.take_ready();
        }
        self.had_unstarted.store(false, Relaxed);
        if self.state.flags(Relaxed) & CLOSED != 0 {
            *self.addrs.lock().unwrap_or_else(|e| e.into_inner()) = None;
        }
        table::put(self, &self.state);
    }

    pub(super) fn index(&self) -> u32 {
        self.index
    }

    pub(super) fn generation(&self) -> u32 {
        self.state.generation()
    }

    pub(super) fn side(&self, direction: Direction) -> &Side {
        &self.sides[direction as usize]
    }

    pub(super) fn marks(&self, direction: Direction) -> &Marks {
        &self.marks[direction as usize]
    }

    pub(super) fn times(&self, direction: Direction) -> &Times {
        &self.times[direction as usize]
    }

    /// The turn of a direction.
    pub(crate) fn turn(&self, direction: Direction) -> &Turn {
        &self.marks(direction).turn
    }

    /// What a poller reports.
    #[inline]
    pub(super) fn on_event(&self, event: &Event) {
        // Release, by way of the slots, pairs with their Acquire.
        if event.hangup && !self.state.set_if_current(HANGUP, table::generation_of(event.key)) {
            return;
        }
        if event.readable {
            self.notify(Direction::Read);
        }
        // Nearly every event says that there is room, and mostly it has been said before: then there is nothing to do.
        if event.writable && (event.hangup || !self.side(Direction::Write).slot.knows_room()) {
            self.notify(Direction::Write);
        }
    }

    /// Asks for the memory of who waits to read, where readying it takes a look at that.
    #[inline]
    pub(super) fn ask_waiter(&self) {
        if let Some(word) = self.side(Direction::Read).slot.peek()
            && !word::is_numbered(word)
        {
            G::ask_to_ready(word::waiter(word));
        }
    }

    #[inline]
    fn notify(&self, direction: Direction) {
        if let Some(word) = self.side(direction).slot.notify() {
            word::ready(word);
        }
    }

    /// Whether nothing is known of the descriptor but that it is open: no hang-up, no deadline, no timeout. Then waits
    /// take a short way.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.state.flags(Relaxed) == 0
    }

    /// The same, for somebody who has published himself: pairs with what changes a flag and then looks for him.
    #[inline]
    pub(super) fn is_still_plain(&self) -> bool {
        self.state.flags(SeqCst) == 0
    }

    /// Whether the last try of a direction found it drained.
    #[inline]
    pub(crate) fn was_drained(&self, direction: Direction) -> bool {
        self.marks(direction).drained.load(Relaxed)
    }

    /// Whether an operation may begin: the descriptor is not closed, the direction's deadline is not past, and the caller's
    /// context has not ended.
    #[inline]
    pub(crate) fn check(&self, direction: Direction) -> std::io::Result<()> {
        if self.state.flags(Relaxed) & (CLOSED | EXPIRED | DEADLINE[direction as usize]) != 0 {
            self.check_closely(direction)?;
        }
        context::check_io()
    }

    #[inline(never)]
    fn check_closely(&self, direction: Direction) -> std::io::Result<()> {
        // Its SeqCst is an Acquire, too, which pairs with the Release in `set_flag`.
        self.check_open()?;
        if direction == Direction::Read
            && self.state.flags(Relaxed) & EXPIRED != 0
            && self.state.clear(EXPIRED, Relaxed) & EXPIRED != 0
        {
            return Err(error::timed_out());
        }
        let deadline = self.side(direction).deadline.load(Relaxed);
        if deadline != NEVER && deadline <= clock::now() {
            return Err(error::timed_out());
        }
        Ok(())
    }

    /// Fails if the descriptor was closed by `close`.
    pub(crate) fn check_open(&self) -> std::io::Result<()> {
        if self.state.flags(SeqCst) & CLOSED != 0 { Err(error::closed()) } else { Ok(()) }
    }

    /// Makes every wait and every later operation fail. False if it has been done before.
    #[must_use = "who closes a second time is told"]
    pub(crate) fn close(&self) -> bool {
        // The fences in `Slot::evict` and `Turn::evict` follow.
        let before = self.state.set(CLOSED, SeqCst);
        self.reconsider_both();
        before & CLOSED == 0
    }

    /// Keeps what the system forgets, now that it was closed.
    pub(crate) fn keep_addrs(&self, addrs: Addrs) {
        *self.addrs.lock().unwrap_or_else(|e| e.into_inner()) = Some(Box::new(addrs));
    }

    /// What was kept when it was closed.
    pub(crate) fn addrs_at_close(&self) -> Option<Addrs> {
        if self.state.flags(SeqCst) & CLOSED == 0 {
            return None;
        }
        self.addrs.lock().unwrap_or_else(|e| e.into_inner()).as_deref().copied()
    }

    /// Says what the last try of a direction found. Only for who has the turn.
    #[inline]
    pub(crate) fn set_drained(&self, direction: Direction, drained: bool) {
        self.marks(direction).drained.store(drained, Relaxed);
    }

    /// Whether a direction was found drained, and still is: no event has come, and the peer has not
    /// hung up.
    #[inline]
    pub(crate) fn is_drained(&self, direction: Direction) -> bool {
        self.marks(direction).drained.load(Relaxed)
            && !self.side(direction).slot.is_ready()
            && self.state.flags(Relaxed) & HANGUP == 0
    }

    /// Forgets the event that calls for a try. True if there was one.
    #[inline]
    pub(crate) fn take_ready(&self, direction: Direction) -> bool {
        self.side(direction).slot.take_ready()
    }

    /// Whether the descriptor is in a poller, so that an event would have told.
    pub(crate) fn is_registered(&self) -> bool {
        !self.home.load(Relaxed).is_null()
    }

    /// A wait without a stack has ended for its own timeout: lets the next read say so.
    pub(crate) fn expire(&self) {
        self.state.set(EXPIRED, Relaxed);
    }

    /// A goroutine without a stack starts without having waited.
    pub(crate) fn forget_wait(&self) {
        if self.state.flags(Relaxed) & EXPIRED != 0 {
            self.state.clear(EXPIRED, Relaxed);
        }
        if self.marks(Direction::Read).timed.load(Relaxed) {
            self.times(Direction::Read).wanted.store(NEVER, Relaxed);
        }
    }

    /// Whether the wait that has ended was one whose time was up: nothing came, and what it wanted
    /// is past.
    pub(crate) fn has_expired(&self) -> bool {
        if !self.marks(Direction::Read).timed.load(Relaxed) {
            return false;
        }
        let wanted = self.times(Direction::Read).wanted.load(Relaxed);
        !self.side(Direction::Read).slot.is_ready() && wanted != NEVER && wanted <= clock::now()
    }

    /// Sets a direction's deadline; who waits there looks again, also who waits for the turn.
    pub(crate) fn set_deadline(&self, direction: Direction, deadline: u64) {
        let changing = self.changing.lock().unwrap_or_else(|e| e.into_inner());
        // The fences in `Slot::evict` and `Turn::evict` follow.
        let before = self.side(direction).deadline.swap(deadline, SeqCst);
        self.set_flag(DEADLINE[direction as usize], deadline != NEVER);
        drop(changing);
        self.reconsider(direction);
        // Those who wait for the turn find out about a later one when their time has come: they are not stirred up by each writer
        // that puts the deadline off before it writes.
        if deadline < before {
            self.turn(direction).evict();
        }
    }

    fn set_flag(&self, flag: u8, set: bool) {
        // The deadline or the timeout that it stands for was written before: Release pairs with the Acquire in `timeout`, and
        // with that in `check_closely`. SeqCst besides, as for `close`.
        if set {
            self.state.set(flag, SeqCst);
        } else {
            self.state.clear(flag, SeqCst);
        }
    }

    /// Sets the timeout of each operation of a direction.
    pub(crate) fn set_timeout(&self, direction: Direction, timeout: Option<Duration>) {
        let ns = timeout.map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX));
        self.times(direction).timeout.store(ns, Relaxed);
        self.set_flag(TIMEOUT[direction as usize], ns != 0);
    }

    /// The timeout of each operation of a direction.
    pub(crate) fn timeout(&self, direction: Direction) -> Option<Duration> {
        // Acquire pairs with the Release in `set_flag`.
        if self.state.flags(Acquire) & TIMEOUT[direction as usize] == 0 {
            return None;
        }
        match self.times(direction).timeout.load(Relaxed) {
            0 => None,
            ns => Some(Duration::from_nanos(ns)),
        }
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) {
        self.set_flag(NONBLOCKING, nonblocking);
    }

    #[inline]
    pub(crate) fn is_nonblocking(&self) -> bool {
        self.state.flags(Relaxed) & NONBLOCKING != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_for_the_owner_before_leaves_no_hangup() {
        let desc = PollDesc::take();
        let key = table::key(desc.index(), desc.generation());
        let hangup = Event { key, readable: true, writable: true, hangup: true };
        desc.on_event(&hangup);
        assert!(!desc.is_plain());
        // A poller has found the desc, and the last owner goes meanwhile. Whoever is next has the same desc.
        assert!(table::find(key).is_some());
        assert!(desc.release());
        desc.put(None);
        desc.on_event(&hangup);
        assert!(desc.is_plain(), "nobody has hung up on the next owner");
        assert!(table::find(key).is_none());
    }
}
