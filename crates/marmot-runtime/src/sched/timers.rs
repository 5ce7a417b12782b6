//! The timer heap of a P.
//!
//! A four-ary heap of points in time, in nanoseconds of [`super::clock`]. Timers are intrusive:
//! they sit in what they wake (a G, a descriptor) and know their place in the
//! heap, so arming allocates nothing, moving costs a sift, and whoever owns a timer can disarm it
//! from any thread before the memory goes away.
//!
//! The heap has a lock, which its P's M nearly always finds free. A timer fires under the lock, so
//! that after [`Timer::disarm`] has returned it does not fire any more. What it calls must therefore
//! neither wait nor arm; it asks to be armed again by its return value, and gives the goroutines
//! whose time has come to [`Due`]: they are readied when the lock has been released, because readying
//! may, when the runtime has stopped, drop a closure and with it other timers.
//!
//! Rejected: a heap without a lock that only its M touches; closing a descriptor from another M
//! would have to send that M a message and wait for it. And a timer wheel: its ticks are too coarse
//! for short sleeps, or too many for long ones.

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{
    AtomicPtr, AtomicU64,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};
use std::sync::{Arc, Mutex, MutexGuard};

use super::g::G;
use super::park;
use super::queue::List;

/// What a timer does when its time has come. It is called under the heap's lock, and returns the
/// time for which it is to be armed again.
pub(crate) type Fire = unsafe fn(NonNull<Timer>, now: u64, due: &mut Due) -> Option<u64>;

/// What is to be called when a time has come: on an M, with no lock held, and it must not park.
pub(crate) trait Ring: Send + Sync {
    fn ring(self: Arc<Self>);
}

/// Goroutines that are to be readied, and what is to be called.
pub(crate) struct Due(List<G>, Vec<Arc<dyn Ring>>);

impl Due {
    /// Adds something to be called.
    pub(crate) fn call(&mut self, ring: Arc<dyn Ring>) {
        self.1.push(ring);
    }

    /// Adds `gp`, which the caller has taken out of the place where it waited.
    pub(crate) fn push(&mut self, gp: NonNull<G>) {
        // SAFETY: it waited, so it is in no queue, and a G stays until its goroutine has ended.
        unsafe { self.0.push(gp) }
    }
}

/// `when` of a timer that is in no heap.
const UNARMED: u64 = u64::MAX;

/// The latest time for which a timer can be armed: five centuries from the start.
const LATEST: u64 = UNARMED - 2;

/// A timer, to be embedded in what it wakes. It must be disarmed before it goes away.
pub(crate) struct Timer {
    /// Written under the lock of the heap that holds it.
    when: AtomicU64,
    /// The heap that holds it, or held it last.
    heap: AtomicPtr<Timers>,
    /// Its index there; under that heap's lock.
    index: Cell<usize>,
}

// SAFETY: `index` is touched only under the heap's lock, the rest is atomic.
unsafe impl Send for Timer {}
// SAFETY: as above.
unsafe impl Sync for Timer {}

impl Timer {
    pub(crate) const fn new() -> Self {
        Timer { when: AtomicU64::new(UNARMED), heap: AtomicPtr::new(ptr::null_mut()), index: Cell::new(0) }
    }

    /// Whether it will fire at `when` or before. `SeqCst`: pairs with the store in
    /// [`Timers::fire_due`], so that either this sees that the timer has fired, or what the timer
    /// calls sees what the caller wrote before.
    pub(crate) fn fires_by(&self, when: u64) -> bool {
        self.when.load(SeqCst) <= when
    }

    /// Takes it out of its heap. When this has returned, it is not firing and will not fire.
    pub(crate) fn disarm(&self) {
        // Acquire pairs with the Release in `arm`. Armings and disarmings of one timer are ordered
        // by its owner. SAFETY: heaps live as long as the process.
        let Some(heap) = (unsafe { self.heap.load(Acquire).as_ref() }) else { return };
        // A timer that is firing right now has `when` unset already, so the lock is needed in any
        // case.
        let mut entries = heap.lock();
        if self.when.load(Relaxed) != UNARMED {
            remove(&mut entries, self.index.get());
            self.when.store(UNARMED, Relaxed);
            heap.publish(&entries);
        }
    }
}

