//! A node: a header, and the bytes after it or somebody else's.

use std::alloc::{Layout, handle_alloc_error};
use std::any::Any;
use std::mem::{self, ManuallyDrop};
use std::ops::Deref;
use std::process;
use std::ptr::{self, NonNull};

use super::pool;
use crate::primitive::atomic::{
    AtomicPtr, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use crate::primitive::{Traces, alloc_zeroed, dealloc};

/// The size of a cache line.
const LINE: usize = 64;

/// The header of a node.
pub(super) struct Node {
    /// The node after this one. Written by the producer, who owns everything after the last published node; read by
    /// the consumer once it knows of bytes there.
    next: AtomicPtr<Node>,
    /// How many bytes have been written.
    end: AtomicUsize,
    /// The list's reference, and one for each chunk.
    refs: AtomicUsize,
    bytes: NonNull<u8>,
    capacity: usize,
    /// Who owns the bytes, if they are not those after the header.
    owner: Option<NonNull<dyn Any + Send>>,
    traces: Traces,
}

/// A counted reference to a node: the list's, or a chunk's. It is copied without counting inside the list, whose two
/// sides know from the word which of them may use which node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeRef(NonNull<Node>);

// SAFETY: the header's fields are atomic or never change, bytes below `end` never change, and bytes above belong to the
// producer. The owner, which may be sent, is only dropped.
unsafe impl Send for NodeRef {}
// SAFETY: as above; nothing is done to the owner through a shared reference.
unsafe impl Sync for NodeRef {}

impl Deref for NodeRef {
    type Target = Node;

    #[inline]
    fn deref(&self) -> &Node {
        // SAFETY: whoever has a `NodeRef` has one of the node's references, until it gives it to `release`.
        unsafe { self.0.as_ref() }
    }
}

impl NodeRef {
    /// A node with room for `capacity` bytes, all of them initialised.
    pub(super) fn new(capacity: usize) -> NodeRef {
        pool::take(capacity).unwrap_or_else(|| NodeRef::allocate(capacity))
    }

    fn allocate(capacity: usize) -> NodeRef {
        let (layout, at) = layout(capacity);
        // SAFETY: the layout is not empty.
        let block = unsafe { alloc_zeroed(layout) };
        let Some(block) = NonNull::new(block) else { handle_alloc_error(layout) };
        // SAFETY: the bytes lie `at` bytes into the block.
        let bytes = unsafe { block.add(at) };
        let node = block.cast::<Node>();
        // SAFETY: the block begins with room for a header, and is ours.
        unsafe { node.write(Node::new(bytes, capacity, None)) };
        NodeRef(node)
    }

    /// A full node whose bytes are somebody else's.
    pub(super) fn foreign<T: AsRef<[u8]> + Send + 'static>(owner: T) -> NodeRef {
        let owner = Asked(NonNull::from(Box::leak(Box::new(owner))));
        // The owner does not move any more, and nobody borrows it again, so the bytes stay where they are until it is
        // dropped.
        // SAFETY: the box has just been made, and from here on is freed by `discard` only.
        let bytes: &[u8] = unsafe { owner.0.as_ref() }.as_ref();
        let (start, len) = (NonNull::from(bytes).cast(), bytes.len());
        let node = Node::new(start, len, Some(ManuallyDrop::new(owner).0));
        node.end.store(len, Relaxed);
        NodeRef(NonNull::from(Box::leak(Box::new(node))))
    }

    /// Another reference, for a chunk. The caller has one.
    pub(super) fn share(self) -> NodeRef {
        // Relaxed: the caller's own reference keeps the node. Only references that are forgotten can be so many that
        // the count would overflow; as with `Arc`, that is the end.
        if self.refs.fetch_add(1, Relaxed) > isize::MAX as usize {
            process::abort();
        }
        self
    }

    /// Gives a reference back. The last one gives the node back to the pool, or drops the owner of its bytes, which may
    /// panic: the caller has done before whatever others rely on.
    ///
    /// # Safety
    ///
    /// The caller has a reference, and does not use the node after this.
    #[inline]
    pub(super) unsafe fn release(self) {
        // Acquire and AcqRel: whoever frees or reuses the node has seen the last use of every other. A node with one
        // reference cannot get others: only who has one makes them.
        if self.refs.load(Acquire) == 1 || self.refs.fetch_sub(1, AcqRel) == 1 {
            // SAFETY: that was the last reference.
            unsafe { self.discard() };
        }
    }

    /// # Safety
    ///
    /// Nobody refers to the node.
    unsafe fn discard(self) {
        // Whoever has the memory next may write all of it.
        self.traces.write(0..self.traces.len());
        if let Some(owner) = self.owner {
            // The owner comes last, for its destructor may panic.
            // SAFETY: `foreign` made both of boxes, and nobody refers to the node or to its bytes.
            unsafe {
                drop(Box::from_raw(self.0.as_ptr()));
                drop(Box::from_raw(owner.as_ptr()));
            }
            return;
        }
        self.refs.store(1, Relaxed);
        self.end.store(0, Relaxed);
        self.next.store(ptr::null_mut(), Relaxed);
        if let Err(node) = pool::give_back(self) {
            // SAFETY: nobody refers to it, and the pool did not take it.
            unsafe { node.free() };
        }
    }

    /// # Safety
    ///
    /// Nobody refers to the node, which has its bytes itself.
    pub(super) unsafe fn free(self) {
        let (layout, _) = layout(self.capacity);
        // SAFETY: nobody refers to it; it was allocated by `allocate` with this layout.
        unsafe {
            self.0.drop_in_place();
            dealloc(self.0.as_ptr().cast(), layout);
        }
    }
}

