//! The ring between the signal handlers and the collector: bounded, without a lock, many to one.
//!
//! # The protocol
//!
//! It is Vyukov's bounded queue. Positions count up for ever, and a position's slot is its remainder. Each slot has a turn:
//!
//! | turn of the slot of position `p` | meaning | who changes it |
//! |---|---|---|
//! | `p` | free for the writer of `p` | whoever moves `tail` from `p` to `p + 1`, when he has written: to `p + 1` |
//! | `p + 1` | written | the one reader, when it has read: to `p` plus the length |
//!
//! A writer that finds an earlier turn finds the ring full and gives up; he waits for nobody, so that it does not matter whom
//! a signal has interrupted. One that stops while it writes holds up the reader at that slot, and the others only when they
//! have come round to it.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use marmot_coro::trace::MAX_FRAMES;

pub(super) struct Ring {
    slots: Box<[Slot]>,
    /// The position of the next writer.
    tail: AtomicUsize,
    /// The position of the reader.
    head: AtomicUsize,
}

struct Slot {
    turn: AtomicUsize,
    record: UnsafeCell<Record>,
}

/// A sample.
pub(super) struct Record {
    pub(super) epoch: u64,
    pub(super) label: u64,
    /// For how many samples it stands.
    pub(super) count: u32,
    pub(super) len: usize,
    pub(super) frames: [usize; MAX_FRAMES],
}

// SAFETY: a record is reached only by who has the slot's turn, which is handed on with release and acquire.
unsafe impl Sync for Ring {}

impl Ring {
    /// One for `len` records.
    pub(super) fn new(len: usize) -> Ring {
        let slot = |turn| Slot { turn: AtomicUsize::new(turn), record: UnsafeCell::new(Record::default()) };
        Ring { slots: (0..len).map(slot).collect(), tail: AtomicUsize::new(0), head: AtomicUsize::new(0) }
    }

    /// Has `write` fill in a record; false if there is no room. Async-signal-safe, if `write` is.
    pub(super) fn push(&self, write: impl FnOnce(&mut Record)) -> bool {
        let mut position = self.tail.load(Ordering::Relaxed);
        loop {
            let slot = &self.slots[position % self.slots.len()];
            // Acquire pairs with the release in `pop`: the reader has done with it.
            let turn = slot.turn.load(Ordering::Acquire);
            if turn == position {
                let next = position.wrapping_add(1);
                match self.tail.compare_exchange_weak(position, next, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        // SAFETY: `position` was taken by this exchange alone, and the slot is free for it.
                        write(unsafe { &mut *slot.record.get() });
                        // Release pairs with the acquire in `pop`.
                        slot.turn.store(next, Ordering::Release);
                        return true;
                    }
                    Err(other) => position = other,
                }
            } else if (turn.wrapping_sub(position) as isize) < 0 {
                return false;
            } else {
                position = self.tail.load(Ordering::Relaxed);
            }
        }
    }

    /// Has `read` look at the oldest record, if there is one. For one thread at a time.
    pub(super) fn pop(&self, read: impl FnOnce(&Record)) -> Option<()> {
        let position = self.head.load(Ordering::Relaxed);
        let slot = &self.slots[position % self.slots.len()];
        // Acquire pairs with the release in `push`.
        if slot.turn.load(Ordering::Acquire) != position.wrapping_add(1) {
            return None;
        }
        // SAFETY: it was written, and is the reader's until the turn is handed on.
        read(unsafe { &*slot.record.get() });
        // Release pairs with the acquire in `push`.
        slot.turn.store(position.wrapping_add(self.slots.len()), Ordering::Release);
        self.head.store(position.wrapping_add(1), Ordering::Relaxed);
        Some(())
    }
}

impl Record {
    pub(super) fn stack(&self) -> &[usize] {
        &self.frames[..self.len]
    }
}

impl Default for Record {
    fn default() -> Self {
        Record { epoch: 0, label: 0, count: 0, len: 0, frames: [0; MAX_FRAMES] }
    }
}

#[cfg(test)]
mod tests;
