//! Where `PollDesc`s live, and the keys by which pollers name them.
//!
//! A desc is never freed: its memory is reused for the next descriptor, under a new generation. A
//! key is the desc's number and its generation. An event that was on its way when the descriptor
//! was closed carries the old generation and is dropped; one that slips through between the look
//! and the use makes the next owner try once in vain, and leaves it nothing else ([`super::state`]).
//!
//! Free descs are in a list of each thread, which exchanges them with the shared list in batches: connections that come
//! and go on one M take no lock, and get the desc that was used last.

use std::cell::RefCell;
use std::ptr;
use std::sync::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Release},
};
use std::sync::{Mutex, MutexGuard};

use marmot_coro::prefetch;
use marmot_poll::Key;

use super::desc::PollDesc;
use super::state::State;

/// Descs are made so many at a time.
const CHUNK: usize = 256;
/// Enough for as many descriptors as Linux allows a process at most by default (`fs.nr_open`), four
/// times over.
const CHUNKS: usize = 1 << 14;

/// How many free descs a thread keeps at most, and how many it exchanges at a time.
const KEPT: usize = 64;
const BATCH: usize = KEPT / 2;

static TABLE: [AtomicPtr<PollDesc>; CHUNKS] = [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS];
static FREE: Mutex<Free> = Mutex::new(Free { list: Vec::new(), made: 0 });

struct Free {
    list: Vec<u32>,
    made: usize,
}

/// A thread's own list. When the thread ends, the shared list gets it.
struct Own(Vec<u32>);

impl Drop for Own {
    fn drop(&mut self) {
        free().list.append(&mut self.0);
    }
}

thread_local! {
    static OWN: RefCell<Own> = const { RefCell::new(Own(Vec::new())) };
}

fn free() -> MutexGuard<'static, Free> {
    // Nothing that panics runs under the lock.
    FREE.lock().unwrap_or_else(|e| e.into_inner())
}

/// A desc that is in nobody's use.
pub(super) fn take() -> &'static PollDesc {
    let own = |own: &RefCell<Own>| {
        let mut own = own.borrow_mut();
        own.0.pop().unwrap_or_else(|| refill(&mut own.0, BATCH))
    };
    // A thread that is destroying its thread-locals has no list any more.
    let index = OWN.try_with(own).unwrap_or_else(|_| refill(&mut Vec::new(), 1));
    at(index as usize).expect("a free desc exists")
}

/// Gives a desc back, under a new generation.
pub(super) fn put(desc: &'static PollDesc, state: &State) {
    state.renew();
    let kept = OWN.try_with(|own| {
        let own = &mut own.borrow_mut().0;
        if own.len() == KEPT {
            // The bottom goes, which was not used for longest.
            free().list.extend(own.drain(..BATCH));
        }
        own.push(desc.index());
    });
    if kept.is_err() {
        free().list.push(desc.index());
    }
}

/// Takes one from the shared list, by way of `own`, to which it moves up to `count`.
#[cold]
fn refill(own: &mut Vec<u32>, count: usize) -> u32 {
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
    let rest = free.list.len().saturating_sub(count);
    own.extend(free.list.drain(rest..));
    // The list was just filled if it was empty.
    own.pop().expect("the list of free descs is not empty")
}

fn at(index: usize) -> Option<&'static PollDesc> {
    // Acquire pairs with the Release in `refill`.
    let chunk = TABLE.get(index / CHUNK)?.load(Acquire);
    // SAFETY: a chunk that is not null has `CHUNK` descs and is never freed.
    (!chunk.is_null()).then(|| unsafe { &*chunk.add(index % CHUNK) })
}

/// The key of a desc.
pub(super) fn key(index: u32, generation: u32) -> Key {
    Key::new(u64::from(generation) << 32 | u64::from(index))
}

/// The generation of the desc that a key names.
#[inline]
pub(super) fn generation_of(key: Key) -> u32 {
    (key.get() >> 32) as u32
}

/// The desc that a key names, if the key is not stale.
#[inline]
pub(super) fn find(key: Key) -> Option<&'static PollDesc> {
    of(key).filter(|desc| desc.generation() == generation_of(key))
}

/// The desc that a key names or has named. It is not looked at.
#[inline]
pub(super) fn of(key: Key) -> Option<&'static PollDesc> {
    at(key.get() as u32 as usize)
}

/// Asks for the memory of the desc that a key names.
#[inline]
pub(super) fn ask(key: Key) {
    if let Some(desc) = of(key) {
        prefetch(ptr::from_ref(desc).addr());
    }
}

/// All descs that were ever made.
pub(super) fn all() -> impl Iterator<Item = &'static PollDesc> {
    let made = free().made;
    (0..made).filter_map(at)
}
