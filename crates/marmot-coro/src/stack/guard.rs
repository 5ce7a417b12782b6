//! Guards: the inaccessible bytes below each stack.
//!
//! Two ways exist. Linux 6.13 has guards that live in the page table (`MADV_GUARD_INSTALL`,
//! madvise(2)) and leave the mapping whole. `mprotect` splits the mapping, two more for each stack,
//! and a process may have only so many (`vm.max_map_count`); when they are all gone, *every* `mmap`
//! in the process fails, `malloc`'s included. So that way has a budget, which leaves the rest of
//! the process its share.
//!
//! Once installed, a guard stays: stacks that are used again keep theirs.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{StackError, sys};

/// The mappings that one `mprotect` guard adds: its own, and the other part of the one that it
/// splits.
const MAPPINGS_PER_GUARD: usize = 2;

/// What of the kernel's limit is left to the rest of the process: this many, or a quarter if the
/// limit is low.
const MAPPINGS_LEFT: usize = 4096;

/// How a pool guards its stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GuardPolicy {
    /// Guards in the page table where the kernel has them (Linux 6.13 and later), else `mprotect`.
    #[default]
    Auto,
    /// `mprotect` always.
    Mprotect,
}

/// The guards of one pool.
pub(super) struct Guards {
    /// Whether the kernel has refused guards in the page table, or was not to be asked.
    splitting: AtomicBool,
    /// The mappings that guards may add; read from the kernel when first wanted.
    budget: OnceLock<usize>,
    /// The mappings that guards have added.
    spent: AtomicUsize,
}

impl Guards {
    pub(super) fn new(policy: GuardPolicy) -> Self {
        Self {
            splitting: AtomicBool::new(policy == GuardPolicy::Mprotect),
            budget: OnceLock::new(),
            spent: AtomicUsize::new(0),
        }
    }

    pub(super) fn with_budget(policy: GuardPolicy, budget: usize) -> Self {
        Self { budget: OnceLock::from(budget), ..Self::new(policy) }
    }

    /// The mappings that guards have added to the process.
    pub(super) fn mappings(&self) -> usize {
        self.spent.load(Ordering::Relaxed)
    }

    /// Makes `len` bytes at `start` inaccessible.
    ///
    /// # Safety
    ///
    /// The range is whole pages of a slab, and nobody uses it.
    pub(super) unsafe fn install(&self, start: usize, len: usize) -> Result<(), StackError> {
        if !self.splitting.load(Ordering::Relaxed) {
            // SAFETY: the caller's promise.
            match unsafe { sys::install_guard(start, len) } {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    self.splitting.store(true, Ordering::Relaxed)
                }
                Err(error) => return Err(StackError::guard(error)),
            }
        }
        self.spend()?;
        // SAFETY: the caller's promise.
        unsafe { sys::protect(start, len) }.map_err(|_| {
            self.spent.fetch_sub(MAPPINGS_PER_GUARD, Ordering::Relaxed);
            StackError::mappings(self.mappings())
        })
    }

    fn spend(&self) -> Result<(), StackError> {
        let budget = *self.budget.get_or_init(|| {
            let limit = sys::mapping_limit();
            limit - MAPPINGS_LEFT.min(limit / 4)
        });
        self.spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
                spent.checked_add(MAPPINGS_PER_GUARD).filter(|&sum| sum <= budget)
            })
            .map(drop)
            .map_err(StackError::mappings)
    }
}
