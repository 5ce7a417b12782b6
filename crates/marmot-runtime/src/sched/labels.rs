//! Where a goroutine keeps its labels: one word, which is null as long as it has none.
//!
//! What labels are made of, and who shares them, is known above. Here they are something counted, with a number, that a
//! goroutine hands on to those that it makes.
//!
//! The number is read in signal handlers: see [`super::kept`].

use super::current;
use super::g::Head;
use super::kept::Kept;

/// Labels that belong together. They never change.
pub(crate) struct Set {
    /// Never 0, and never used again for others.
    pub(crate) id: u64,
    /// In the order of the keys, of which each is there once.
    pub(crate) pairs: Box<[(Box<str>, Box<str>)]>,
}

/// Where they are kept.
pub(crate) type Slot = Kept<Set>;

impl Slot {
    /// The number of what is in it; 0 if that is nothing. It is async-signal-safe on the thread of the owner.
    fn id(&self) -> u64 {
        // SAFETY: what is in it is held at least until the interrupted thread goes on.
        unsafe { self.peek() }.map_or(0, |set| set.id)
    }
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
