//! Free nodes.
//!
//! Each thread has a list for each size, so that taking and giving back costs a few instructions; a goroutine that has
//! started stays on its thread, and so do its nodes as a rule. Where one thread fills and another drains, the nodes
//! gather at the second: it passes them on to the common lists by the batch, from where the first takes them by the
//! batch. What is beyond [`KEPT`] there is freed, so that a burst's memory is not held for ever.
//!
//! [`nodes_in_use`] counts the nodes that some buffer or chunk holds. Each thread counts what it takes and gives back
//! in a number of its own, which may be negative; the sum is what is in use.

use std::cell::RefCell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use super::LARGEST_NODE;
use super::node::NodeRef;
use crate::primitive::{MODELLED, SMALLEST_NODE};

const CLASSES: usize = (LARGEST_NODE.ilog2() - SMALLEST_NODE.ilog2()) as usize + 1;

/// How many nodes go between a thread's list and the common one at a time.
const BATCH: usize = 32;

/// How many bytes of nodes the common list of a size keeps.
const KEPT: usize = 8 * 1024 * 1024;

/// The lists that threads share.
static COMMON: Mutex<[Vec<NodeRef>; CLASSES]> = Mutex::new([const { Vec::new() }; CLASSES]);

/// How many nodes there are in each, to be looked at without the lock.
static COMMON_LENGTHS: [AtomicUsize; CLASSES] = [const { AtomicUsize::new(0) }; CLASSES];

/// The numbers of the threads that there are, and the sum of those that have ended.
static COUNTS: Mutex<(Vec<Arc<AtomicIsize>>, isize)> = Mutex::new((Vec::new(), 0));

/// A thread's lists and number.
struct Local {
    lists: [Vec<NodeRef>; CLASSES],
    in_use: Arc<AtomicIsize>,
}

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::new(Local::new());
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that panics runs under these locks.
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// The list for nodes of `capacity` bytes, if they are kept at all.
fn class(capacity: usize) -> Option<usize> {
    let is_kept = !MODELLED && capacity.is_power_of_two() && (SMALLEST_NODE..=LARGEST_NODE).contains(&capacity);
    is_kept.then(|| (capacity.ilog2() - SMALLEST_NODE.ilog2()) as usize)
}

impl Local {
    fn new() -> Self {
        let in_use = Arc::new(AtomicIsize::new(0));
        lock(&COUNTS).0.push(Arc::clone(&in_use));
        Local { lists: [const { Vec::new() }; CLASSES], in_use }
    }

    /// Counts nodes that were taken or given back. Only this thread writes its number.
    fn count(&self, change: isize) {
        self.in_use.store(self.in_use.load(Relaxed) + change, Relaxed);
    }

    fn take(&mut self, class: usize) -> Option<NodeRef> {
        let list = &mut self.lists[class];
        if list.is_empty() && COMMON_LENGTHS[class].load(Relaxed) > 0 {
            let mut common = lock(&COMMON);
            let from = common[class].len().saturating_sub(BATCH);
            list.extend(common[class].drain(from..));
            COMMON_LENGTHS[class].store(common[class].len(), Relaxed);
        }
        list.pop()
    }

    fn give_back(&mut self, class: usize, node: NodeRef) {
        let list = &mut self.lists[class];
        list.push(node);
        if list.len() > 2 * BATCH {
            pass_on(class, list.drain(BATCH..));
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        for (class, list) in self.lists.iter_mut().enumerate() {
            if !list.is_empty() {
                pass_on(class, list.drain(..));
            }
        }
        let mut counts = lock(&COUNTS);
        counts.0.retain(|count| !Arc::ptr_eq(count, &self.in_use));
        counts.1 += self.in_use.load(Relaxed);
    }
}

/// Puts nodes into a common list, and frees what is too much for it.
fn pass_on(class: usize, nodes: impl Iterator<Item = NodeRef>) {
    let most = KEPT / (SMALLEST_NODE << class);
    let mut common = lock(&COMMON);
    for node in nodes {
        if common[class].len() < most {
            common[class].push(node);
        } else {
            // SAFETY: a free node is referred to by its list only, and has its bytes itself.
            unsafe { node.free() };
        }
    }
    COMMON_LENGTHS[class].store(common[class].len(), Relaxed);
}

/// A free node of just `capacity` bytes, if there is one.
#[inline]
pub(super) fn take(capacity: usize) -> Option<NodeRef> {
    let class = class(capacity)?;
    // A thread that is ending has no lists any more.
    LOCAL
        .try_with(|local| {
            let local = &mut *local.borrow_mut();
            local.count(1);
            local.take(class)
        })
        .unwrap_or_else(|_| {
            lock(&COUNTS).1 += 1;
            None
        })
}

/// Takes a node back, or hands it on to be freed.
#[inline]
pub(super) fn give_back(node: NodeRef) -> Result<(), NodeRef> {
    let Some(class) = class(node.capacity()) else { return Err(node) };
    LOCAL
        .try_with(|local| {
            let local = &mut *local.borrow_mut();
            local.count(-1);
            local.give_back(class, node);
        })
        .map_err(|_| {
            lock(&COUNTS).1 -= 1;
            node
        })
}

/// How many pooled nodes are held by buffers and chunks of this process.
pub fn nodes_in_use() -> usize {
    let counts = lock(&COUNTS);
    let sum = counts.1 + counts.0.iter().map(|count| count.load(Relaxed)).sum::<isize>();
    // While nodes are in motion, the numbers are of different moments.
    usize::try_from(sum).unwrap_or(0)
}
