//! Something counted that a goroutine keeps in one word, which is null as long as it has none: its labels, its context.
//!
//! The word may be read in signal handlers, by which the profiler interrupts the very thread that owns it. So it never points to
//! what has gone: whoever changes it gives up what was there only after the word is written.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicPtr,
    Ordering::{Relaxed, SeqCst},
    compiler_fence,
};

/// See the module. It belongs to one goroutine or thread at a time, which alone changes it.
pub(crate) struct Kept<T: Send + Sync>(AtomicPtr<T>);

impl<T: Send + Sync> Kept<T> {
    pub(crate) const fn empty() -> Kept<T> {
        Kept(AtomicPtr::new(ptr::null_mut()))
    }

    /// With the same in it.
    pub(super) fn copy(&self) -> Kept<T> {
        Kept(AtomicPtr::new(into_word(self.get())))
    }

    /// What is in it, which goes elsewhere. Only for its owner.
    #[inline]
    pub(super) fn take(&self) -> Kept<T> {
        let word = self.0.load(Relaxed);
        self.0.store(ptr::null_mut(), Relaxed);
        Kept(AtomicPtr::new(word))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Relaxed).is_null()
    }

    /// What is in it. Only for its owner, or while that is not running.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        let word = self.0.load(Relaxed);
        if word.is_null() {
            return None;
        }
        // SAFETY: the word is that of an `Arc`, which this holds; one more is counted for the caller.
        unsafe {
            Arc::increment_strong_count(word);
            Some(Arc::from_raw(word))
        }
    }

    /// What is in it, as long as that is not replaced.
    ///
    /// # Safety
    ///
    /// The caller is its owner, or has interrupted that, or that does not run; and what it has is not used beyond the next change.
    #[inline]
    pub(super) unsafe fn peek<'a>(&self) -> Option<&'a T> {
        // SAFETY: null, or an `Arc` that this holds; the rest is the caller's word.
        unsafe { self.0.load(Relaxed).as_ref() }
    }

    /// Puts `new` into it, and returns what was there. Only for its owner.
    #[must_use = "what was there before is to come back, or to be dropped where that does no harm"]
    pub(crate) fn replace(&self, new: Option<Arc<T>>) -> Option<Arc<T>> {
        let old = self.0.load(Relaxed);
        self.0.store(into_word(new), Relaxed);
        // A signal handler on this thread finds the new one before the old one can go.
        compiler_fence(SeqCst);
        // SAFETY: the word was that of an `Arc` that this held, and holds no longer.
        (!old.is_null()).then(|| unsafe { Arc::from_raw(old) })
    }
}

impl<T: Send + Sync> Drop for Kept<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.0.get_mut().is_null() {
            drop(self.replace(None));
        }
    }
}

fn into_word<T>(kept: Option<Arc<T>>) -> *mut T {
    kept.map_or(ptr::null_mut(), |kept| Arc::into_raw(kept).cast_mut())
}
