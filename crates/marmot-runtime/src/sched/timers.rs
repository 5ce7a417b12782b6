//! The timer heap of a P.
//!
//! A four-ary heap of points in time, in nanoseconds of [`super::clock`]. Timers are intrusive:
//! they sit in what they wake (a G, a descriptor), so arming allocates nothing, moving costs a sift, and whoever owns a
//! timer can disarm it from any thread before the memory goes away.
//!
//! A timer knows a *slot*, which is its own as long as it is armed, and a table knows the place of each slot in the heap. So
//! sifting touches two dense arrays and no timer: those lie on as many pages as there are goroutines that sleep.
//!
//! The heap has a lock, which its P's M nearly always finds free. A timer fires under the lock, so
//! that after [`Timer::disarm`] has returned it does not fire any more. What it calls must therefore
//! neither wait nor arm; it asks to be armed again by its return value, and gives what is to be done about it to [`Due`]:
//! goroutines whose time has come, and [callbacks](Call). That is done when the lock has been released, because readying
//! may, when the runtime has stopped, drop a closure and with it other timers. Timers are fired so many at a time
//! ([`BATCH`]), so that nobody who arms waits for thousands that are due at once.
//!
//! # The end of a runtime
//!
//! Nobody looks any more at the heap of an M that leaves. Most timers in it then belong to what ends with the
//! runtime, or to waiters that look again when they are woken: they fire early. Those that are made by [`Timer::keeping`]
//! *keep their time*: they move, armed, to a heap that [outlives all runtimes](super::outside). That is the one
//! time that a timer changes its heap under its owner, who may be about to disarm it or to arm it anew; therefore both
//! lock the heap that they have found, and look whether the timer is still there. Two heaps are locked
//! at a time only by who gives one up, and that one is locked first; the heap that takes is never given up. So there is no circle. The
//! model is `tests/loom/heaps.rs`.
//!
//! # What was rejected
//!
//! * A heap without a lock that only its M touches: closing a descriptor from another M would have to send that M a message and
//!   wait for it.
//! * Three other ways to keep them, which were measured with one timer to each page, as goroutines have them (nanoseconds of CPU time):
//!
//! | | make and stop, among 100,000 | among a million | fire one of 10,000 | of a million |
//! |---|---|---|---|---|
//! | this | 9 | 9 | 75 | 750 |
//! | a heap whose places are written into the timers | 11 | 10 | 68 | 830 |
//! | a heap in which stopped timers stay until they come to the top | 22 | 50 | 96 | 860 |
//! | a wheel of six levels, with ticks of a microsecond | 6 | 6 | 46 | 460 |
//!
//!   Timers that stay after they were stopped would besides be unable to sit in what they wake. The wheel's gain is three of the hundred
//!   nanoseconds that a timer costs in all, and a twentieth of what the goroutine costs that wakes; for that, timers
//!   of one tick fire in any order, and an M that sleeps has to wake at the borders of the wheel to move those that are far away, where
//!   it now sleeps until the next is due.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::ptr::{self, NonNull};

use super::due::Due;
use crate::primitive::atomic::{
    AtomicPtr, AtomicU64,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};
use crate::primitive::{Mutex, MutexGuard};

/// A kind of timers: where they are in what they sit in, and what they do when their time has come.
///
/// Whoever arms one hands over the address of the whole record, and gets that back. The heap goes from there to the timer, and back by
/// the same address: from a reference to the timer alone, nobody may go to what is around it.
///
/// # Safety
///
/// There is a [`Timer`] at `OFFSET` in each `Record`.
pub(crate) unsafe trait Fire {
    /// What the timer sits in.
    type Record;
    /// Where it is there.
    const OFFSET: usize;

    /// The time has come. It is called under the heap's lock, and returns the time for which the timer is to be armed again.
    ///
    /// # Safety
    ///
    /// `record` is what was armed, and still is.
    unsafe fn fire(record: NonNull<Self::Record>, now: u64, due: &mut Due) -> Option<u64>;
}

/// The timer of a record.
///
/// # Safety
///
/// `record` is the address of one.
#[inline]
unsafe fn timer_of<F: Fire>(record: NonNull<F::Record>) -> NonNull<Timer> {
    // SAFETY: the caller's word, and that of `Fire`.
    unsafe { record.byte_add(F::OFFSET).cast() }
}

