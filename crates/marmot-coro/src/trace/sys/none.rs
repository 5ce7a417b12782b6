//! Processors that `framehop` does not know: stacks are empty.

use super::super::Registers;
use super::Walk;

/// Does nothing: there is nothing to learn.
pub(in super::super) fn prepare_once() {}

/// Nothing has changed.
pub(in super::super) fn look_again() -> bool {
    false
}

/// Finds no frame.
pub(in super::super) fn walk(_registers: &Registers, _skip: usize, _frames: &mut [usize]) -> Walk {
    Walk::Complete(0)
}
