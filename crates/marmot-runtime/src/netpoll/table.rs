//! Where `PollDesc`s live, and the keys by which pollers name them.
//!
//! A desc is never freed: its memory is reused for the next descriptor, under a new generation. A
//! key is the desc's number and its generation. An event that was on its way when the descriptor
//! was closed carries the old generation and is dropped; one that slips through between the look
//! and the use makes the next owner try once in vain.

use std::ptr;
use std::sync::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{Acquire, Release},
};
use std::sync::{Mutex, MutexGuard};

use marmot_poll::Key;

use super::desc::PollDesc;

/// Descs are made so many at a time.
const CHUNK: usize = 256;
/// Enough for as many descriptors as Linux allows a process at most by default (`fs.nr_open`), four
/// times over.
const CHUNKS: usize = 1 << 14;

static TABLE: [AtomicPtr<PollDesc>; CHUNKS] = [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS];
static FREE: Mutex<Free> = Mutex::new(Free { list: Vec::new(), made: 0 });

struct Free {
    list: Vec<u32>,
    made: usize,
}

fn free() -> MutexGuard<'static, Free> {
    // Nothing that panics runs under the lock.
    FREE.lock().unwrap_or_else(|e| e.into_inner())
}

/// A desc that is in nobody's use.
pub(super) fn take() -> &'static PollDesc {
    let mut free = free();
    if free.list.is_empty() {
        let first = free.made;
        assert!(first / CHUNK < CHUNKS, "no process has so many descriptors");
        let chunk: Box<[PollDesc]> = (first..first + CHUNK).map(|i| PollDesc::new(i as u32)).collect();
        // Release pairs with the Acquire in `at`.
        TABLE[first / CHUNK].store(Box::leak(chunk).as_mut_ptr(), Release);
        free.made += CHUNK;
        // Low numbers first.
        free.list.extend((first..first + CHUNK).rev().map(|i| i as u32));
    }
    // The list was just filled if it was empty.
    let index = free.list.pop().expect("the list of free descs is not empty");
    drop(free);
    at(index as usize).expect("a free desc exists")
}

/// Gives a desc back, under a new generation.
pub(super) fn put(desc: &'static PollDesc, generation: &AtomicU32) {
    generation.fetch_add(1, Release);
    free().list.push(desc.index());
}

fn at(index: usize) -> Option<&'static PollDesc> {
    // Acquire pairs with the Release in `take`.
    let chunk = TABLE.get(index / CHUNK)?.load(Acquire);
    // SAFETY: a chunk that is not null has `CHUNK` descs and is never freed.
    (!chunk.is_null()).then(|| unsafe { &*chunk.add(index % CHUNK) })
}

/// The key of a desc.
pub(super) fn key(index: u32, generation: u32) -> Key {
    Key::new(u64::from(generation) << 32 | u64::from(index))
}

/// The desc that a key names, if the key is not stale.
pub(super) fn find(key: Key) -> Option<&'static PollDesc> {
    let (index, generation) = (key.get() as u32, (key.get() >> 32) as u32);
    at(index as usize).filter(|desc| desc.generation() == generation)
}

/// All descs that were ever made.
pub(super) fn all() -> impl Iterator<Item = &'static PollDesc> {
    let made = free().made;
    (0..made).filter_map(at)
}