/// # Safety
///
/// `timer` is that of an armed record of this kind, by [`timer_of`].
unsafe fn fire<F: Fire>(timer: NonNull<Timer>, now: u64, due: &mut Due) -> Option<u64> {
    // SAFETY: the caller's word: the address came from that of the record.
    unsafe { F::fire(timer.byte_sub(F::OFFSET).cast(), now, due) }
}

/// `when` of a timer that is in no heap.
pub(super) const UNARMED: u64 = u64::MAX;

/// The latest time for which a timer can be armed: five centuries from the start.
pub(super) const LATEST: u64 = UNARMED - 2;

/// So many timers are fired before the heap's lock is released for a moment.
const BATCH: usize = 256;

/// A heap that has become empty keeps room for so many.
pub(super) const ROOM: usize = 4096;

/// A timer, to be embedded in what it wakes. It must be disarmed before it goes away.
pub(crate) struct Timer {
    /// Written under the lock of the heap that holds it.
    when: AtomicU64,
    /// The heap that holds it, or held it last.
    heap: AtomicPtr<Timers>,
    /// Its slot there; under that heap's lock.
    slot: Cell<u32>,
    /// It does not fire early when its heap is given up, but moves to another.
    pub(super) keeps_time: bool,
    /// A heap has its address, also while what it sits in is moved in a box, or dropped: a box, or a unique reference, to what may
    /// move would say that nobody else touches it.
    _pinned: PhantomPinned,
}

// SAFETY: `slot` is touched only under the heap's lock, the rest is atomic or immutable.
unsafe impl Send for Timer {}
// SAFETY: as above.
unsafe impl Sync for Timer {}

impl Timer {
    pub(crate) fn new() -> Timer {
        Timer {
            when: AtomicU64::new(UNARMED),
            heap: AtomicPtr::new(ptr::null_mut()),
            slot: Cell::new(0),
            keeps_time: false,
            _pinned: PhantomPinned,
        }
    }

    /// One that never fires early.
    pub(crate) fn keeping() -> Timer {
        Timer { keeps_time: true, ..Timer::new() }
    }

    /// Whether it will fire at `when` or before. `SeqCst`: pairs with the store in
    /// [`Timers::fire_due`], so that either this sees that the timer has fired, or what the timer
    /// calls sees what the caller wrote before.
    pub(crate) fn fires_by(&self, when: u64) -> bool {
        self.when.load(SeqCst) <= when
    }

    /// Takes it out of its heap, and returns whether it was armed. When this has returned, it is not firing and will not fire.
    pub(crate) fn disarm(&self) -> bool {
        loop {
            // Acquire pairs with the Release in `enter`. Armings and disarmings of one timer are ordered
            // by its owner. SAFETY: heaps live as long as the process.
            let Some(heap) = (unsafe { self.heap.load(Acquire).as_ref() }) else { return false };
            // A timer that is firing right now has `when` unset already, so the lock is needed in any
            // case.
            let mut entries = heap.lock();
            if !self.is_of(heap) {
                continue;
            }
            let was_armed = self.when.load(Relaxed) != UNARMED;
            if was_armed {
                entries.remove(self.slot.get());
                entries.trim();
                self.when.store(UNARMED, Relaxed);
                heap.publish(&entries);
            }
            return was_armed;
        }
    }

    /// Whether this heap has it, or had it last. With the heap locked, that stays so.
    fn is_of(&self, heap: &Timers) -> bool {
        // Relaxed: the heap's lock orders it.
        ptr::eq(self.heap.load(Relaxed), heap)
    }
}

/// A heap of timers. It lives as long as the process.
pub(crate) struct Timers {
    entries: Mutex<Heap>,
    /// The earliest time in the heap; `u64::MAX` when it is empty.
    next: AtomicU64,
}

// SAFETY: the entries' pointers are followed only under the lock, while their timers are armed.
unsafe impl Send for Timers {}
// SAFETY: as above.
unsafe impl Sync for Timers {}

impl Timers {
    pub(crate) fn new() -> Timers {
        Timers { entries: Mutex::new(Heap::new()), next: AtomicU64::new(UNARMED) }
    }

