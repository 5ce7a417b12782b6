//! Waiting for the first of several operations with channels. The protocol is that of [`state`](super::state): "nobody meets half of a
//! select".

use std::cell::Cell;
use std::ptr;

use super::super::list::{Fate, Waiter};
use super::ends::{Receiver, Sender};
use super::state::{AT_ONCE, Arm, Done, Ticket, Way, take};
use crate::primitive::{Mutex, MutexGuard};
use crate::sched::{self, Bequest, WaitReason, chance, with_will};
use crate::timer::limit::{Ended, park_within};

/// An end of a channel, as a select sees it. Who calls anything but `raw_lock` has that lock.
pub(super) trait Port {
    fn raw_lock(&self) -> &Mutex<()>;

    /// Does the operation if that is possible without waiting.
    ///
    /// # Safety
    ///
    /// The caller has the lock, and `slot` is as `Chan::operate` demands.
    unsafe fn try_now(&self, slot: *mut ()) -> Option<Done>;

    /// Puts the record into the list of those who wait.
    ///
    /// # Safety
    ///
    /// The caller has the lock, and the record is as `List::push_back` demands.
    unsafe fn enlist(&self, waiter: &Waiter<Arm>);

    /// Takes it out again, if it is still there.
    ///
    /// # Safety
    ///
    /// The caller has the lock, and the record was put into this list.
    unsafe fn leave(&self, waiter: &Waiter<Arm>);

    /// Passes on what one was given who does not go on. This takes the lock.
    ///
    /// # Safety
    ///
    /// The record was taken out of this list, to have this outcome.
    unsafe fn pass_on(&self, waiter: &Waiter<Arm>);
}

macro_rules! port {
    ($end:ident, $way:expr) => {
        impl<T> Port for $end<T> {
            fn raw_lock(&self) -> &Mutex<()> {
                self.chan.raw_lock()
            }

            unsafe fn try_now(&self, slot: *mut ()) -> Option<Done> {
                // SAFETY: the caller's word.
                unsafe { self.chan.locked().try_now($way, slot.cast()) }
            }

            unsafe fn enlist(&self, waiter: &Waiter<Arm>) {
                // SAFETY: the caller's word.
                unsafe { self.chan.locked().waiting($way).push_back(waiter) };
            }

            unsafe fn leave(&self, waiter: &Waiter<Arm>) {
                // SAFETY: the caller's word.
                unsafe { self.chan.locked().waiting($way).leave(waiter) };
            }

            unsafe fn pass_on(&self, waiter: &Waiter<Arm>) {
                if $way == Way::Receive {
                    // SAFETY: the caller's word.
                    unsafe { self.chan.pass_on(waiter) };
                }
            }
        }
    };
}

port!(Sender, Way::Send);
port!(Receiver, Way::Receive);

/// What a select knows of one of its arms.
pub struct Entry<'a> {
    /// Nothing for an arm that no channel serves.
    port: Option<&'a dyn Port>,
    slot: *mut (),
    waiter: Option<Waiter<Arm>>,
    /// The channel's lock, if this is the one of its arms that has taken it.
    lock: Cell<Option<MutexGuard<'a, ()>>>,
}

impl<'a> Entry<'a> {
    /// One that never comes.
    pub(super) const fn none() -> Entry<'a> {
        Entry { port: None, slot: ptr::null_mut(), waiter: None, lock: Cell::new(None) }
    }

    /// One for an operation with a channel. `slot` is as `Chan::operate` demands, for as long as the entry is in use.
    pub(super) fn new(port: &'a dyn Port, slot: *mut ()) -> Entry<'a> {
        Entry { port: Some(port), slot, waiter: None, lock: Cell::new(None) }
    }

    pub(super) fn has_port(&self) -> bool {
        self.port.is_some()
    }

    fn port(&self) -> &'a dyn Port {
        // The orders name those with a port only.
        self.port.expect("an arm in an order has a channel")
    }

    fn waiter(&self) -> &Waiter<Arm> {
        // It was made before any record was put into a list.
        self.waiter.as_ref().expect("a select that waits has its records")
    }
}

