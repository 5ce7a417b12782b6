//! Systems whose loader is not asked here: no module is known, so a walk follows frame pointers, and reads coroutines'
//! stacks only.

use std::ops::Range;

/// The unwind tables of a module.
pub(super) struct Tables {
    /// The index.
    pub(super) index: &'static [u8],
    /// The frames.
    pub(super) frames: &'static [u8],
}

/// What the loader has mapped: a program or a library.
pub(super) struct Mapped {
    pub(super) addresses: Range<usize>,
    /// What is added to the addresses that it was linked for.
    pub(super) bias: usize,
    pub(super) tables: Option<Tables>,
    /// The program itself, which stays mapped.
    pub(super) is_program: bool,
}

/// Nothing changes, as far as is known.
pub(super) fn changes() -> (u64, u64) {
    (0, 0)
}

/// No module is known.
pub(super) fn each_module(_f: impl FnMut(Mapped)) {}

/// There is no way to try that is known here.
pub(in super::super) fn is_readable(_address: usize) -> bool {
    false
}
