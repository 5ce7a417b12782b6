//! A channel without its ends: the messages, those who wait, and how they meet.
//!
//! Here is all that is to be said of channels inside; the other files are:
//!
//! | file | what is in it |
//! |---|---|
//! | `ends` | what programs call: `Sender`, `Receiver` |
//! | `iter`, `error` | iterators, errors |
//! | `select` | how one waits at several channels |
//! | `arms`, `builder`, `macros` | the arms of a select, and two ways to write them down |
//! | `store` | the messages |
//!
//! # How it works
//!
//! A channel is a lock, a store of messages, and two lists of those who wait ([`list`](super::super::list)). With the lock, one puts a
//! message into the store, or takes one out; or hands it over to the first who waits for it, right into its stack, and readies
//! that one when the lock is given up. Who can do neither puts a record into a list and parks. The lock is held for a few
//! instructions, in which nothing parks, is dropped or is called that is not known. Goroutines of one M take turns on one
//! thread, so among them it is always free.
//!
//! **One outcome.** A record has a word that says whether its operation is still open ([`Ticket`]). Who takes a record out
//! of a list claims the word by an exchange, and passes over a record whose word is no longer open. Who ends the wait by
//! a time or by the end of a context claims the same word, without any lock; the owner then takes its record out itself. So
//! what was given was given to somebody who says so, and a wait that has ended otherwise has been given nothing. The record of one
//! whose context has ended is taken out, too, and its word is left open for who wakes it for that (see [`list`](super::super::list)).
//! A select has a record in the list of each of its channels, all with one word.
//!
//! **Nobody meets half of a select.** It takes the locks of all its channels, in the order of their addresses, looks whether one
//! of them can go on, and puts its records into all lists if none can; then it gives the locks up, and parks. So two selects
//! that wait for each other come one after the other, and the second finds the first. It has no records yet when it claims
//! that one's word, so nobody can have claimed its own.
//!
//! **In order.** Messages come out as they went in, and who waits is served in order: a channel never has room while somebody waits
//! for it, nor messages while somebody waits for them, so nobody overtakes. An operation that need not wait is counted
//! ([`sched::spend`](crate::sched::spend)), so that a sender and a receiver which always find each other ready do not keep their M for
//! themselves.
//!
//! **Who waits for ever.** A goroutine whose runtime has stopped is passed over, and the message that it wanted to send stays on
//! its stack. The runtime may stop right after that look. So who waits leaves a [will](crate::sched::with_will): when its M leaves, its
//! records are taken out of the lists; and a message that it was handed, and never saw, goes to the next who waits for one, or
//! back into the channel as the first. So a channel may hold more messages than it has room for, for a while, and then it has no room.
//!
//! **Orderings.** All is ordered by the lock, or by readying and parking. The models are `tests/loom/channel.rs` and
//! `tests/loom/select.rs`.
//!
//! # What was rejected
//!
//! * A ring without a lock, as `std` and `crossbeam` have: two exchanges for a message, as here, and a fence for whoever may wait. It
//!   has no order among those who wait, and a select over it must look, register and look again.
//! * A lock of our own that spins, and is given up by a plain store. It saves a sixth of what a message costs (39 ns instead of 47 when
//!   it is handed over, 12 instead of 14 through a buffer), and who meets a holder that has lost its core burns his own.
//! * A select that takes one lock after the other and retries when it finds that it was seen: two of them can do so for ever.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};

use super::super::list::{Fate, List, Waiter};
use super::store::Store;
use crate::primitive::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use crate::primitive::{Mutex, MutexGuard};
use crate::sched::{self, Bequest, Due, G, WaitReason, with_will};
use crate::timer::limit::{Ended, Place, park_within};

/// A point in time that has passed: who has this limit does not wait.
pub(super) const AT_ONCE: u64 = 0;

/// The word that all records of one operation share.
///
/// | word | meaning | set by |
/// |---|---|---|
/// | `OPEN` | it waits | its owner, at first |
/// | `RETRACTED` | it waits no more: its time has come, or its context has ended | who ends it so |
/// | `index + FIRST` | that arm was chosen, and its owner will be readied | who took its record out of that channel's list |
///
/// It leaves `OPEN` once, by an exchange: so an operation has one outcome.
pub(super) struct Ticket(AtomicUsize);

const OPEN: usize = 0;
const RETRACTED: usize = 1;
const FIRST: usize = 2;

impl Ticket {
    pub(super) fn new() -> Ticket {
        Ticket(AtomicUsize::new(OPEN))
    }

