//! The noted addresses that have not been freed.
//!
//! Addresses fall into chains, and each chain has a bit in [`FILTER`], which is set while there is something in the chain.
//! So a look at one bit says of nearly every address that it was not noted; the bits of neighbours are neighbours, and so
//! of what a program uses again and again they are in the cache.
//!
//! # The protocol
//!
//! A chain and its bit change under the lock of the chain's shard. The bit is read without a lock, and that is enough: a
//! thread that frees an address got it from the thread that allocated it, and so sees the bit as it was set then, or later.
//! Later it is cleared only when the chain is empty, that is after the note of this address was taken away, which the
//! freeing thread alone does. A bit that is set for another address is found to be so under the lock.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::arena::Arena;
use super::bucket::Bucket;
use super::lock::Lock;

/// The number of chains: 64 KiB of bits would be too much for a cache, these are 8.
const CHAINS: usize = 1 << 16;

const SHARDS: usize = 64;

/// The most memory that notes take in each shard: about ten thousand of them.
const MAX_BYTES: usize = 1 << 20;

const BITS: usize = u64::BITS as usize;

static FILTER: [AtomicU64; CHAINS / BITS] = [const { AtomicU64::new(0) }; CHAINS / BITS];

static TABLE: [Lock<Shard>; SHARDS] = [const { Lock::new(Shard::new()) }; SHARDS];

/// How many notes found no room.
static LOST: AtomicU64 = AtomicU64::new(0);

/// What is known of a noted allocation.
#[derive(Clone, Copy)]
pub(super) struct Note {
    pub(super) bucket: &'static Bucket,
    pub(super) size: usize,
    pub(super) weight: f64,
    pub(super) born: Instant,
}

/// The chains of which the index has the same remainder.
struct Shard {
    heads: [*mut Node; CHAINS / SHARDS],
    free: *mut Node,
    arena: Arena,
}

struct Node {
    address: usize,
    note: Note,
    next: *mut Node,
}

// SAFETY: the nodes belong to the shard alone.
unsafe impl Send for Shard {}

/// Whether `address` may have been noted. If it was, it says so.
#[inline]
pub(super) fn may_hold(address: usize) -> bool {
    let chain = chain(address);
    FILTER[chain / BITS].load(Ordering::Relaxed) >> (chain % BITS) & 1 != 0
}

/// Notes `address`; returns the note that was left of it, if it was freed by whoever could not take it away.
///
/// # Errors
///
/// The note, if there is no room for it.
pub(super) fn insert(address: usize, note: Note) -> Result<Option<Note>, Note> {
    let chain = chain(address);
    let inserted = TABLE[chain % SHARDS].with(|shard| {
        let old = shard.remove(chain, address);
        let Some(node) = shard.node() else {
            LOST.fetch_add(1, Ordering::Relaxed);
            return Err(note);
        };
        let head = &mut shard.heads[chain / SHARDS];
        // SAFETY: the node is the shard's, and in no list.
        unsafe { node.write(Node { address, note, next: *head }) };
        *head = node.as_ptr();
        FILTER[chain / BITS].fetch_or(1 << (chain % BITS), Ordering::Relaxed);
        Ok(old)
    });
    inserted.unwrap_or(Err(note))
}

/// Takes away the note of `address`, if there is one.
pub(super) fn remove(address: usize) -> Option<Note> {
    let chain = chain(address);
    let removed = TABLE[chain % SHARDS].with(|shard| {
        let note = shard.remove(chain, address)?;
        if shard.heads[chain / SHARDS].is_null() {
            FILTER[chain / BITS].fetch_and(!(1 << (chain % BITS)), Ordering::Relaxed);
        }
        Some(note)
    });
    removed.flatten()
}

/// Takes all locks, for a fork of the process.
pub(super) fn hold() {
    TABLE.iter().for_each(|lock| {
        lock.hold();
    });
}

/// Lets them go.
pub(super) fn release() {
    TABLE.iter().for_each(Lock::release);
}

/// How many samples are not followed because the table was full.
pub(super) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// The chain of an address. Memory is handed out in multiples of 16 bytes; what is large begins at the same place of a
/// page, and differs in the higher bits.
#[inline]
fn chain(address: usize) -> usize {
    let unit = address >> 4;
    (unit ^ (unit >> 16)) % CHAINS
}

impl Shard {
    const fn new() -> Shard {
        Shard { heads: [ptr::null_mut(); CHAINS / SHARDS], free: ptr::null_mut(), arena: Arena::new(MAX_BYTES) }
    }

    /// Takes the node of `address` out of its chain.
    fn remove(&mut self, chain: usize, address: usize) -> Option<Note> {
        let mut link: *mut *mut Node = &mut self.heads[chain / SHARDS];
        loop {
            // SAFETY: `link` is a head, or the link of a node in the chain.
            let node = unsafe { *link };
            // SAFETY: nodes in a chain have been written, and are never freed.
            let found = unsafe { node.as_mut() }?;
            if found.address == address {
                // SAFETY: as above.
                unsafe { *link = found.next };
                found.next = self.free;
                self.free = node;
                return Some(found.note);
            }
            link = &mut found.next;
        }
    }

    /// A node that is in no list.
    fn node(&mut self) -> Option<NonNull<Node>> {
        match NonNull::new(self.free) {
            Some(node) => {
                // SAFETY: a node in the free list has been written.
                self.free = unsafe { node.as_ref() }.next;
                Some(node)
            }
            None => self.arena.room(),
        }
    }
}
