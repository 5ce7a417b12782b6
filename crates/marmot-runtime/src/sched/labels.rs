//! Where a goroutine keeps its labels: one word, which is null as long as it has none.
//!
//! What labels are made of, and who shares them, is known above. Here they are something counted, with a number, that a
//! goroutine hands on to those that it makes.
//!
//! The number is read in signal handlers, by which the profiler interrupts the very thread that owns the slot. So a slot
//! never points to labels that have gone: whoever changes it gives up what was there only after the word is written.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicPtr,
    Ordering::{Relaxed, SeqCst},
    compiler_fence,
};

use super::current;
use super::g::Head;

/// Labels that belong together. They never change.
pub(crate) struct Set {
    /// Never 0, and never used again for others.
    pub(crate) id: u64,
    /// In the order of the keys, of which each is there once.
    pub(crate) pairs: Box<[(Box<str>, Box<str>)]>,
}

/// See the module. It belongs to one goroutine or thread at a time, which alone changes it.
pub(crate) struct Slot(AtomicPtr<Set>);

impl Slot {
    pub(crate) const fn empty() -> Slot {
        Slot(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.load(Relaxed).is_null()
    }

    /// With the same labels.
    pub(super) fn copy(&self) -> Slot {
        Slot::holding(self.get())
    }

    fn holding(set: Option<Arc<Set>>) -> Slot {
        Slot(AtomicPtr::new(into_word(set)))
    }

    /// What is in it. Only for its owner, or while that is not running.
    pub(crate) fn get(&self) -> Option<Arc<Set>> {
        let word = self.0.load(Relaxed);
        if word.is_null() {
            return None;
        }
        // SAFETY: the word is that of an `Arc`, which the slot holds; one more is counted for the caller.
        unsafe {
            Arc::increment_strong_count(word);
            Some(Arc::from_raw(word))
        }
    }

    /// Puts `set` into it, and returns what was there. Only for its owner.
    #[must_use = "the labels from before are to come back"]
    pub(crate) fn replace(&self, set: Option<Arc<Set>>) -> Option<Arc<Set>> {
        let old = self.0.load(Relaxed);
        self.0.store(into_word(set), Relaxed);
        // A signal handler on this thread finds the new ones before the old ones can go.
        compiler_fence(SeqCst);
        // SAFETY: the word was that of an `Arc` that the slot held, and holds no longer.
        (!old.is_null()).then(|| unsafe { Arc::from_raw(old) })
    }

    /// The number of what is in it; 0 if that is nothing. It is async-signal-safe on the thread of the owner.
    fn id(&self) -> u64 {
        // SAFETY: null, or an `Arc` that the slot holds at least until the interrupted thread goes on.
        unsafe { self.0.load(Relaxed).as_ref() }.map_or(0, |set| set.id)
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        if !self.0.get_mut().is_null() {
            drop(self.replace(None));
        }
    }
}

fn into_word(set: Option<Arc<Set>>) -> *mut Set {
    set.map_or(ptr::null_mut(), |set| Arc::into_raw(set).cast_mut())
}

/// Does something with the slot of what runs on this thread.
#[inline]
pub(crate) fn with_own<R>(f: impl FnOnce(&Slot) -> R) -> R {
    match current::gp() {
        // SAFETY: the goroutine that runs here has not ended.
        Some(gp) => f(&unsafe { gp.as_ref() }.head().labels),
        None => current::with_thread_labels(f),
    }
}

/// The number of the labels of what runs on this thread; 0 if it has none. It is async-signal-safe.
pub(crate) fn own_id() -> u64 {
    with_own(Slot::id)
}

/// Runs `f`, on a plain thread, with the labels of the goroutine that waits for it. `f` does not unwind.
pub(crate) fn lend(head: &Head, f: impl FnOnce()) {
    let before = with_own(|own| own.replace(head.labels.get()));
    f();
    drop(with_own(|own| own.replace(before)));
}
