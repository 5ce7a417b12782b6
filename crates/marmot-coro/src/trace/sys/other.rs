//! Systems whose loader is not asked here: no module is known, so a walk follows frame pointers, and reads coroutines'
//! stacks only.

use super::mapped::Mapped;

/// Nothing changes, as far as is known.
pub(super) fn changes() -> (u64, u64) {
    (0, 0)
}

/// No module is known.
pub(super) fn each_module(_f: impl FnMut(Mapped)) {}

/// There is no way that is known here.
pub(in super::super) fn copy_words(_address: usize, _words: &mut [usize]) -> bool {
    false
}

/// Nothing: no module is known, so that nobody asks for them while another thread forks.
pub(super) fn around_fork(_before: extern "C" fn(), _in_parent: extern "C" fn(), _in_child: extern "C" fn()) {}