/// Gives back a list's nodes from `from` up to `to`, and all of them also if the owner of somebody's bytes panics.
///
/// # Safety
///
/// The caller has the list's references to these nodes, and does not use them after this.
pub(super) unsafe fn release_list(mut from: Option<NodeRef>, to: Option<NodeRef>) {
    struct Rest(Option<NodeRef>, Option<NodeRef>);

    impl Drop for Rest {
        fn drop(&mut self) {
            // SAFETY: as the caller promises.
            unsafe { release_list(self.0, self.1) };
        }
    }

    while let Some(node) = from
        && from != to
    {
        from = node.next();
        let rest = Rest(from, to);
        // SAFETY: as the caller promises.
        unsafe { node.release() };
        mem::forget(rest);
    }
}

/// An owner who is being asked for its bytes, and is dropped if it panics.
struct Asked<T>(NonNull<T>);

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        // SAFETY: `foreign` made it of a box, and has not handed it on.
        unsafe { drop(Box::from_raw(self.0.as_ptr())) };
    }
}

/// The layout of a node with its bytes, and where those begin: at a cache line, so that copies are aligned, and the
/// header's, which the producer writes, has none of them.
fn layout(capacity: usize) -> (Layout, usize) {
    const SPACE: &str = "a buffer is no larger than the address space";
    let bytes = Layout::from_size_align(capacity, LINE).expect(SPACE);
    Layout::new::<Node>().extend(bytes).expect(SPACE)
}

impl Node {
    fn new(bytes: NonNull<u8>, capacity: usize, owner: Option<NonNull<dyn Any + Send>>) -> Node {
        Node {
            next: AtomicPtr::new(ptr::null_mut()),
            end: AtomicUsize::new(0),
            refs: AtomicUsize::new(1),
            bytes,
            capacity,
            owner,
            traces: Traces::new(capacity),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether its bytes may be written when nobody else refers to it.
    pub(super) fn is_foreign(&self) -> bool {
        self.owner.is_some()
    }

    /// Whether no chunk refers to it. The caller has the list's reference.
    pub(super) fn is_unshared(&self) -> bool {
        // Acquire pairs with the AcqRel in `release`: the last uses of the chunks are over.
        self.refs.load(Acquire) == 1
    }

    /// How many bytes have been written. For the consumer this can be more than it may know of.
    #[inline]
    pub(super) fn end(&self) -> usize {
        // Relaxed: the word's Acquire orders this for the consumer, and the producer wrote it.
        self.end.load(Relaxed)
    }

    #[inline]
    pub(super) fn set_end(&self, end: usize) {
        self.end.store(end, Relaxed);
    }

    #[inline]
    pub(super) fn next(&self) -> Option<NodeRef> {
        // Relaxed: as `end`.
        NonNull::new(self.next.load(Relaxed)).map(NodeRef)
    }

    #[inline]
    pub(super) fn set_next(&self, next: Option<NodeRef>) {
        self.next.store(next.map_or(ptr::null_mut(), |node| node.0.as_ptr()), Relaxed);
    }

    /// The bytes from `from` to `to`.
    ///
    /// # Safety
    ///
    /// They are published, and the caller keeps the node for `'a`.
    #[inline]
    pub(super) unsafe fn published<'a>(&self, from: usize, to: usize) -> &'a [u8] {
        debug_assert!(from <= to && to <= self.capacity);
        self.traces.read(from..to);
        // SAFETY: published bytes lie below the capacity and are not written while somebody refers to them.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().add(from), to - from) }
    }

    /// The room from `from` on.
    ///
    /// # Safety
    ///
    /// The caller is the producer, nothing from there on is published, and the node stays the producer's for `'a`.
    #[inline]
    pub(super) unsafe fn room<'a>(&self, from: usize) -> &'a mut [u8] {
        debug_assert!(from <= self.capacity && !self.is_foreign());
        self.traces.write(from..self.capacity);
        // SAFETY: the bytes up to the capacity are initialised, and nobody else uses those from `from` on.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_ptr().add(from), self.capacity - from) }
    }
}
