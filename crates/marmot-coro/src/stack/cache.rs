//! One owner's front to a pool: no lock and no atomic in the common case.

use std::fmt;

use super::class;
use super::{Base, Stack, StackError, StackPool};

/// The most free stacks of a size class that a cache holds.
const CAPACITY: usize = 64;

/// How many go to or come from the pool at a time. Half of the capacity, so that an owner who takes
/// and gives around the edge does not go to the pool each time.
const BATCH: usize = CAPACITY / 2;

/// A last-in first-out front to a [`StackPool`] for a single owner, such as a thread that runs
/// coroutines.
///
/// It holds up to 64 free stacks of each size class, refills from the pool and spills to it in
/// batches, and gives everything back when it is dropped or [flushed](Self::flush).
pub struct StackCache {
    pool: &'static StackPool,
    free: [Vec<Base>; class::COUNT],
}

impl StackCache {
    /// An empty cache of `pool`.
    pub fn new(pool: &'static StackPool) -> Self {
        Self { pool, free: [const { Vec::new() }; class::COUNT] }
    }

    /// Takes a stack of at least `size` usable bytes, as [`StackPool::take`] does.
    ///
    /// # Errors
    ///
    /// As [`StackPool::take`].
    #[inline]
    pub fn take(&mut self, size: usize) -> Result<Stack, StackError> {
        let class = self.pool.class_for(size)?;
        let base = match self.free[class.index()].pop() {
            Some(base) => base,
            None => self.refill(class)?,
        };
        Ok(Stack { base, class })
    }

    /// Puts a stack on top, to be taken next. One of another pool goes home.
    #[inline]
    pub fn put(&mut self, stack: Stack) {
        if !self.pool.owns(stack.class) {
            return;
        }
        let free = &mut self.free[stack.class.index()];
        if free.len() == CAPACITY {
            // The bottom goes: it is the part least likely to be in the processor's cache.
            stack.class.push_batch(free.drain(..BATCH));
        }
        free.push(stack.base);
        std::mem::forget(stack);
    }

    /// Gives every free stack back to the pool, where others and [`StackPool::trim`] find them.
    pub fn flush(&mut self) {
        for (index, free) in self.free.iter_mut().enumerate() {
            if !free.is_empty() {
                self.pool.class(index).push_batch(free.drain(..));
            }
        }
    }

    /// Takes a batch of free stacks from the pool, or makes one stack if the pool has none free.
    #[cold]
    fn refill(&mut self, class: &class::Class) -> Result<Base, StackError> {
        let free = &mut self.free[class.index()];
        free.reserve_exact(CAPACITY);
        class.pop_batch(free, BATCH);
        match free.pop() {
            Some(base) => Ok(base),
            None => self.pool.make(class),
        }
    }
}

impl Drop for StackCache {
    fn drop(&mut self) {
        self.flush();
    }
}

impl fmt::Debug for StackCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackCache")
            .field("free", &self.free.iter().map(Vec::len).sum::<usize>())
            .finish_non_exhaustive()
    }
}
