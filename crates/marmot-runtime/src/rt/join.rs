//! Handles to await a goroutine's end.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::thread::Result;

use super::goroutine::Goroutine;
use crate::context;
use crate::sched::{GRef, budget};

/// The right to a goroutine's result.
pub(super) struct Claim<T> {
    goroutine: Goroutine,
    taken: bool,
    /// It has no `T` yet: it takes one out, or drops it where it is.
    result: PhantomData<fn() -> T>,
}

impl<T> Claim<T> {
    /// # Safety
    ///
    /// The goroutine's closure returns `T`, and no other claim to its result is made.
    pub(super) unsafe fn new(g: GRef) -> Claim<T> {
        Claim { goroutine: Goroutine(g), taken: false, result: PhantomData }
    }

    pub(super) fn goroutine(&self) -> &Goroutine {
        &self.goroutine
    }

    pub(super) fn is_finished(&self) -> bool {
        self.goroutine.0.join.is_done()
    }

    /// Waits for the end, whatever becomes of the caller's context.
    #[inline]
    pub(super) fn join(self) -> Result<T> {
        self.goroutine.0.wait_for_end();
        self.take()
    }

    /// The same, until the caller's context ends.
    #[inline(always)]
    pub(super) fn join_or_cancelled(self) -> Result<T> {
        if !self.goroutine.0.wait_for_end_or_cancelled() {
            return Err(cancelled());
        }
        self.take()
    }

    /// Takes the result of a goroutine that has ended.
    #[inline(always)]
    fn take(mut self) -> Result<T> {
        let g = &self.goroutine.0;
        let mut result = MaybeUninit::<Result<T>>::uninit();
        // SAFETY: the goroutine has ended and its result is this claim's, of which there is one,
        // with the right type.
        unsafe { (g.vtable().take_result)(g.as_ptr(), result.as_mut_ptr().cast()) };
        self.taken = true;
        // SAFETY: `take_result` has written it.
        unsafe { result.assume_init() }
    }
}

#[cold]
fn cancelled() -> Box<dyn Any + Send> {
    Box::new(context::why())
}

impl<T> Drop for Claim<T> {
    fn drop(&mut self) {
        let g = &self.goroutine.0;
        if !self.taken && g.join.detach() {
            // SAFETY: the goroutine has ended, and its result is this claim's still.
            unsafe { (g.vtable().drop_result)(g.as_ptr()) }
        }
    }
}

/// A handle to a goroutine that [`go`](super::go) made, as `std::thread::JoinHandle` is to a
/// thread. Dropping it detaches the goroutine, which runs on.
pub struct JoinHandle<T>(Claim<T>);

// SAFETY: whatever makes one demands that `T` is `Send` (`JoinHandle::new`), so the result may be taken, or dropped, on another
// thread; that a program can also name the type with another `T` does no harm, because there is none. The head is shared soundly.
unsafe impl<T> Send for JoinHandle<T> {}
// SAFETY: `&JoinHandle` gives no access to the result.
unsafe impl<T> Sync for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety
    ///
    /// As for `Claim::new`; and `T` is `Send`.
    pub(super) unsafe fn new(g: GRef) -> JoinHandle<T> {
        // SAFETY: the caller's word, of which this is a part.
        JoinHandle(unsafe { Claim::new(g) })
    }

    /// The goroutine.
    pub fn goroutine(&self) -> &Goroutine {
        self.0.goroutine()
    }

    /// The same, by the name that it has in `std`.
    pub fn thread(&self) -> &Goroutine {
        self.goroutine()
    }

    /// Waits for the goroutine to end, and returns what it returned.
    ///
    /// # Errors
    ///
    /// The payload of its panic. If it was never started, a payload that says why: a
    /// [`StackError`](crate::StackError) or [`Stopped`](crate::Stopped). If the caller's context has ended before the goroutine
    /// has, a [`context::Error`](crate::context::Error); the goroutine runs on then, and its result is dropped.
    ///
    /// # Blocking
    ///
    /// G (a plain thread blocks).
    pub fn join(self) -> Result<T> {
        self.0.join_or_cancelled()
    }

    /// As [`join`](JoinHandle::join), whatever becomes of the caller's context.
    pub(super) fn join_always(self) -> Result<T> {
        self.0.join()
    }

    /// Whether it has ended, so that [`join`](JoinHandle::join) would not wait.
    pub fn is_finished(&self) -> bool {
        budget::charge(budget::CHECK);
        self.0.is_finished()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("goroutine", self.goroutine()).finish_non_exhaustive()
    }
}

/// A handle to a goroutine that [`go_local`](super::go_local) made. It stays on the M where it was
/// made, because the result may.
pub struct LocalJoinHandle<T>(Claim<T>, PhantomData<*const ()>);

impl<T> LocalJoinHandle<T> {
    /// # Safety
    ///
    /// As for `Claim::new`; and the goroutine runs on the calling thread.
    pub(super) unsafe fn new(g: GRef) -> LocalJoinHandle<T> {
        // SAFETY: the caller's word.
        LocalJoinHandle(unsafe { Claim::new(g) }, PhantomData)
    }

    /// The goroutine.
    pub fn goroutine(&self) -> &Goroutine {
        self.0.goroutine()
    }

    /// Waits for the goroutine to end, and returns what it returned.
    ///
    /// # Errors
    ///
    /// As [`JoinHandle::join`].
    ///
    /// # Blocking
    ///
    /// G.
    pub fn join(self) -> Result<T> {
        self.0.join_or_cancelled()
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        budget::charge(budget::CHECK);
        self.0.is_finished()
    }
}

impl<T> fmt::Debug for LocalJoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalJoinHandle").field("goroutine", self.goroutine()).finish_non_exhaustive()
    }
}
