//! Labels: what a program says of the work that goroutines do, for profiles to be told apart by it.
//!
//! A goroutine hands its labels on to those that it spawns, and to what it runs on a spare thread. They are shared, never
//! copied: equal labels are one set with one number, by which samples name them. The number is all that the profiler
//! takes in a signal handler ([`current_label_id`]), and it looks the labels up later ([`resolve`]).
//!
//! # How long a set is known
//!
//! A number must not name other labels later, so it is never used again. And labels that were set for each request must
//! not stay for ever. So the table keeps what is in use, however much, and of what is not in use any more only about the newest
//! 1,024, or 65,536 as long as a profile [asks](keep) for it: a profile that looks its numbers up before it
//! lets go finds them, unless more than that were given up meanwhile. What is forgotten resolves to no labels.
//!
//! To set labels that are in the table, also if nobody uses them just then, allocates nothing.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::sched;
use crate::sched::labels::{self as slots, Set};

/// The table is in so many parts, each under a lock of its own.
const PARTS: usize = 16;

/// How many sets are kept that nobody uses: in all parts together.
const KEPT: usize = 1024;
/// The same while a profile needs them.
const KEPT_FOR_PROFILE: usize = 65_536;

/// So many labels are put together without an allocation.
const FEW: usize = 16;

/// Runs `f` with `labels` added to those that the caller has; of labels with the same key the new one counts. When `f` ends,
/// if by a panic, all is as it was before.
///
/// Goroutines that `f` spawns have the labels, too, and keep them. On a plain thread they are the thread's.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::profile::labels::{labels, with_labels};
///
/// let seen = with_labels(&[("route", "/users")], || marmot::go(labels).join().unwrap());
/// assert_eq!(seen, [("route".to_owned(), "/users".to_owned())]);
/// assert!(labels().is_empty());
/// ```
pub fn with_labels<T>(labels: &[(&str, &str)], f: impl FnOnce() -> T) -> T {
    let old = slots::with_own(|own| own.get());
    let _restore = set(merged(old.as_deref(), labels));
    f()
}

/// Runs `f` without labels, and gives the caller its own back when `f` ends, if by a panic.
pub fn without_labels<T>(f: impl FnOnce() -> T) -> T {
    let _restore = set(None);
    f()
}

/// The caller's labels, in the order of their keys.
pub fn labels() -> Vec<(String, String)> {
    slots::with_own(|own| own.get()).map_or_else(Vec::new, |set| pairs(&set))
}

/// The number of the labels of what runs on this thread; 0 if there are none.
///
/// It is async-signal-safe in a handler of a signal that the thread itself has got: it takes no lock and allocates nothing.
/// (Where the runtime is in a library that was loaded later, a thread's first use of its thread-locals may allocate; threads
/// that have called the runtime, and Ms, have had it.)
#[inline]
pub fn current_label_id() -> u64 {
    slots::own_id()
}

/// The labels that a number names: none for 0, and for what has been forgotten, see [`keep`].
pub fn resolve(id: u64) -> Vec<(String, String)> {
    let part = part_of(id);
    part.sets.get(&id).map_or_else(Vec::new, |set| pairs(set))
}

/// Makes labels known for longer than they are in use, until what is returned is dropped: for a profile that looks numbers
/// up at its end. The newest 65,536 that are not in use are kept.
#[must_use = "labels are kept until this is dropped"]
pub fn keep() -> Kept {
    KEEPERS.fetch_add(1, Relaxed);
    Kept(())
}

/// See [`keep`].
#[derive(Debug)]
pub struct Kept(());

impl Drop for Kept {
    fn drop(&mut self) {
        if KEEPERS.fetch_sub(1, Relaxed) == 1 {
            for part in &TABLE {
                lock(part).forget(usize::MAX);
            }
        }
    }
}

static KEEPERS: AtomicUsize = AtomicUsize::new(0);

type Hasher = BuildHasherDefault<DefaultHasher>;

/// A part of the table.
struct Part {
    /// All sets of this part by their numbers, and each once more by the hash of what is in it.
    sets: HashMap<u64, Arc<Set>, Hasher>,
    by_hash: HashMap<u64, Vec<u64>, Hasher>,
    /// The numbers in the order in which they were made, or were found to be in use.
    order: VecDeque<(u64, u64)>,
    made: u64,
}

