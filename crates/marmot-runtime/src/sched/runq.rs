//! The local run queue: one producer, many consumers, a fixed ring, and the `run_next` slot.
//!
//! A P's ring holds goroutines that have not started (and, later, roaming ones). Only the M that
//! holds the P pushes; it pops from the front, and so do thieves, who take half of what is there.
//! The algorithm is the one of Go's `runq` and of tokio's local queue: indices are free-running, a
//! consumer copies first and claims by compare-and-swap of `head` afterwards.
//!
//! | word | written by | meaning |
//! |---|---|---|
//! | `tail` | the owner | slots below it are published |
//! | `head` | any consumer, by CAS | slots below it are consumed and may be written again |
//! | `next` | the owner puts, anyone takes | the goroutine that was made last; it runs next |
//!
//! Why a copied slot is never stale: the owner writes slot `i % N` again only after it has seen
//! `head > i`, and a consumer that copied slot `i` succeeds only if `head` was still `<= i` when it
//! swapped.
//!
//! Rejected: a Chase–Lev deque, whose owner works last-in first-out and starves the oldest; and a
//! lock, which a thief could hold while its thread is not running.

use std::ptr;

use crossbeam_utils::CachePadded;

use crate::primitive::RUN_QUEUE_SLOTS as SLOTS;
use crate::primitive::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// Half of the ring, and the element that found it full: what moves to the global queue on
/// overflow.
pub(crate) const OVERFLOW: usize = SLOTS / 2 + 1;

/// A ring of pointers to `T` with one producer and many consumers.
pub(crate) struct RunQueue<T> {
    head: CachePadded<AtomicU32>,
    tail: CachePadded<AtomicU32>,
    next: AtomicPtr<T>,
    slots: Box<[AtomicPtr<T>]>,
}

impl<T> RunQueue<T> {
    pub(crate) fn new() -> Self {
        RunQueue {
            head: CachePadded::new(AtomicU32::new(0)),
            tail: CachePadded::new(AtomicU32::new(0)),
            next: AtomicPtr::new(ptr::null_mut()),
            slots: (0..SLOTS).map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
        }
    }

    /// Whether the ring and the `run_next` slot looked empty. Exact only for the owner, and only
    /// until a thief comes; after a `SeqCst` fence it is what the sleep protocol in [`super::idle`]
    /// needs.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.load(Relaxed).is_null() && self.tail.load(Acquire) == self.head.load(Acquire)
    }

    /// Puts `t` into `run_next` and returns what it displaced. Owner only.
    pub(crate) fn put_next(&self, t: *mut T) -> Option<*mut T> {
        // Release pairs with the Acquire of `take_next`: the taker sees the goroutine.
        let old = self.next.swap(t, AcqRel);
        (!old.is_null()).then_some(old)
    }

    /// Takes what is in `run_next`. Anyone.
    pub(crate) fn take_next(&self) -> Option<*mut T> {
        if self.next.load(Relaxed).is_null() {
            return None;
        }
        // Acquire pairs with the Release in `put_next`.
        let t = self.next.swap(ptr::null_mut(), AcqRel);
        (!t.is_null()).then_some(t)
    }

    /// Appends `t`. When the ring is full, takes half of it out and gives that and `t` to
    /// `overflow` in order. Owner only.
    pub(crate) fn push(&self, t: *mut T, overflow: impl FnOnce(&[*mut T])) {
        let tail = self.tail.load(Relaxed);
        loop {
            // Acquire pairs with the consumers' Release CAS: they have copied what they took.
            let head = self.head.load(Acquire);
            if tail.wrapping_sub(head) < SLOTS as u32 {
                self.slots[tail as usize % SLOTS].store(t, Relaxed);
                // Release pairs with the consumers' Acquire of `tail`: they see the slot and the
                // goroutine.
                self.tail.store(tail.wrapping_add(1), Release);
                return;
            }
            let mut batch = [ptr::null_mut(); OVERFLOW];
            for (i, b) in batch[..SLOTS / 2].iter_mut().enumerate() {
                *b = self.slots[head.wrapping_add(i as u32) as usize % SLOTS].load(Relaxed);
            }
            let after = head.wrapping_add(SLOTS as u32 / 2);
            // Release pairs with the next Acquire of `head`; a failure means that a thief made
            // room.
            if self.head.compare_exchange(head, after, Release, Relaxed).is_ok() {
                batch[OVERFLOW - 1] = t;
                overflow(&batch);
                return;
            }
        }
    }

    /// Takes the oldest element of the ring. Owner only.
    pub(crate) fn pop(&self) -> Option<*mut T> {
        // Relaxed: only this thread writes `tail` and the slots, and a `head` that is out of date
        // does not pass the swap.
        let tail = self.tail.load(Relaxed);
        let mut head = self.head.load(Relaxed);
        loop {
            if head == tail {
                return None;
            }
            let t = self.slots[head as usize % SLOTS].load(Relaxed);
            // Release pairs with the Acquire of `head` in `steal_into`.
            match self.head.compare_exchange_weak(head, head.wrapping_add(1), Release, Relaxed) {
                Ok(_) => return Some(t),
                Err(now) => head = now,
            }
        }
    }

    /// Moves half of this ring into `dst`, whose owner calls, and returns one of them to run at
    /// once.
    pub(crate) fn steal_into(&self, dst: &RunQueue<T>) -> Option<*mut T> {
        let dst_tail = dst.tail.load(Relaxed);
        // Acquire pairs with the Release CAS of those who steal from `dst`.
        let room = SLOTS as u32 - dst_tail.wrapping_sub(dst.head.load(Acquire));
        // Acquire pairs with the Release of every other consumer: the `tail` that is read next is
        // not behind `head`.
        let mut head = self.head.load(Acquire);
        let (n, last) = loop {
            // Acquire pairs with the owner's Release store in `push`.
            let tail = self.tail.load(Acquire);
            let len = tail.wrapping_sub(head);
            if len > SLOTS as u32 {
                // `head` was read before others consumed and the owner pushed: the pair is torn.
                head = self.head.load(Acquire);
                continue;
            }
            // One is returned and needs no room.
            let n = (len - len / 2).min(room + 1);
            if n == 0 {
                return None;
            }
            for i in 0..n - 1 {
                let t = self.slots[head.wrapping_add(i) as usize % SLOTS].load(Relaxed);
                dst.slots[dst_tail.wrapping_add(i) as usize % SLOTS].store(t, Relaxed);
            }
            let last = self.slots[head.wrapping_add(n - 1) as usize % SLOTS].load(Relaxed);
            // Release pairs with the Acquire in `push`, by which the slots that were copied may be
            // written again, and with that of other thieves; Acquire as above.
            match self.head.compare_exchange(head, head.wrapping_add(n), AcqRel, Acquire) {
                Ok(_) => break (n, last),
                Err(now) => head = now,
            }
        };
        if n > 1 {
            // Release pairs with the Acquire of those who steal from `dst`.
            dst.tail.store(dst_tail.wrapping_add(n - 1), Release);
        }
        Some(last)
    }
}
