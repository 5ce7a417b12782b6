//! Lists linked through the elements themselves: goroutines whose timers have fired, and the global queue.

use std::ptr::{self, NonNull};

use super::inbox::Linked;
use crate::primitive::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::primitive::{Mutex, MutexGuard};

/// A first-in first-out list. Its owner alone touches it, so nothing in it is atomic in effect; the
/// links are atomics because the same link serves the [`Inbox`](super::inbox::Inbox).
pub(crate) struct List<T> {
    head: *mut T,
    tail: *mut T,
}

impl<T: Linked> List<T> {
    pub(crate) const fn new() -> Self {
        List { head: ptr::null_mut(), tail: ptr::null_mut() }
    }

    /// Appends `t`.
    ///
    /// # Safety
    ///
    /// `t` is valid, in no queue, and stays valid until it has been popped.
    pub(crate) unsafe fn push(&mut self, t: NonNull<T>) {
        // SAFETY: the caller vouches for `t`.
        unsafe { t.as_ref() }.link().store(ptr::null_mut(), Relaxed);
        match NonNull::new(self.tail) {
            // SAFETY: elements of the list are valid until they are popped.
            Some(tail) => unsafe { tail.as_ref() }.link().store(t.as_ptr(), Relaxed),
            None => self.head = t.as_ptr(),
        }
        self.tail = t.as_ptr();
    }

    /// Takes the oldest element.
    pub(crate) fn pop(&mut self) -> Option<NonNull<T>> {
        let t = NonNull::new(self.head)?;
        // SAFETY: elements of the list are valid until they are popped.
        self.head = unsafe { t.as_ref() }.link().load(Relaxed);
        if self.head.is_null() {
            self.tail = ptr::null_mut();
        }
        Some(t)
    }
}

/// The global queue: what overflowed from a local ring, and what plain threads submit.
pub(crate) struct GlobalQueue<T> {
    inner: Mutex<Inner<T>>,
    /// The length, readable without the lock. It is written under the lock, so that after the
    /// fences of the sleep protocol (see [`super::idle`]) a look at it misses no push.
    len: AtomicUsize,
}

struct Inner<T> {
    list: List<T>,
    closed: bool,
}

// SAFETY: the list is reached only under the lock, and its elements are handed over whole.
unsafe impl<T> Send for GlobalQueue<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for GlobalQueue<T> {}

impl<T: Linked> GlobalQueue<T> {
    pub(crate) fn new() -> Self {
        let inner = Inner { list: List::new(), closed: false };
        GlobalQueue { inner: Mutex::new(inner), len: AtomicUsize::new(0) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        // Acquire pairs with the Release in `pop_share`.
        self.len.load(Acquire) == 0
    }

    /// Appends `ts` in order; false if the queue is closed, and they are the caller's still.
    ///
    /// # Safety
    ///
    /// As for [`List::push`], for each of them.
    #[must_use = "a closed queue takes nothing"]
    pub(crate) unsafe fn push_all(&self, ts: impl IntoIterator<Item = NonNull<T>>) -> bool {
        let mut inner = self.lock();
        if inner.closed {
            return false;
        }
        let mut n = 0;
        for t in ts {
            // SAFETY: the caller vouches for each.
            unsafe { inner.list.push(t) };
            n += 1;
        }
        self.len.store(self.len.load(Relaxed) + n, Relaxed);
        true
    }

    /// Shows what is in the queue to `f`, oldest first, under the lock.
    pub(crate) fn each(&self, mut f: impl FnMut(NonNull<T>)) {
        let inner = self.lock();
        let mut at = NonNull::new(inner.list.head);
        while let Some(t) = at {
            // SAFETY: elements of the list are valid until they are popped, which takes the lock.
            at = NonNull::new(unsafe { t.as_ref() }.link().load(Relaxed));
            f(t);
        }
    }

    /// Closes the queue, and returns what was in it.
    pub(crate) fn close(&self) -> impl Iterator<Item = NonNull<T>> + use<T> {
        let mut inner = self.lock();
        inner.closed = true;
        self.len.store(0, Relaxed);
        let mut list = std::mem::replace(&mut inner.list, List::new());
        std::iter::from_fn(move || list.pop())
    }

    /// Takes the fair share of one of `consumers`, at least one element if there is one and at most
    /// `most`, and gives them to `each`, oldest first. Returns how many there were.
    pub(crate) fn pop_share(&self, consumers: usize, most: usize, mut each: impl FnMut(NonNull<T>)) -> usize {
        if self.is_empty() {
            return 0;
        }
        let mut inner = self.lock();
        let len = self.len.load(Relaxed);
        let share = len.min(len / consumers + 1).min(most);
        for _ in 0..share {
            // `len` counts the elements of the list, and both change under the lock.
            each(inner.list.pop().expect("the list is as long as its count"));
        }
        // Release pairs with the Acquire in `is_empty`: whoever finds the queue empty finds where its elements went.
        self.len.store(len - share, Release);
        share
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // Nothing that panics runs under the lock.
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }
}
