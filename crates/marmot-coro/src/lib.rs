//! Stacks and switching.
//!
//! A [`Coroutine`] is a function that runs on a [`Stack`] of its own and can stop in the middle,
//! from any depth of calls, to go on later. Stacks come from a [`StackPool`]: reserved by the
//! thousand, guarded each, committed by touching, used again last-in first-out. A [`StackCache`] is
//! one owner's front to a pool, without a lock. The module [`overflow`] turns a coroutine that runs
//! off its stack into a report and an abort. The module [`trace`] lists the frames of a stack: of this one, of what a
//! signal interrupted, of a suspended coroutine.
//!
//! # Invariants
//!
//! - No stack is ever handed out unguarded. When the guard cannot be had, [`StackPool::take`] is an
//!   error.
//! - A stack's memory stays mapped for the life of the process, whatever becomes of its owner. So a
//!   stack that is leaked, by an unfinished coroutine that is dropped, leaves every pointer into it
//!   valid.
//! - Nothing is unwound by force: a coroutine finishes by returning, or never.
//!
//! # What it is not
//!
//! It has no scheduler: it does not know who should run next, or why someone stopped. It does not
//! move a coroutine between threads; whether that is sound is for its user to say, and
//! [`Coroutine`] is not `Send`.
//!
//! # Examples
//!
//! ```
//! use marmot_coro::{Coroutine, DEFAULT_STACK_SIZE, Progress, StackPool};
//!
//! let stack = StackPool::global().take(DEFAULT_STACK_SIZE)?;
//! let mut coroutine = Coroutine::new(stack, |suspender| {
//!     println!("one");
//!     suspender.suspend();
//!     println!("two");
//! });
//! assert_eq!(coroutine.resume(), Progress::Suspended);
//! assert_eq!(coroutine.resume(), Progress::Finished);
//! # Ok::<(), marmot_coro::StackError>(())
//! ```

mod coroutine;
pub mod overflow;
mod resume_point;
mod stack;
mod switching;
mod sys;
pub mod trace;

pub use coroutine::{Coroutine, Progress, Suspender};
pub use resume_point::{ResumePoint, Saved};
pub use stack::{
    DEFAULT_STACK_SIZE, GUARD_SIZE, GuardPolicy, MAX_STACK_SIZE, MIN_STACK_SIZE, SEAT_SIZE, Stack, StackCache,
    StackError, StackPool, StackStats,
};
pub use sys::prefetch;
