//! A signal's context where its layout is not known here.

use std::ffi::c_void;

use super::super::Registers;

/// None: the layout is not known.
///
/// # Safety
///
/// It has no precondition here.
pub(in super::super) unsafe fn interrupted(_context: *const c_void) -> Option<Registers> {
    None
}