    /// Chooses the arm, for who has locked its channel.
    fn claim(&self, index: usize) -> bool {
        // The outcome is ordered by readying and parking, or by the channel's lock; the exchange decides only whose it is. AcqRel
        // pairs with itself all the same, since nothing is gained by less.
        self.0.compare_exchange(OPEN, index + FIRST, AcqRel, Relaxed).is_ok()
    }

    /// The owner does not go on: none of its records is chosen any more. Returns which was, if one was.
    pub(super) fn give_up(&self) -> Option<usize> {
        // As in `claim`; and Acquire as in `chosen`.
        match self.0.compare_exchange(OPEN, RETRACTED, AcqRel, Acquire) {
            Ok(_) | Err(RETRACTED) => None,
            Err(chosen) => Some(chosen - FIRST),
        }
    }

    /// The arm that was chosen; for the owner, which was readied.
    pub(super) fn chosen(&self) -> usize {
        // Acquire pairs with the exchange of who has chosen.
        self.0.load(Acquire) - FIRST
    }
}

impl Place for Ticket {
    fn retract(&self) -> bool {
        // As in `claim`.
        self.0.compare_exchange(OPEN, RETRACTED, AcqRel, Relaxed).is_ok()
    }
}

/// What a record says of its operation. It is written before the record is in a list, and only read there.
#[derive(Clone, Copy)]
pub(super) struct Arm {
    pub(super) ticket: *const Ticket,
    /// Where the message is, or where it goes.
    pub(super) slot: *mut (),
    pub(super) index: usize,
}

// SAFETY: what it points to is touched by others only with the channel locked, and after they have claimed the ticket.
unsafe impl Sync for Arm {}

/// What one does with a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Send,
    Receive,
}

/// An operation that did not have to wait.
pub(super) struct Done {
    /// The message has changed its place: else the other side is gone, and it has not.
    pub(super) was_given: bool,
    /// Who has waited for it, and is to be readied when nothing is locked.
    peer: Option<NonNull<G>>,
}

impl Done {
    /// Nothing is locked any more.
    #[inline]
    pub(super) fn finish(self) {
        if let Some(gp) = self.peer {
            sched::ready(gp);
        }
    }
}

/// See the module.
pub(super) struct Chan<T> {
    lock: Mutex<()>,
    state: UnsafeCell<State<T>>,
    /// How many there are of each end.
    pub(super) senders: AtomicUsize,
    pub(super) receivers: AtomicUsize,
    /// How many messages it holds at most.
    pub(super) capacity: Option<usize>,
}

// SAFETY: the state is touched with the lock only, and messages are handed from one to the other.
unsafe impl<T: Send> Send for Chan<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Chan<T> {}

/// What the lock guards.
pub(super) struct State<T> {
    store: Store<T>,
    /// Those who wait for room, or for somebody who receives. Nobody does while there is room.
    senders: List<Arm>,
    /// Those who wait for a message. Nobody does while there is one.
    receivers: List<Arm>,
    has_senders: bool,
    has_receivers: bool,
}

impl<T> Chan<T> {
    pub(super) fn new(capacity: Option<usize>) -> Chan<T> {
        Chan {
            lock: Mutex::new(()),
            state: UnsafeCell::new(State {
                store: capacity.map_or_else(Store::unbounded, Store::bounded),
                senders: List::new(),
                receivers: List::new(),
                has_senders: true,
                has_receivers: true,
            }),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(1),
            capacity,
        }
    }

    /// Sends what is in `slot`, or receives into it; at `until` at the latest. True if the message has changed its place, and
    /// false if the other side is gone.
    ///
    /// # Safety
    ///
    /// `slot` holds a message to send, which is moved out of it if this is true; or has room for one, which is then in it.
    #[inline(always)]
    pub(super) unsafe fn operate(&self, way: Way, slot: *mut T, until: u64) -> Result<bool, Ended> {
        // Before anything is taken: the caller may not go on after others have had their turns.
        sched::spend();
        let mut state = self.lock();
        // SAFETY: the caller's word.
        let Some(done) = (unsafe { state.try_now(way, slot) }) else {
            if until == AT_ONCE {
                drop(state);
                return Err(Ended::TimedOut);
            }
            // SAFETY: the caller's word.
            return unsafe { self.wait(state, way, slot, until) };
        };
        drop(state);
        let was_given = done.was_given;
        done.finish();
        Ok(was_given)
    }

