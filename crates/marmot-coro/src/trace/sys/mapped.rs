//! What a system tells of a module, the program or a library.

use std::ops::Range;

/// The unwind tables of a module, as `PT_GNU_EH_FRAME` describes them (Linux Standard Base, "Exception Frames").
pub(super) struct Tables {
    /// `.eh_frame_hdr`, the index.
    pub(super) index: &'static [u8],
    /// `.eh_frame`, and what follows it in its segment: its own end is marked inside.
    pub(super) frames: &'static [u8],
}

/// What the loader has mapped: a program or a library.
pub(super) struct Mapped {
    pub(super) addresses: Range<usize>,
    /// What is added to the addresses that it was linked for.
    pub(super) bias: usize,
    /// None if it has no tables, or writes them in a way that no linker uses.
    pub(super) tables: Option<Tables>,
    /// The program itself, which stays mapped.
    pub(super) is_program: bool,
}
