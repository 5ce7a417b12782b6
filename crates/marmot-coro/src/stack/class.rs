//! Size classes, and the free stacks of each.
//!
//! A class is a power of two of usable bytes. Its free stacks are in three lists:
//!
//! | list | what is in it | order |
//! |---|---|---|
//! | `warm` | given back, with whatever pages it touched | last in, first out |
//! | `clean` | given back, its pages returned to the kernel by [`Class::trim`] | none |
//! | `bare` | mapped, but its guard could not be installed | none |
//!
//! A page fault costs microseconds, hence `warm`. Because it is last-in first-out, what nobody has
//! used for a while is at its bottom: the shortest that the list has been since the last trim
//! (`idle`) is the number of stacks that lay idle all that time. No stack carries a date.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Base, GUARD_SIZE, MAX_STACK_SIZE, MIN_STACK_SIZE, StackError, slab, sys};

/// The number of size classes: 64 KiB to 1 GiB.
pub(super) const COUNT: usize = 15;

/// How many stacks a trim takes out of the list at a time, so that the lock is held briefly and
/// takers find some.
const TRIM_BATCH: usize = 1024;

/// One size class of one pool.
pub(super) struct Class {
    index: usize,
    size: usize,
    guard: usize,
    lists: Mutex<Lists>,
}

/// What a class holds, under its lock.
struct Lists {
    warm: Vec<Base>,
    /// How many at the bottom of `warm` have not moved since the last trim.
    idle: usize,
    clean: Vec<Base>,
    bare: Vec<Base>,
    /// What is left of the newest slab.
    fresh: Range<usize>,
    /// How many stacks the next slab is to have.
    next_slab: usize,
    /// Guarded stacks made so far, wherever they are.
    made: usize,
    slabs: usize,
    reserved: usize,
}

/// The figures of a class.
pub(super) struct Count {
    pub(super) made: usize,
    pub(super) free: usize,
    pub(super) slabs: usize,
    pub(super) reserved: usize,
}

impl Class {
    /// The index of the smallest class that has `size` bytes; none if it is over the largest.
    #[inline]
    pub(super) fn index_for(size: usize) -> Option<usize> {
        if size > MAX_STACK_SIZE {
            return None;
        }
        Some(size.div_ceil(MIN_STACK_SIZE).next_power_of_two().trailing_zeros() as usize)
    }

    pub(super) fn new(index: usize) -> Self {
        let page = sys::page_size();
        let size = (MIN_STACK_SIZE << index).next_multiple_of(page);
        let guard = GUARD_SIZE.next_multiple_of(page);
        Self {
            index,
            size,
            guard,
            lists: Mutex::new(Lists {
                warm: Vec::new(),
                idle: 0,
                clean: Vec::new(),
                bare: Vec::new(),
                fresh: 0..0,
                next_slab: slab::first_len(size + guard),
                made: 0,
                slabs: 0,
                reserved: 0,
            }),
        }
    }

    #[inline]
    pub(super) fn index(&self) -> usize {
        self.index
    }

    #[inline]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    #[inline]
    pub(super) fn guard(&self) -> usize {
        self.guard
    }

    /// The bytes from one stack to the next.
    #[inline]
    fn slot(&self) -> usize {
        self.guard + self.size
    }

    /// Takes a free stack, the most recently used one first.
    pub(super) fn pop(&self) -> Option<Base> {
        self.lock().pop()
    }

    /// Moves up to `count` free stacks into `into`, the most recently used one on top.
    pub(super) fn pop_batch(&self, into: &mut Vec<Base>, count: usize) {
        let from = into.len();
        let mut lists = self.lock();
        while into.len() - from < count
            && let Some(base) = lists.pop()
        {
            into.push(base);
        }
        drop(lists);
        into[from..].reverse();
    }

    /// Gives a stack back. It never allocates: `warm` has room for every stack of the class.
    pub(super) fn push(&self, base: Base) {
        self.lock().warm.push(base);
    }

    /// Gives several stacks back, the most recently used one last.
    pub(super) fn push_batch(&self, bases: impl Iterator<Item = Base>) {
        self.lock().warm.extend(bases);
    }

    /// Takes a stack that was never used; it has **no guard** yet. A slab is mapped when there is
    /// none left.
    pub(super) fn take_bare(&self) -> Result<Base, StackError> {
        let mut lists = self.lock();
        let base = match lists.bare.pop() {
            Some(base) => base,
            None => {
                if lists.fresh.is_empty() {
                    self.grow(&mut lists)?;
                }
                lists.fresh.start += self.slot();
                Base::new(lists.fresh.start).expect("a mapping does not end at address zero")
            }
        };
        lists.made += 1;
        Ok(base)
    }

    /// Puts back what [`take_bare`](Self::take_bare) gave, when its guard could not be installed.
    pub(super) fn put_bare(&self, base: Base) {
        let mut lists = self.lock();
        lists.made -= 1;
        lists.bare.push(base);
    }

    /// Returns to the kernel the pages of the stacks that have been free since the last call, and
    /// says how many stacks those were. Their guards stay.
    pub(super) fn trim(&self) -> usize {
        let mut trimmed = 0;
        loop {
            let mut lists = self.lock();
            let count = lists.idle.min(TRIM_BATCH);
            if count == 0 {
                lists.idle = lists.warm.len();
                return trimmed;
            }
            lists.idle -= count;
            let mut batch: Vec<Base> = lists.warm.drain(..count).collect();
            drop(lists);
            self.discard(&mut batch);
            self.lock().clean.append(&mut batch);
            trimmed += count;
        }
    }

    pub(super) fn count(&self) -> Count {
        let lists = self.lock();
        Count {
            made: lists.made,
            free: lists.warm.len() + lists.clean.len(),
            slabs: lists.slabs,
            reserved: lists.reserved,
        }
    }

    /// Maps the next slab; each is twice the one before it, up to a limit.
    fn grow(&self, lists: &mut Lists) -> Result<(), StackError> {
        let slab = slab::map(self.slot(), self.guard, lists.next_slab)?;
        let len = slab.len() / self.slot();
        lists.next_slab = slab::next_len(self.slot(), len);
        lists.slabs += 1;
        lists.reserved += slab.len();
        lists.fresh = slab;
        let room = lists.made + len - lists.warm.len();
        lists.warm.reserve(room);
        Ok(())
    }

    /// Returns the pages of free stacks to the kernel, neighbours in one call.
    fn discard(&self, bases: &mut [Base]) {
        bases.sort_unstable();
        for run in bases.chunk_by(|low, high| high.get() - low.get() == self.slot()) {
            let start = run[0].get() - self.size;
            let end = run[run.len() - 1].get();
            // SAFETY: the range holds these free stacks, which were taken out of the lists, and the
            // guards between them. Nobody keeps anything in either.
            unsafe { sys::discard(start, end - start) }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        // No panic leaves the lists half changed, so a poisoned lock is as good as any.
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lists {
    fn pop(&mut self) -> Option<Base> {
        match self.warm.pop() {
            Some(base) => {
                self.idle = self.idle.min(self.warm.len());
                Some(base)
            }
            None => self.clean.pop(),
        }
    }
}