struct Entry {
    when: u64,
    timer: NonNull<Timer>,
    fire: Fire,
}

/// A heap of timers. It lives as long as the process.
pub(crate) struct Timers {
    entries: Mutex<Vec<Entry>>,
    /// The earliest time in the heap; `u64::MAX` when it is empty.
    next: AtomicU64,
}

// SAFETY: the entries' pointers are followed only under the lock, while their timers are armed.
unsafe impl Send for Timers {}
// SAFETY: as above.
unsafe impl Sync for Timers {}

impl Timers {
    pub(crate) fn new() -> Self {
        Timers { entries: Mutex::new(Vec::new()), next: AtomicU64::new(UNARMED) }
    }

    /// When the first timer is due; `u64::MAX` if there is none.
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Relaxed)
    }

    /// Arms `timer` for `when`, or moves it there.
    ///
    /// # Safety
    ///
    /// `timer` stays where it is until it has fired for good or has been disarmed, `fire` fits what
    /// it is embedded in, and nobody else arms or disarms it meanwhile.
    pub(crate) unsafe fn arm(&'static self, timer: &Timer, when: u64, fire: Fire) {
        let when = when.min(LATEST);
        if !ptr::eq(timer.heap.load(Relaxed), self) {
            timer.disarm();
        }
        let mut entries = self.lock();
        // Release pairs with the Acquire in `disarm`.
        timer.heap.store(ptr::from_ref(self).cast_mut(), Release);
        if timer.when.load(Relaxed) == UNARMED {
            timer.index.set(entries.len());
            entries.push(Entry { when, timer: NonNull::from(timer), fire });
        } else {
            entries[timer.index.get()].when = when;
        }
        timer.when.store(when, Relaxed);
        settle(&mut entries, timer.index.get());
        self.publish(&entries);
    }

    /// Fires what is due at `now`; returns how many did.
    pub(crate) fn fire_due(&self, now: u64) -> usize {
        if self.next() > now {
            return 0;
        }
        let (mut fired, mut due) = (0, Due(List::new(), Vec::new()));
        let mut entries = self.lock();
        while let Some(first) = entries.first().filter(|e| e.when <= now) {
            let Entry { timer, fire, .. } = *first;
            // SAFETY: an armed timer is alive, and cannot be disarmed while we hold the lock.
            let word = unsafe { &timer.as_ref().when };
            // SeqCst: pairs with the load in `fires_by`.
            word.store(UNARMED, SeqCst);
            // SAFETY: as the one who armed it promised.
            match unsafe { fire(timer, now, &mut due) } {
                Some(again) => {
                    let again = again.clamp(now + 1, UNARMED - 1);
                    word.store(again, Relaxed);
                    entries[0].when = again;
                    settle(&mut entries, 0);
                }
                None => remove(&mut entries, 0),
            }
            fired += 1;
        }
        self.publish(&entries);
        drop(entries);
        while let Some(gp) = due.0.pop() {
            park::ready(gp);
        }
        due.1.into_iter().for_each(Ring::ring);
        fired
    }

    /// Fires everything, because nobody will look at this heap any more. A waiter of another runtime,
    /// which has relied on a timer here, looks again and arms it where it runs.
    pub(crate) fn give_up(&self) {
        self.fire_due(LATEST);
    }

    fn publish(&self, entries: &[Entry]) {
        self.next.store(entries.first().map_or(UNARMED, |e| e.when), Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // Nothing that panics runs under the lock.
        self.entries.lock().unwrap_or_else(|e| e.into_inner())
    }
}

const ARITY: usize = 4;