    /// When the first timer is due; `u64::MAX` if there is none.
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Relaxed)
    }

    /// How many are armed in it.
    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Arms the timer of `record` for `when`, or moves it there; returns whether it was armed before.
    ///
    /// # Safety
    ///
    /// The record stays where it is until its timer has fired for good or has been disarmed, and nobody else arms or disarms that
    /// meanwhile. `record` may be used, as [`Fire::fire`] does, for all of it and for as long.
    #[inline]
    pub(crate) unsafe fn arm<F: Fire>(&'static self, record: NonNull<F::Record>, when: u64) -> bool {
        // SAFETY: the caller's word.
        unsafe { self.insert(Armed { timer: timer_of::<F>(record), fire: fire::<F> }, when) }
    }

    /// # Safety
    ///
    /// As for `arm`, of the record of `armed`.
    unsafe fn insert(&'static self, armed: Armed, when: u64) -> bool {
        // SAFETY: the caller's word.
        let timer = unsafe { armed.timer.as_ref() };
        let when = when.min(LATEST);
        let mut was_armed = false;
        loop {
            if !timer.is_of(self) {
                was_armed |= timer.disarm();
                // Release pairs with the Acquire in `disarm`. What is not armed is not moved by anybody else.
                timer.heap.store(ptr::from_ref(self).cast_mut(), Release);
            }
            let mut entries = self.lock();
            if !timer.is_of(self) {
                // The heap has been given up meanwhile, with the timer in it.
                continue;
            }
            if timer.when.load(Relaxed) == UNARMED {
                timer.slot.set(entries.add(when, armed));
            } else {
                was_armed = true;
                entries.change(timer.slot.get(), when);
            }
            timer.when.store(when, Relaxed);
            self.publish(&entries);
            return was_armed;
        }
    }

    /// Fires what is due at `now`; returns how many did.
    pub(crate) fn fire_due(&self, now: u64) -> usize {
        let mut fired = 0;
        while self.next() <= now {
            let mut due = Due::new();
            let mut entries = self.lock();
            let batch = fire_batch(&mut entries, now, &mut due);
            self.publish(&entries);
            drop(entries);
            due.settle();
            fired += batch;
            if batch < BATCH {
                break;
            }
        }
        fired
    }

    /// Empties the heap, because nobody will look at it any more: what keeps its time moves to `heir`, and everything else
    /// fires. A waiter of another runtime, which has relied on a timer here, looks again and arms it where it runs.
    pub(crate) fn give_up(&self, heir: &'static Timers) {
        loop {
            let mut due = Due::new();
            let mut entries = self.lock();
            let moved = hand_over(&mut entries, heir);
            let fired = fire_batch(&mut entries, LATEST, &mut due);
            self.publish(&entries);
            drop(entries);
            due.settle();
            // What was called, or dropped, may have armed others.
            if moved + fired == 0 {
                return;
            }
        }
    }

    /// For how many slots it has memory.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.lock().places.capacity()
    }

    fn publish(&self, entries: &Heap) {
        self.next.store(entries.first().map_or(UNARMED, |e| e.when), Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Heap> {
        // Nothing that panics runs under the lock.
        self.entries.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Fires what is due, but not too many; returns how many.
fn fire_batch(entries: &mut Heap, now: u64, due: &mut Due) -> usize {
    let mut fired = 0;
    while let Some(&first) = entries.first().filter(|e| e.when <= now && fired < BATCH) {
        let Armed { timer, fire } = entries.timers[first.slot as usize];
        // SAFETY: an armed timer is alive, and cannot be disarmed while we hold the lock.
        let word = unsafe { &timer.as_ref().when };
        // SeqCst: pairs with the load in `fires_by`.
        word.store(UNARMED, SeqCst);
        // SAFETY: as the one who armed it promised.
        match unsafe { fire(timer, now, due) } {
            Some(again) => {
                let again = again.clamp(now + 1, UNARMED - 1);
                word.store(again, Relaxed);
                entries.change(first.slot, again);
            }
            None => entries.remove(first.slot),
        }
        fired += 1;
    }
    entries.trim();
    fired
}

/// Moves the timers that keep their time to `heir`; returns how many.
fn hand_over(entries: &mut Heap, heir: &'static Timers) -> usize {
    // SAFETY: armed timers are alive, and the lock is held.
    let keeps_time = |e: &&Entry| unsafe { entries.timers[e.slot as usize].timer.as_ref() }.keeps_time;
    let keepers: Vec<Entry> = entries.entries.iter().filter(keeps_time).copied().collect();
    if keepers.is_empty() {
        return 0;
    }
    let mut theirs = heir.lock();
    for Entry { when, slot } in &keepers {
        let armed = entries.timers[*slot as usize];
        entries.remove(*slot);
        // SAFETY: as above.
        let timer = unsafe { armed.timer.as_ref() };
        // Release pairs with the Acquire in `disarm`.
        timer.heap.store(ptr::from_ref(heir).cast_mut(), Release);
        timer.slot.set(theirs.add(*when, armed));
    }
    heir.publish(&theirs);
    keepers.len()
}

const ARITY: usize = 4;

/// An entry of the heap: a point in time, and whose it is.
#[derive(Clone, Copy)]
struct Entry {
    when: u64,
    slot: u32,
}

/// Who has a slot.
#[derive(Clone, Copy)]
struct Armed {
    /// By an address that may be used for the whole record.
    timer: NonNull<Timer>,
    fire: unsafe fn(NonNull<Timer>, now: u64, due: &mut Due) -> Option<u64>,
}

/// No slot.
const NONE: u32 = u32::MAX;

/// The heap itself, and the table of its slots.
struct Heap {
    entries: Vec<Entry>,
    /// For each slot its entry's place; for a free one, the next that is free.
    places: Vec<u32>,
    /// For each slot whose it is, or was last.
    timers: Vec<Armed>,
    free: u32,
}

impl Heap {
    const fn new() -> Heap {
        Heap { entries: Vec::new(), places: Vec::new(), timers: Vec::new(), free: NONE }
    }

    fn first(&self) -> Option<&Entry> {
        self.entries.first()
    }

    /// Adds an entry, and returns its slot.
    fn add(&mut self, when: u64, armed: Armed) -> u32 {
        let slot = match self.free {
            NONE => {
                // Their memory alone would be more than any machine has.
                let slot = u32::try_from(self.places.len()).expect("a heap has fewer than four billion timers");
                self.places.push(NONE);
                self.timers.push(armed);
                slot
            }
            slot => {
                self.free = self.places[slot as usize];
                self.timers[slot as usize] = armed;
                slot
            }
        };
        self.entries.push(Entry { when, slot });
        self.rise(self.entries.len() - 1);
        slot
    }

    /// Gives the entry of `slot` another time.
    fn change(&mut self, slot: u32, when: u64) {
        let at = self.places[slot as usize] as usize;
        let before = std::mem::replace(&mut self.entries[at].when, when);
        if when < before { self.rise(at) } else { self.sink(at) }
    }

    /// Takes out the entry of `slot`, and frees that.
    fn remove(&mut self, slot: u32) {
        let at = self.places[slot as usize] as usize;
        let Entry { when, .. } = self.entries.swap_remove(at);
        self.places[slot as usize] = std::mem::replace(&mut self.free, slot);
        if let Some(moved) = self.entries.get(at) {
            if moved.when < when { self.rise(at) } else { self.sink(at) }
        }
    }

    /// Gives back what a burst has left.
    fn trim(&mut self) {
        if self.entries.is_empty() && self.places.len() > ROOM {
            *self = Heap::new();
        }
    }

    /// Moves the entry at `at` towards the first place, as far as it belongs.
    fn rise(&mut self, mut at: usize) {
        let entry = self.entries[at];
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if self.entries[parent].when <= entry.when {
                break;
            }
            self.put(at, self.entries[parent]);
            at = parent;
        }
        self.put(at, entry);
    }

    /// Moves the entry at `at` towards the last places, as far as it belongs.
    fn sink(&mut self, mut at: usize) {
        let entry = self.entries[at];
        loop {
            let first = at * ARITY + 1;
            let children = self.entries.get(first..(first + ARITY).min(self.entries.len())).unwrap_or_default();
            let least = children.iter().enumerate().min_by_key(|(_, child)| child.when);
            match least {
                Some((i, &child)) if child.when < entry.when => {
                    self.put(at, child);
                    at = first + i;
                }
                _ => break,
            }
        }
        self.put(at, entry);
    }

    fn put(&mut self, at: usize, entry: Entry) {
        self.entries[at] = entry;
        // The number of entries is that of slots at most.
        self.places[entry.slot as usize] = at as u32;
    }
}