    /// # Safety
    ///
    /// As for `operate`.
    #[inline(never)]
    unsafe fn wait(&self, mut state: Guard<'_, T>, way: Way, slot: *mut T, until: u64) -> Result<bool, Ended> {
        let ticket = Ticket::new();
        let waiter = Waiter::with(sched::waiter(), Arm { ticket: &ticket, slot: slot.cast(), index: 0 });
        // SAFETY: it is new, and stays here until it has been taken out, by who chooses it or below.
        unsafe { state.waiting(way).push_back(&waiter) };
        drop(state);
        let reason = match way {
            Way::Send => WaitReason::Send,
            Way::Receive => WaitReason::Receive,
        };
        let lone = Lone { chan: self, way, waiter: &waiter, ticket: &ticket };
        match with_will(waiter.gp, &lone, || park_within(waiter.gp, reason, until, &ticket)) {
            Ended::Readied => Ok(waiter.fate.get() == Fate::Given),
            ended => {
                // SAFETY: it was put into this list, and into no other.
                unsafe { self.lock().waiting(way).leave(&waiter) };
                Err(ended)
            }
        }
    }

    /// Passes on the message that was handed to a receiver which does not go on.
    ///
    /// # Safety
    ///
    /// `waiter` was taken out of the list of receivers to have this outcome, and its owner does not look at it any more.
    pub(super) unsafe fn pass_on(&self, waiter: &Waiter<Arm>) {
        // Who has taken it out has said with the lock whether it was given a message.
        let mut state = self.lock();
        if waiter.fate.get() != Fate::Given {
            return;
        }
        // SAFETY: the message is there, and the caller's word.
        let peer = unsafe { state.put_back(waiter.more.slot.cast::<T>()) };
        drop(state);
        if let Some(gp) = peer {
            sched::ready(gp);
        }
    }

    /// Sends `message` if there is room or somebody waits for it, else drops it. For who has a lock under which nobody may be readied: who
    /// has waited goes into `due`.
    pub(super) fn offer(&self, message: T, due: &mut Due)
    where
        T: Copy,
    {
        let mut state = self.lock();
        // SAFETY: the message is copied out of there, if at all.
        if let Some(Done { peer: Some(gp), .. }) = unsafe { state.try_send(&message) } {
            due.push(gp);
        }
    }

    /// Takes a message that is there. It neither waits nor counts as an operation, after which one may have to yield: for who has a
    /// lock.
    pub(super) fn take(&self) -> Option<T> {
        self.lock().store.pop()
    }

    /// The last end of one side is gone: those of the other side that wait are told, and what is left by the last receiver is
    /// dropped.
    pub(super) fn disconnect(&self, way: Way) {
        let mut told = List::new();
        let mut state = self.lock();
        let (others, left) = match way {
            Way::Send => {
                state.has_senders = false;
                (Way::Receive, None)
            }
            Way::Receive => {
                state.has_receivers = false;
                (Way::Send, Some(state.store.take()))
            }
        };
        while let Some(waiter) = claim(state.waiting(others)) {
            // SAFETY: it was taken out, and is alive until it is readied.
            unsafe { told.push_back(waiter) };
        }
        drop(state);
        while let Some(waiter) = told.pop_front() {
            // SAFETY: as above.
            sched::ready(unsafe { waiter.as_ref() }.gp);
        }
        // Messages may do anything when they are dropped. This is the last that is done here.
        drop(left);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().store.len()
    }

    #[inline]
    pub(super) fn lock(&self) -> Guard<'_, T> {
        Guard { chan: self, _lock: take(&self.lock) }
    }

    /// The lock itself, for who takes several.
    pub(super) fn raw_lock(&self) -> &Mutex<()> {
        &self.lock
    }

    /// The state, for who has taken the lock itself.
    ///
    /// # Safety
    ///
    /// The caller has it, and lets this go before it gives the lock up.
    #[expect(clippy::mut_from_ref, reason = "the lock makes it unique")]
    pub(super) unsafe fn locked(&self) -> &mut State<T> {
        // SAFETY: the caller's word.
        unsafe { &mut *self.state.get() }
    }
}

impl<T> State<T> {
    /// Does it, if that is possible without waiting.
    ///
    /// # Safety
    ///
    /// As for [`Chan::operate`].
    #[inline]
    pub(super) unsafe fn try_now(&mut self, way: Way, slot: *mut T) -> Option<Done> {
        match way {
            // SAFETY: the caller's word.
            Way::Send => unsafe { self.try_send(slot) },
            // SAFETY: the caller's word.
            Way::Receive => unsafe { self.try_receive(slot) },
        }
    }

