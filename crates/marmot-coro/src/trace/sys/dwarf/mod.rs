//! Unwinding by tables.

mod desk;
mod modules;

use std::num::NonZeroU64;

use framehop::{FrameAddress, Unwinder as _};

use super::super::Registers;
use super::super::bounds::Bounds;
use super::Walk;
use super::processor::unwind_registers;
use crate::switching;

pub(in super::super) use modules::{look_again, prepare_once};

use desk::Desk;
use modules::Modules;

/// Walks from `registers` on, and leaves the first `skip` frames out.
pub(in super::super) fn walk(registers: &Registers, skip: usize, frames: &mut [usize]) -> Walk {
    if switching::is_under_way() {
        return Walk::Complete(0);
    }
    let (Some(modules), Some(mut desk)) = (Modules::current(), desk::take()) else {
        return Walk::Complete(0);
    };
    desk.with(|desk| follow(modules, desk, registers, skip, frames))
}

fn follow(modules: &Modules, desk: &mut Desk, registers: &Registers, skip: usize, frames: &mut [usize]) -> Walk {
    let mut bounds = Bounds::around(registers.sp);
    let mut read = |address: u64| bounds.read(address as usize).map(|word| word as u64).ok_or(());
    let mut state = unwind_registers(registers, modules.highest());
    let mut address = FrameAddress::InstructionPointer(registers.pc as u64);
    let mut found = 0_usize;
    let mut last;
    let is_lost = loop {
        last = address.address_for_lookup() as usize;
        if let Some(place) = found.checked_sub(skip) {
            let Some(frame) = frames.get_mut(place) else { return Walk::Complete(place) };
            *frame = last;
        }
        found += 1;
        match modules.unwinder.unwind_frame(address, &mut state, &mut desk.cache, &mut read) {
            Ok(Some(next)) => match NonZeroU64::new(next) {
                Some(next) => address = FrameAddress::ReturnAddress(next),
                None => break false,
            },
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    if bounds.is_at_entry() {
        // What is left of the switch: it has no caller on this stack, and is nobody's code.
        return Walk::Complete((found - 1).saturating_sub(skip));
    }
    let count = found.saturating_sub(skip);
    if is_lost && !modules.knows(last) { Walk::Lost(count) } else { Walk::Complete(count) }
}
