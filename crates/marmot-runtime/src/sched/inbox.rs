//! The inbox: a list that anyone pushes to and one taker empties at a stroke.
//!
//! Other Ms put the goroutines that they readied for an M into its inbox; a P's inbox takes unstarted ones that
//! placement gave it. It is a Treiber stack whose taker swaps the whole list out, so there is no ABA: nobody pops one
//! element. The links are in the elements (an element is in one queue at a time), so a push allocates
//! nothing. The taker turns the list round: elements come out in the order in which they were pushed.

use std::ptr::{self, NonNull};

use crossbeam_utils::CachePadded;

use crate::primitive::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};

/// What an element is linked by.
pub(crate) type Link<T> = AtomicPtr<T>;

/// An element that carries its own link.
///
/// # Safety
///
/// `link` returns the same atomic each time, and nothing else uses it while the element is in a queue.
pub(crate) unsafe trait Linked: Sized {
    /// The link to the next element.
    fn link(&self) -> &Link<Self>;
}

/// Many producers; whoever takes, takes all.
pub(crate) struct Inbox<T> {
    head: CachePadded<AtomicPtr<T>>,
}

impl<T: Linked> Inbox<T> {
    pub(crate) fn new() -> Self {
        Inbox { head: CachePadded::new(AtomicPtr::new(ptr::null_mut())) }
    }

    /// Whether it looked empty; see [`super::idle`] for when that can be relied on.
    pub(crate) fn is_empty(&self) -> bool {
        self.head.load(Relaxed).is_null()
    }

    /// Pushes `t`.
    ///
    /// # Safety
    ///
    /// `t` is valid, in no queue, and stays valid until it has been taken out.
    pub(crate) unsafe fn push(&self, t: NonNull<T>) {
        // SAFETY: the caller vouches for `t`.
        let link = unsafe { t.as_ref() }.link();
        let mut head = self.head.load(Relaxed);
        loop {
            link.store(head, Relaxed);
            // Release pairs with the Acquire in `take_all`: the taker sees the link and the element.
            match self.head.compare_exchange_weak(head, t.as_ptr(), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes everything, oldest first.
    pub(crate) fn take_all(&self) -> Chain<T> {
        if self.is_empty() {
            return Chain { head: ptr::null_mut() };
        }
        // Acquire pairs with the Release of every `push` whose element we take: a later push extends
        // the release sequence of an earlier one.
        let mut newest = self.head.swap(ptr::null_mut(), Acquire);
        let mut oldest = ptr::null_mut();
        while let Some(t) = NonNull::new(newest) {
            // SAFETY: elements stay valid until they are taken out, and they are ours since the swap.
            let link = unsafe { t.as_ref() }.link();
            newest = link.load(Relaxed);
            link.store(oldest, Relaxed);
            oldest = t.as_ptr();
        }
        Chain { head: oldest }
    }
}

/// Elements taken from an [`Inbox`], oldest first. Each is read before it is handed out, so that the
/// receiver may link it into another queue at once.
pub(crate) struct Chain<T> {
    head: *mut T,
}

impl<T: Linked> Iterator for Chain<T> {
    type Item = NonNull<T>;

    fn next(&mut self) -> Option<NonNull<T>> {
        let t = NonNull::new(self.head)?;
        // SAFETY: as in `take_all`: the rest of the chain is still ours.
        self.head = unsafe { t.as_ref() }.link().load(Relaxed);
        Some(t)
    }
}