    /// # Safety
    ///
    /// As for [`Chan::operate`].
    #[inline]
    unsafe fn try_send(&mut self, slot: *const T) -> Option<Done> {
        if !self.has_receivers {
            return Some(Done { was_given: false, peer: None });
        }
        if let Some(waiter) = claim(&mut self.receivers) {
            // SAFETY: the receiver's slot has room, and is this one's since it was claimed.
            unsafe { ptr::copy_nonoverlapping(slot, waiter.more.slot.cast(), 1) };
            waiter.fate.set(Fate::Given);
            return Some(Done { was_given: true, peer: Some(waiter.gp) });
        }
        if !self.store.has_room() {
            return None;
        }
        // SAFETY: the caller's word.
        self.store.push(unsafe { slot.read() });
        Some(Done { was_given: true, peer: None })
    }

    /// # Safety
    ///
    /// As for [`Chan::operate`].
    #[inline(always)]
    unsafe fn try_receive(&mut self, slot: *mut T) -> Option<Done> {
        let message = self.store.pop();
        let found = message.is_some();
        if let Some(message) = message {
            // SAFETY: the caller's word.
            unsafe { slot.write(message) };
        }
        // Where there was a message, there is room for that of the first who waits for it; unless some were put back.
        let no_room = found && !self.senders.is_empty() && !self.store.has_room();
        let Some(waiter) = (if no_room { None } else { claim(&mut self.senders) }) else {
            return (found || !self.has_senders).then_some(Done { was_given: found, peer: None });
        };
        let theirs = waiter.more.slot.cast::<T>();
        waiter.fate.set(Fate::Given);
        if found {
            // SAFETY: the sender's slot has a message, and is this one's since it was claimed.
            self.store.push(unsafe { theirs.read() });
        } else {
            // SAFETY: as above; and the caller's word.
            unsafe { ptr::copy_nonoverlapping(theirs, slot, 1) };
        }
        Some(Done { was_given: true, peer: Some(waiter.gp) })
    }

    /// Gives a message that was taken out to the next who waits for one, who is returned, or puts it back before all others.
    ///
    /// # Safety
    ///
    /// `slot` has a message, which is moved out of it.
    unsafe fn put_back(&mut self, slot: *const T) -> Option<NonNull<G>> {
        let Some(waiter) = claim(&mut self.receivers) else {
            // SAFETY: the caller's word.
            self.store.put_back(unsafe { slot.read() });
            return None;
        };
        // SAFETY: as in `try_send`, and the caller's word.
        unsafe { ptr::copy_nonoverlapping(slot, waiter.more.slot.cast(), 1) };
        waiter.fate.set(Fate::Given);
        Some(waiter.gp)
    }

    /// Those who wait to do it.
    pub(super) fn waiting(&mut self, way: Way) -> &mut List<Arm> {
        match way {
            Way::Send => &mut self.senders,
            Way::Receive => &mut self.receivers,
        }
    }
}

/// What one who waits at one channel leaves.
struct Lone<'a, T> {
    chan: &'a Chan<T>,
    way: Way,
    waiter: &'a Waiter<Arm>,
    ticket: &'a Ticket,
}

impl<T> Bequest for Lone<'_, T> {
    fn pass_on(&self) {
        match (self.ticket.give_up(), self.way) {
            // SAFETY: nobody has chosen it, so if it is in a list, it is this one.
            (None, way) => unsafe {
                self.chan.lock().waiting(way).leave(self.waiter);
            },
            // SAFETY: it was chosen, and does not go on.
            (Some(_), Way::Receive) => unsafe { self.chan.pass_on(self.waiter) },
            (Some(_), Way::Send) => {}
        }
    }
}

/// Takes out the first who waits, goes on, and whose operation has no outcome yet: it has this one.
#[inline]
fn claim<'a>(list: &mut List<Arm>) -> Option<&'a Waiter<Arm>> {
    loop {
        // SAFETY: those in a list are alive, and one that was claimed is until it is readied.
        let waiter = unsafe { list.next()?.as_ref() };
        // SAFETY: a ticket lives as long as any record of its operation is in a list, and this one was until now, with the
        // channel locked.
        if unsafe { &*waiter.more.ticket }.claim(waiter.more.index) {
            return Some(waiter);
        }
    }
}

/// Takes a channel's lock.
#[inline]
pub(super) fn take(lock: &Mutex<()>) -> MutexGuard<'_, ()> {
    // Nothing that panics runs under the lock.
    lock.lock().unwrap_or_else(|e| e.into_inner())
}

/// The right to the state.
pub(super) struct Guard<'a, T> {
    chan: &'a Chan<T>,
    _lock: MutexGuard<'a, ()>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = State<T>;

    #[inline]
    fn deref(&self) -> &State<T> {
        // SAFETY: we have the lock.
        unsafe { &*self.chan.state.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State<T> {
        // SAFETY: we have the lock.
        unsafe { &mut *self.chan.state.get() }
    }
}
