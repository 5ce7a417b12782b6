//! The pool: every stack of the process, or of a test.

use std::sync::LazyLock;
use std::{array, fmt, ptr};

use super::class::{self, Class};
use super::guard::Guards;
use super::{Base, GuardPolicy, Stack, StackError};

/// The process's own pool.
static GLOBAL: LazyLock<StackPool> = LazyLock::new(|| StackPool::new(GuardPolicy::Auto));

/// Hands out guarded stacks of several size classes and takes them back; any thread may use it.
///
/// Stacks are reserved in slabs, the first of a class small and each later one twice as large, so
/// that a small program reserves little and a million stacks need a few dozen mappings. Address
/// space, once reserved, is kept; memory can be given back to the kernel by [`trim`](Self::trim).
pub struct StackPool {
    classes: [Class; class::COUNT],
    guards: Guards,
}

impl StackPool {
    /// The pool of the process.
    #[inline]
    pub fn global() -> &'static Self {
        &GLOBAL
    }

    /// A pool of its own. [`take`](Self::take) wants it for the life of the process: leak it.
    pub fn new(policy: GuardPolicy) -> Self {
        Self::from_guards(Guards::new(policy))
    }

    /// A pool whose `mprotect` guards may add at most `budget` mappings to the process, two a
    /// stack. Otherwise the budget is what the kernel allows (`vm.max_map_count`) less a reserve
    /// for the rest of the process.
    pub fn with_mapping_budget(policy: GuardPolicy, budget: usize) -> Self {
        Self::from_guards(Guards::with_budget(policy, budget))
    }

    /// Takes a stack of at least `size` usable bytes: the most recently used free one of its size
    /// class, or a new one. What is in it is unspecified.
    ///
    /// # Errors
    ///
    /// When `size` is over [`MAX_STACK_SIZE`](crate::MAX_STACK_SIZE), or when memory, address space
    /// or memory maps have run out.
    pub fn take(&'static self, size: usize) -> Result<Stack, StackError> {
        let class = self.class_for(size)?;
        let base = match class.pop() {
            Some(base) => base,
            None => self.make(class)?,
        };
        Ok(Stack { base, class })
    }

    /// Gives the memory of idle stacks back to the kernel: of those that have been free ever since
    /// the last call. Says how many stacks those were. They keep their guards and can be taken as
    /// before, at the price of a page fault.
    ///
    /// Call it now and then from a thread that is in no hurry. A stack in a
    /// [`StackCache`](crate::StackCache) is not reached.
    pub fn trim(&self) -> usize {
        self.classes.iter().map(Class::trim).sum()
    }

    /// The figures of the pool. Each is exact; together they are of slightly different moments.
    pub fn stats(&self) -> StackStats {
        let mut stats = StackStats { mappings: self.guards.mappings(), ..StackStats::default() };
        for count in self.classes.iter().map(Class::count) {
            stats.in_use += count.made - count.free;
            stats.free += count.free;
            stats.mappings += count.slabs;
            stats.reserved += count.reserved;
        }
        stats
    }

    #[inline]
    pub(super) fn class_for(&'static self, size: usize) -> Result<&'static Class, StackError> {
        match Class::index_for(size) {
            Some(index) => Ok(&self.classes[index]),
            None => Err(StackError::too_large(size)),
        }
    }

    /// The class with this index.
    pub(super) fn class(&self, index: usize) -> &Class {
        &self.classes[index]
    }

    /// Whether `class` is one of this pool's.
    #[inline]
    pub(super) fn owns(&self, class: &Class) -> bool {
        ptr::eq(class, &self.classes[class.index()])
    }

    /// Makes a stack that was never used ready for use.
    #[cold]
    pub(super) fn make(&self, class: &Class) -> Result<Base, StackError> {
        let base = class.take_bare()?;
        let guard = base.get() - class.size() - class.guard();
        // SAFETY: the guard is the low end of the slot that ends at `base`, whole pages, and nobody
        // uses a bare slot.
        match unsafe { self.guards.install(guard, class.guard()) } {
            Ok(()) => Ok(base),
            Err(error) => {
                class.put_bare(base);
                Err(error)
            }
        }
    }

    fn from_guards(guards: Guards) -> Self {
        Self { classes: array::from_fn(Class::new), guards }
    }
}

impl fmt::Debug for StackPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackPool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// The figures of a [`StackPool`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StackStats {
    /// Stacks that were taken and not given back: running, held in caches, or leaked.
    pub in_use: usize,
    /// Free stacks in the shared lists.
    pub free: usize,
    /// Mappings: one a slab, and what `mprotect` guards have split off.
    pub mappings: usize,
    /// Bytes of address space reserved, guards included.
    pub reserved: usize,
}