fn swap(entries: &mut [Entry], i: usize, j: usize) {
    entries.swap(i, j);
    for k in [i, j] {
        // SAFETY: armed timers are alive, and the lock is held.
        unsafe { entries[k].timer.as_ref() }.index.set(k);
    }
}

/// Moves the entry at `i` to where it belongs.
fn settle(entries: &mut [Entry], mut i: usize) {
    while i > 0 && entries[i].when < entries[(i - 1) / ARITY].when {
        let parent = (i - 1) / ARITY;
        swap(entries, i, parent);
        i = parent;
    }
    loop {
        let children = (i * ARITY + 1).min(entries.len())..(i * ARITY + 1 + ARITY).min(entries.len());
        match children.min_by_key(|&c| entries[c].when) {
            Some(c) if entries[c].when < entries[i].when => {
                swap(entries, i, c);
                i = c;
            }
            _ => return,
        }
    }
}

/// Takes out the entry at `i`, without touching its timer.
fn remove(entries: &mut Vec<Entry>, i: usize) {
    entries.swap_remove(i);
    if i < entries.len() {
        // SAFETY: armed timers are alive, and the lock is held.
        unsafe { entries[i].timer.as_ref() }.index.set(i);
        settle(entries, i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heap() -> &'static Timers {
        Box::leak(Box::new(Timers::new()))
    }

    fn once(_: NonNull<Timer>, _: u64, _: &mut Due) -> Option<u64> {
        None
    }

    /// A cheap generator: the test needs variety, not quality.
    fn next(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *seed >> 33
    }

    #[test]
    fn fires_in_order_whatever_was_moved_or_disarmed() {
        let heap = heap();
        let timers: Vec<Timer> = (0..500).map(|_| Timer::new()).collect();
        let mut due = vec![None; timers.len()];
        let mut seed = 7;
        for _ in 0..5000 {
            let i = next(&mut seed) as usize % timers.len();
            if next(&mut seed).is_multiple_of(4) {
                timers[i].disarm();
                due[i] = None;
            } else {
                let when = 1 + next(&mut seed) % 10_000;
                // SAFETY: the timers outlive the heap's use, and this thread is alone.
                unsafe { heap.arm(&timers[i], when, once) };
                due[i] = Some(when);
            }
        }
        let mut left: Vec<u64> = due.iter().flatten().copied().collect();
        left.sort_unstable();
        while let Some(&first) = left.first() {
            assert_eq!(heap.next(), first);
            let n = left.iter().take_while(|&&w| w == first).count();
            assert_eq!(heap.fire_due(first - 1), 0);
            assert_eq!(heap.fire_due(first), n);
            left.drain(..n);
        }
        assert_eq!(heap.next(), u64::MAX);
        assert!(timers.iter().all(|t| !t.fires_by(u64::MAX - 1)));
    }

    #[test]
    fn a_timer_may_ask_to_be_armed_again() {
        fn again(_: NonNull<Timer>, now: u64, _: &mut Due) -> Option<u64> {
            (now < 30).then_some(now + 10)
        }
        let heap = heap();
        let timer = Timer::new();
        // SAFETY: the timer outlives its arming.
        unsafe { heap.arm(&timer, 10, again) };
        assert_eq!((heap.fire_due(10), heap.next()), (1, 20));
        assert_eq!((heap.fire_due(20), heap.next()), (1, 30));
        assert_eq!((heap.fire_due(30), heap.next()), (1, u64::MAX));
    }

    #[test]
    fn arming_in_another_heap_leaves_the_first() {
        let (a, b) = (heap(), heap());
        let timer = Timer::new();
        // SAFETY: the timer is disarmed at the end.
        unsafe {
            a.arm(&timer, 5, once);
            b.arm(&timer, 9, once);
        }
        assert_eq!((a.next(), b.next()), (u64::MAX, 9));
        timer.disarm();
        timer.disarm();
        assert_eq!(b.next(), u64::MAX);
    }
}