static TABLE: [Mutex<Part>; PARTS] = [const {
    Mutex::new(Part {
        sets: HashMap::with_hasher(BuildHasherDefault::new()),
        by_hash: HashMap::with_hasher(BuildHasherDefault::new()),
        order: VecDeque::new(),
        made: 0,
    })
}; PARTS];

fn lock(part: &'static Mutex<Part>) -> MutexGuard<'static, Part> {
    // Nothing that panics runs under the lock.
    part.lock().unwrap_or_else(|e| e.into_inner())
}

/// The part that a number is in.
fn part_of(id: u64) -> MutexGuard<'static, Part> {
    lock(&TABLE[id as usize % PARTS])
}

impl Part {
    /// The set of these labels, which are in order.
    fn find(&self, hash: u64, labels: &[(&str, &str)]) -> Option<&Arc<Set>> {
        let same = |set: &&Arc<Set>| set.pairs.iter().map(|(key, value)| (&**key, &**value)).eq(labels.iter().copied());
        self.by_hash.get(&hash)?.iter().filter_map(|id| self.sets.get(id)).find(same)
    }

    fn add(&mut self, number: usize, hash: u64, labels: &[(&str, &str)]) -> Arc<Set> {
        self.made += 1;
        let id = self.made * PARTS as u64 + number as u64;
        let pairs = labels.iter().map(|&(key, value)| (key.into(), value.into())).collect();
        let set = Arc::new(Set { id, pairs });
        self.sets.insert(id, Arc::clone(&set));
        self.by_hash.entry(hash).or_default().push(id);
        self.order.push_back((id, hash));
        // As many as have come, and one more: so the table shrinks also if it was full of what was in use once.
        self.forget(2);
        set
    }

    /// Looks at `looks` sets at most, the oldest first, and forgets those that nobody uses, while there are too many.
    fn forget(&mut self, looks: usize) {
        let kept = if KEEPERS.load(Relaxed) == 0 { KEPT } else { KEPT_FOR_PROFILE } / PARTS;
        for _ in 0..looks.min(self.order.len()) {
            if self.sets.len() <= kept {
                return;
            }
            // There are as many as sets.
            let Some((id, hash)) = self.order.pop_front() else { return };
            // Whoever else has one got it under the lock, or from somebody who has one.
            if self.sets.get(&id).is_some_and(|set| Arc::strong_count(set) > 1) {
                self.order.push_back((id, hash));
                continue;
            }
            self.sets.remove(&id);
            if let Some(ids) = self.by_hash.get_mut(&hash) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.by_hash.remove(&hash);
                }
            }
        }
    }
}

/// The set with the labels of `old` and `new`.
fn merged(old: Option<&Set>, new: &[(&str, &str)]) -> Option<Arc<Set>> {
    let old = old.map_or(&[][..], |set| &set.pairs);
    let (mut few, mut many) = ([("", ""); FEW], Vec::new());
    let room = match few.get_mut(..old.len() + new.len()) {
        Some(room) => room,
        None => {
            many.resize(old.len() + new.len(), ("", ""));
            &mut many[..]
        }
    };
    let mut len = 0;
    for (key, value) in old.iter().map(|(key, value)| (&**key, &**value)).chain(new.iter().copied()) {
        match room[..len].binary_search_by_key(&key, |(key, _)| key) {
            Ok(at) => room[at].1 = value,
            Err(at) => {
                room[len] = (key, value);
                room[at..=len].rotate_right(1);
                len += 1;
            }
        }
    }
    let labels = &room[..len];
    if labels.is_empty() {
        return None;
    }
    let hash = Hasher::default().hash_one(labels);
    let number = hash as usize % PARTS;
    let mut part = lock(&TABLE[number]);
    if let Some(set) = part.find(hash, labels) {
        return Some(Arc::clone(set));
    }
    Some(part.add(number, hash, labels))
}

/// What is in a set.
pub(super) fn pairs(set: &Set) -> Vec<(String, String)> {
    set.pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// Gives the caller its labels back, unless that is another goroutine, which has resumed a coroutine of the one that made it.
struct Restore {
    before: Option<Arc<Set>>,
    owner: u64,
    here: PhantomData<*const ()>,
}

fn set(set: Option<Arc<Set>>) -> Restore {
    Restore { before: slots::with_own(|own| own.replace(set)), owner: sched::own_number(), here: PhantomData }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if self.owner == sched::own_number() {
            drop(slots::with_own(|own| own.replace(self.before.take())));
        }
    }
}

#[cfg(test)]
mod tests;