/// Waits for the first of them, until `until` at the latest. Returns which, and whether its message has changed its place: else the
/// other side of that channel is gone.
///
/// `by_lock` and `by_chance` are as long as `entries`, and hold the orders in which locks are taken and arms are tried.
pub(super) fn first(
    entries: &mut [Entry<'_>],
    by_lock: &mut [usize],
    by_chance: &mut [usize],
    until: u64,
) -> Result<(usize, bool), Ended> {
    let mut count = 0;
    for (index, _) in entries.iter().enumerate().filter(|(_, entry)| entry.has_port()) {
        by_lock[count] = index;
        // Fisher and Yates's shuffle, inside out: each of those that are ready is as likely to be the first.
        let other = if count == 0 { 0 } else { chance::below(count as u32 + 1) as usize };
        by_chance[count] = by_chance[other];
        by_chance[other] = index;
        count += 1;
    }
    let (by_lock, by_chance) = (&mut by_lock[..count], &by_chance[..count]);
    by_lock.sort_unstable_by_key(|&index| ptr::from_ref(entries[index].port().raw_lock()));
    let gp = sched::waiter();

    // Before anything is taken: the caller may not go on after others have had their turns.
    sched::spend();
    lock_all(entries, by_lock);
    for &index in by_chance {
        let entry = &entries[index];
        // SAFETY: its channel is locked, and the entry was made with such a slot.
        if let Some(done) = unsafe { entry.port().try_now(entry.slot) } {
            unlock_all(entries, by_lock);
            let was_given = done.was_given;
            done.finish();
            return Ok((index, was_given));
        }
    }
    if until == AT_ONCE {
        unlock_all(entries, by_lock);
        return Err(Ended::TimedOut);
    }
    let ticket = Ticket::new();
    for &index in &*by_lock {
        let slot = entries[index].slot;
        entries[index].waiter = Some(Waiter::with(gp, Arm { ticket: &ticket, slot, index }));
    }
    let entries = &*entries;
    // By chance again: a message comes to the first of the arms that wait at its channel.
    for &index in by_chance {
        // SAFETY: its channel is locked; the record is new, and stays here until it has been taken out, by who chooses it or below.
        unsafe { entries[index].port().enlist(entries[index].waiter()) };
    }
    unlock_all(entries, by_lock);

    let several = Several { entries, by_lock, ticket: &ticket };
    let ended = with_will(gp, &several, || park_within(gp, WaitReason::Select, until, &ticket));
    let chosen = (ended == Ended::Readied).then(|| ticket.chosen());
    several.leave(chosen);
    match chosen {
        Some(index) => Ok((index, entries[index].waiter().fate.get() == Fate::Given)),
        None => Err(ended),
    }
}

/// The records of one select.
struct Several<'a, 'e> {
    entries: &'a [Entry<'e>],
    by_lock: &'a [usize],
    ticket: &'a Ticket,
}

impl Several<'_, '_> {
    /// Takes them out of the lists, but for the one that was chosen. No other is any more.
    fn leave(&self, chosen: Option<usize>) {
        for &index in self.by_lock.iter().filter(|&&index| Some(index) != chosen) {
            let port = self.entries[index].port();
            let _lock = take(port.raw_lock());
            // SAFETY: its channel is locked, and it was put into that list.
            unsafe { port.leave(self.entries[index].waiter()) };
        }
    }
}

impl Bequest for Several<'_, '_> {
    fn pass_on(&self) {
        let chosen = self.ticket.give_up();
        self.leave(chosen);
        if let Some(index) = chosen {
            // SAFETY: it was chosen, and its owner does not go on.
            unsafe { self.entries[index].port().pass_on(self.entries[index].waiter()) };
        }
    }
}

/// Takes the locks of all, each once, in the order of their addresses.
fn lock_all(entries: &[Entry<'_>], by_lock: &[usize]) {
    let mut last = ptr::null();
    for &index in by_lock {
        let lock = entries[index].port().raw_lock();
        if !ptr::eq(lock, last) {
            entries[index].lock.set(Some(take(lock)));
            last = lock;
        }
    }
}

fn unlock_all(entries: &[Entry<'_>], by_lock: &[usize]) {
    for &index in by_lock {
        entries[index].lock.set(None);
    }
}
