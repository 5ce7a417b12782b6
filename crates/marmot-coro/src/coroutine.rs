//! A function on a stack of its own, which can stop in the middle.
//!
//! The switch itself is `corosensei`'s. This module narrows it to what a scheduler needs: no values
//! are passed, a panic never leaves the coroutine, and dropping an unfinished one leaks it.
//!
//! # Rejected
//!
//! - Unwinding an unfinished coroutine when it is dropped. Its destructors would run on whichever
//!   thread drops it, may want to suspend, and an operation of the kernel's may still be writing
//!   into its stack.
//! - Passing a panic out to whoever resumed: it belongs to whoever joins the coroutine, not to who
//!   happened to run it.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::panic::{self, AssertUnwindSafe};
use std::{fmt, process, ptr};

use corosensei::{CoroutineResult, Yielder};

use crate::{Stack, switching};

/// The largest closure, and the strictest alignment, that is moved onto the new stack as it is;
/// others are boxed. `corosensei` refuses what is over 1,024 bytes, and an alignment as wide as the
/// stack would leave no room in it.
const MAX_INLINE: usize = 1024;

/// A coroutine on a [`Stack`]: not yet started, suspended, or finished.
///
/// Dropping one that has not started drops its closure and gives its stack back; dropping one that
/// has finished gives its stack back. Dropping one in between **leaks** the stack and all that
/// lives on it: nothing is unwound by force.
///
/// It is not `Send`: what a started coroutine holds on its stack may be tied to its thread, and no
/// signature shows it.
pub struct Coroutine {
    inner: ManuallyDrop<corosensei::Coroutine<(), (), (), Stack>>,
}

impl Coroutine {
    /// Makes a coroutine that will run `f` on `stack`; it starts at the first
    /// [`resume`](Self::resume).
    ///
    /// A panic that leaves `f` aborts the process with a message: there is nobody on this stack to
    /// hand it to. Catch it inside.
    pub fn new<F>(stack: Stack, f: F) -> Self
    where
        F: FnOnce(&Suspender) + 'static,
    {
        if const { size_of::<F>() <= MAX_INLINE && align_of::<F>() <= MAX_INLINE } {
            Self::with_entry(stack, f)
        } else {
            let f = Box::new(f);
            Self::with_entry(stack, move |suspender: &Suspender| f(suspender))
        }
    }

    /// Runs the coroutine on the current thread until it suspends or finishes.
    ///
    /// # Panics
    ///
    /// If it has finished.
    #[inline]
    pub fn resume(&mut self) -> Progress {
        match switching::there_and_back(|| self.inner.resume(())) {
            CoroutineResult::Yield(()) => Progress::Suspended,
            CoroutineResult::Return(()) => Progress::Finished,
        }
    }

    /// Whether it has been resumed at least once.
    #[inline]
    pub fn is_started(&self) -> bool {
        self.inner.started()
    }

    /// Whether its function has returned.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.inner.done()
    }

    /// Takes the stack of a finished coroutine, to be used again.
    ///
    /// # Panics
    ///
    /// If it has not finished. (It is dropped then, as [`Coroutine`] says.)
    #[inline]
    pub fn into_stack(self) -> Stack {
        assert!(self.is_finished(), "the stack of an unfinished coroutine cannot be taken");
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never used or dropped again, so `inner` is taken once.
        unsafe { ManuallyDrop::take(&mut this.inner) }.into_stack()
    }

    fn with_entry<F>(stack: Stack, f: F) -> Self
    where
        F: FnOnce(&Suspender) + 'static,
    {
        let entry = move |yielder: &Yielder<(), ()>, ()| {
            switching::end();
            let suspender = Suspender::from_yielder(yielder);
            // Caught, not left to a destructor that aborts: the unwinder looks for a handler before
            // it runs any destructor, and must find one on this stack, whatever is below it.
            if panic::catch_unwind(AssertUnwindSafe(|| f(suspender))).is_err() {
                abort_on_panic();
            }
            switching::begin();
        };
        let inner = corosensei::Coroutine::with_stack(stack, entry);
        Self { inner: ManuallyDrop::new(inner) }
    }
}

impl Drop for Coroutine {
    fn drop(&mut self) {
        if self.is_finished() || !self.is_started() {
            // SAFETY: this is the destructor, and `into_stack`, which alone takes `inner`
            // elsewhere, forgets `self`.
            unsafe { ManuallyDrop::drop(&mut self.inner) }
        }
    }
}

impl fmt::Debug for Coroutine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine")
            .field("started", &self.is_started())
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// What became of a coroutine that was resumed.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It suspended itself and can be resumed.
    Suspended,
    /// Its function returned.
    Finished,
}

/// The way out of a running coroutine. Its address stays the same for the coroutine's life.
#[repr(transparent)]
pub struct Suspender(Yielder<(), ()>);

impl Suspender {
    /// Switches back to whoever resumed the coroutine; returns when it is resumed again.
    #[inline]
    pub fn suspend(&self) {
        switching::there_and_back(|| self.0.suspend(()));
    }

    #[inline]
    fn from_yielder(yielder: &Yielder<(), ()>) -> &Self {
        // SAFETY: `Suspender` is a transparent wrapper of `Yielder`, so the layout is the same; the
        // lifetime is kept.
        unsafe { &*ptr::from_ref(yielder).cast::<Self>() }
    }
}

impl fmt::Debug for Suspender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Suspender")
    }
}

/// Ends the process, for there is nobody on a coroutine's stack to hand its panic to.
#[cold]
fn abort_on_panic() -> ! {
    // The message is a help only: when it cannot be written, aborting matters more.
    let message = b"marmot: fatal: a panic escaped from a coroutine's function\n";
    let _ = io::stderr().write_all(message);
    process::abort();
}
