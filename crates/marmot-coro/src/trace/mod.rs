//! Stacks as lists of code addresses: of the caller, of what a signal interrupted, of a suspended coroutine.
//!
//! Frames are found by the unwind tables that every program carries for its panics, read where the loader has mapped
//! them. `framehop` interprets them, and remembers what it has found out about an address; then a frame costs 20
//! to 40 ns.
//!
//! # Invariants
//!
//! - An address lies **inside** the instruction that it stands for: a return address less one, or the place that was
//!   interrupted. The innermost frame comes first.
//! - Of a coroutine's stack the bounds are known: a walk that begins there reads nothing else, and ends at the coroutine's
//!   entry. Of any other stack they are not, so that a walk may be led astray, by wrong registers or by code without
//!   tables. It reads a copy there, which the kernel makes, page by page; that fails where there is nothing, also when another
//!   thread has just unmapped it. So whatever lies on a stack, or is taken for one, a walk ends and faults nowhere.
//! - A walk takes no lock and allocates nothing, and needs next to nothing of the stack that it is called on: it runs on
//!   one of its own. What it needs besides is made by [`prepare`], which [`here`] calls when nobody has.
//! - Threads and signal handlers that walk at the same time have different desks (cache and stack), taken with one
//!   exchange each; who finds none free goes without. Nobody waits for who he may have interrupted.
//!
//! # Rejected
//!
//! - `_Unwind_Backtrace`, on which the crate `backtrace` builds. It can only begin where it is called, so that it sees a
//!   signal's own frames and no suspended coroutine; it reads whatever the tables say, so that one bad frame is a fault;
//!   and before glibc 2.35 it takes the loader's lock.
//! - To ask whether a page can be read, and then to read it where it is: in between, another thread may unmap it. The
//!   copy costs one to two microseconds a page, and most walks have one or two.
//! - Frame pointers. Rust's own library is compiled without them, and so is most of what distributions ship.
//! - `corosensei`'s place for the stack pointer of who is suspended. It is private, and its layout is nobody's promise;
//!   three registers stored before the switch ([`ResumePoint`](crate::ResumePoint)) are enough to begin with.

mod bounds;
mod sys;

use std::ffi::c_void;

use crate::sys::registers;

/// The most frames that anybody keeps of a stack.
pub const MAX_FRAMES: usize = 128;

/// Where a walk begins: what the processor's registers held in one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// The address of an instruction.
    pub pc: usize,
    /// The stack pointer when it was about to run, or has just run, if that leaves the stack pointer alone.
    pub sp: usize,
    /// The frame pointer then, whether or not it is used as one.
    pub fp: usize,
    /// The link register, where there is one; zero elsewhere.
    pub lr: usize,
}

impl Registers {
    /// The caller's own: its frame is the innermost one of a walk.
    #[inline(always)]
    pub fn here() -> Registers {
        let (pc, sp, fp, lr) = registers();
        Registers { pc, sp, fp, lr }
    }

    /// What a signal has interrupted; none if this system's layout of it is not known here.
    ///
    /// # Safety
    ///
    /// `context` is the third argument of a handler with `SA_SIGINFO`, which has not returned.
    #[inline]
    pub unsafe fn of_signal(context: *const c_void) -> Option<Registers> {
        // SAFETY: the caller's promise.
        unsafe { sys::interrupted(context) }
    }
}

/// Makes what walks need, and learns of the modules (the program and its shared libraries) that have been loaded since.
///
/// For who is going to walk in signal handlers, where neither is possible. It allocates, and it is cheap if there is
/// nothing new.
pub fn prepare() {
    sys::prepare_once();
    sys::look_again();
}

/// The stack of the caller, beginning with the caller itself; says how many frames it has, of those that `frames` has
/// room for.
///
/// A stack may be cut short, or empty, where there are no unwind tables, and where a thread must not wait for another's
/// preparation. An allocator calls [`here_as_known`].
#[inline(never)]
pub fn here(frames: &mut [usize]) -> usize {
    prepared_walk(&Registers::here(), 1, frames)
}

/// As [`here`], for an allocator: it allocates nothing and asks the loader nothing, unless [`prepare`] has never been
/// called. A stack ends at a function of a library that was loaded after the last [`prepare`].
///
/// Whoever allocates may have any lock, and to ask the loader takes one, too: the two could wait for each other, where a
/// callback of `dl_iterate_phdr` takes such a lock. (Constructors of libraries run under another lock of the loader's, so that
/// what they allocate is no danger.) The first look is taken nevertheless, for without one there are no stacks at all: a
/// program that does the like calls [`prepare`] first.
#[inline(never)]
pub fn here_as_known(frames: &mut [usize]) -> usize {
    let registers = Registers::here();
    sys::prepare_once();
    sys::walk(&registers, 1, frames).count()
}

/// The stack from `registers` on; says how many frames it has, of those that `frames` has room for.
///
/// Async-signal-safe, and of use in a handler if [`prepare`] has been called before. The registers need not be true, nor
/// need the memory stay that they point to: a walk from wrong ones is short or senseless, and harmless.
pub fn of_context(registers: &Registers, frames: &mut [usize]) -> usize {
    sys::walk(registers, 0, frames).count()
}

/// As [`of_context`], but not for signal handlers: it makes what it needs.
pub(crate) fn of_registers(registers: &Registers, frames: &mut [usize]) -> usize {
    prepared_walk(registers, 0, frames)
}

fn prepared_walk(registers: &Registers, skip: usize, frames: &mut [usize]) -> usize {
    sys::prepare_once();
    match sys::walk(registers, skip, frames) {
        sys::Walk::Complete(count) => count,
        // What was loaded after the last look may explain it.
        sys::Walk::Lost(count) if !sys::look_again() => count,
        sys::Walk::Lost(_) => sys::walk(registers, skip, frames).count(),
    }
}
