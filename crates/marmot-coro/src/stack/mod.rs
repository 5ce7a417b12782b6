//! Stacks: where they come from, how they are guarded, and where they go when they are free.
//!
//! ```text
//!  slab (one mapping)
//! ┌────────┬─────────────────┬────────┬─────────────────┬───
//! │ guard  │      stack      │ guard  │      stack      │ …      addresses rise to the right,
//! └────────┴─────────────────┴────────┴─────────────────┴───     a stack grows to the left
//!          limit          top
//! ```
//!
//! The highest bytes of a stack are its *seat*, which belongs to its owner; what runs on it begins below, at its base.
//!
//! A stack goes around: `slab` maps it, `guard` guards it once, `pool` hands it out, and from then
//! on it is in use, in a `cache`, or in the shared lists of its `class`. It is never unmapped.

mod cache;
mod class;
mod error;
mod guard;
mod pool;
pub(crate) mod slab;
pub(crate) mod sys;

use std::fmt;
use std::num::NonZeroUsize;
use std::ptr::{self, NonNull};

pub use cache::StackCache;
pub use error::StackError;
pub use guard::GuardPolicy;
pub use pool::{StackPool, StackStats};

use class::Class;

/// The usable bytes of a stack when nobody asks for another size.
pub const DEFAULT_STACK_SIZE: usize = 256 * 1024;

/// The smallest size class, in bytes. `std` reports a panic on the stack of what panicked, so it has to hold that report: 6 KiB were
/// measured for the message, and 23 KiB with the backtrace that `RUST_BACKTRACE` adds (43 KiB for symbols of form `v0` whose types are
/// nested a hundred times). What is never touched costs address space only.
pub const MIN_STACK_SIZE: usize = 64 * 1024;

/// The largest size class, in bytes.
pub const MAX_STACK_SIZE: usize = MIN_STACK_SIZE << (class::COUNT - 1);

/// The width of the guard below each stack, in bytes, on top of the usable size. It costs address
/// space only. Rust touches every page that its frames cross, so one page would do for it; C
/// compiled without stack probes does not, and a frame wider than the guard would step over it.
pub const GUARD_SIZE: usize = 32 * 1024;

/// The bytes at the top of each stack that its owner keeps for itself, see [`Stack::seat`]. They are part of its size, and
/// lie so that the first cache line of them begins with the 16 bytes that a switch keeps below.
pub const SEAT_SIZE: usize = 176;

/// The highest address of a stack, which stands for the stack in the lists of the free.
type Base = NonZeroUsize;

/// A guarded stack, owned. Dropping it gives it back to the shared list of its size class.
pub struct Stack {
    base: Base,
    class: &'static Class,
}

impl Stack {
    /// Its bytes: what was asked for, rounded up to a size class. They include the seat.
    #[inline]
    pub fn size(&self) -> usize {
        self.class.size()
    }

    /// The address just above it, where it begins: stacks grow downwards.
    #[inline]
    pub fn base(&self) -> usize {
        self.base.get() - SEAT_SIZE
    }

    /// The [`SEAT_SIZE`] bytes above that, aligned to 16, for whatever its owner keeps of a coroutine: what is needed for a
    /// switch is on one page then. They have no meaning here: they hold what the owner before left, or zeroes, and the
    /// seats of all stacks are at the same offset in their slots for ever.
    #[inline]
    pub fn seat(&self) -> NonNull<u8> {
        let seat = ptr::with_exposed_provenance_mut(self.base());
        NonNull::new(seat).expect("a mapping does not begin at address zero")
    }

    /// Its lowest usable address. The guard ends just below.
    #[inline]
    pub fn limit(&self) -> usize {
        self.base.get() - self.class.size()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.class.push(self.base);
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stack({:#x}..{:#x})", self.limit(), self.base())
    }
}
