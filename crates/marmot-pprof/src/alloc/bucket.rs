//! The table of stacks, and what was allocated at each.
//!
//! A stack that was seen once is kept. Looking for one takes no lock: chains only grow, at their heads, and what is in them
//! does not change but for the sums. Adding one takes a lock, and looks again under it.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

use super::arena::Arena;
use super::lock::{self, Lock};

/// The number of chains.
const CHAINS: usize = 4096;

/// The most memory that stacks take: some hundred thousand of them.
const MAX_BYTES: usize = 64 << 20;

static HEADS: [AtomicPtr<Bucket>; CHAINS] = [const { AtomicPtr::new(ptr::null_mut()) }; CHAINS];

static ARENA: Lock<Arena> = Lock::new(Arena::new(MAX_BYTES));

/// For samples that came when the table was full.
static OTHERS: Bucket = Bucket::new(0, &[], ptr::null());

/// How many those were.
static LOST: AtomicU64 = AtomicU64::new(0);

/// A stack, and what was allocated there.
pub(super) struct Bucket {
    hash: u64,
    stack: &'static [usize],
    next: *const Bucket,
    allocated: Sum,
    allocated_bytes: Sum,
    freed: Sum,
    freed_bytes: Sum,
    lifetime: Sum,
}

// SAFETY: all but the sums, which are atomic, is immutable once it is in the table, and `next` is never freed.
unsafe impl Sync for Bucket {}

/// A sum of weights. Each is a whole number divided by a probability, so that it is not one itself.
struct Sum(AtomicU64);

/// The bucket of `stack`.
pub(super) fn find(stack: &[usize]) -> &'static Bucket {
    if lock::are_abandoned() {
        return &OTHERS;
    }
    let hash = hash(stack);
    let chain = &HEADS[(hash % CHAINS as u64) as usize];
    // Acquire pairs with the release below.
    let head = chain.load(Ordering::Acquire);
    if let Some(bucket) = find_from(head, hash, stack) {
        return bucket;
    }
    let found = ARENA.with(|arena| {
        // Acquire as above; under the lock nobody else adds.
        let head = chain.load(Ordering::Acquire);
        if let Some(bucket) = find_from(head, hash, stack) {
            return bucket;
        }
        let (Some(room), Some(stack)) = (arena.room::<Bucket>(), arena.copy(stack)) else {
            LOST.fetch_add(1, Ordering::Relaxed);
            return &OTHERS;
        };
        // SAFETY: room for one, for ever.
        unsafe { room.write(Bucket::new(hash, stack, head)) };
        // Release pairs with the acquire above.
        chain.store(room.as_ptr(), Ordering::Release);
        // SAFETY: written, and never freed.
        unsafe { room.as_ref() }
    });
    found.unwrap_or(&OTHERS)
}

/// Calls `f` with every bucket.
pub(super) fn each(mut f: impl FnMut(&Bucket)) {
    f(&OTHERS);
    if lock::are_abandoned() {
        return;
    }
    for chain in &HEADS {
        // Acquire pairs with the release in `find`.
        let mut next = chain.load(Ordering::Acquire).cast_const();
        // SAFETY: buckets are never freed.
        while let Some(bucket) = unsafe { next.as_ref() } {
            f(bucket);
            next = bucket.next;
        }
    }
}

/// Takes the lock, for a fork of the process.
pub(super) fn hold() {
    ARENA.hold();
}

/// Lets it go.
pub(super) fn release() {
    ARENA.release();
}

/// How many samples have no stack because the table was full.
pub(super) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

impl Bucket {
    const fn new(hash: u64, stack: &'static [usize], next: *const Bucket) -> Bucket {
        Bucket {
            hash,
            stack,
            next,
            allocated: Sum::new(),
            allocated_bytes: Sum::new(),
            freed: Sum::new(),
            freed_bytes: Sum::new(),
            lifetime: Sum::new(),
        }
    }

    pub(super) fn stack(&self) -> &'static [usize] {
        self.stack
    }

    /// Counts an allocation of `size` bytes that stands for `weight` of them.
    pub(super) fn allocate(&self, size: usize, weight: f64) {
        self.allocated.add(weight);
        self.allocated_bytes.add(weight * size as f64);
    }

    /// Counts that one is freed which has lived for `lifetime`.
    pub(super) fn free(&self, size: usize, weight: f64, lifetime: Duration) {
        self.freed.add(weight);
        self.freed_bytes.add(weight * size as f64);
        self.lifetime.add(weight * lifetime.as_nanos() as f64);
    }

    /// The values of a heap profile.
    pub(super) fn values(&self) -> [i64; 5] {
        // What is freed was allocated before, so it is looked at first: no difference is negative.
        let (lifetime, freed_bytes, freed) = (self.lifetime.get(), self.freed_bytes.get(), self.freed.get());
        let (allocated_bytes, allocated) = (self.allocated_bytes.get(), self.allocated.get());
        // Both were added up in orders of their own, and so rounded differently.
        let [live, live_bytes] = [allocated - freed, allocated_bytes - freed_bytes].map(|value| value.max(0.0));
        // The conversion is to the nearest value that there is.
        [allocated, allocated_bytes, live, live_bytes, lifetime].map(|value| value.round() as i64)
    }
}

impl Sum {
    const fn new() -> Sum {
        Sum(AtomicU64::new(0))
    }

    fn get(&self) -> f64 {
        // Acquire pairs with the release in `add`.
        f64::from_bits(self.0.load(Ordering::Acquire))
    }

    fn add(&self, value: f64) {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let sum = (f64::from_bits(now) + value).to_bits();
            // Release pairs with the acquire in `get`: who sees that something was freed sees that it was allocated, too.
            match self.0.compare_exchange_weak(now, sum, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    }
}

/// The first bucket of `stack` from `head` on.
fn find_from(head: *const Bucket, hash: u64, stack: &[usize]) -> Option<&'static Bucket> {
    let mut next = head;
    // SAFETY: buckets are never freed.
    while let Some(bucket) = unsafe { next.as_ref() } {
        if bucket.hash == hash && bucket.stack == stack {
            return Some(bucket);
        }
        next = bucket.next;
    }
    None
}

fn hash(stack: &[usize]) -> u64 {
    // An odd number without a pattern, the fraction of the golden ratio; the high bits are mixed into the low ones.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = stack
        .iter()
        .fold(stack.len() as u64, |hash, frame| (hash ^ *frame as u64).wrapping_mul(FACTOR).rotate_left(29));
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests;
