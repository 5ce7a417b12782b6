//! The shards of a pool, and its two generations.

use std::ptr::{self, NonNull};

use super::age::{self, Aged};
use super::atomic::{
    AtomicPtr, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use super::due::Aging;
use super::shard::{Shard, Side, drop_object};
use super::stats::Stats;
use super::thread::{self, Place, ROWS};
use crate::primitive::MODELLED;

/// After so many hits of a shard it looks at the clock; a power of two.
const HITS_A_LOOK: u32 = 1024;
/// And after so many objects that it had to have made.
const MISSES_A_LOOK: u32 = 64;

/// The shards, and what is common to them.
pub(super) struct Shards<T> {
    rows: [AtomicPtr<Shard<T>>; ROWS],
    /// The last bit says which side is the primary.
    generation: AtomicUsize,
    aging: Aging,
    /// Of threads without a place.
    misses: AtomicU64,
    steals: AtomicU64,
    dropped: AtomicU64,
    name: &'static str,
}

impl<T: Send + 'static> Shards<T> {
    pub(super) fn new(name: &'static str) -> Self {
        Shards {
            rows: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            generation: AtomicUsize::new(0),
            aging: Aging::new(),
            misses: AtomicU64::new(0),
            steals: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            name,
        }
    }

    /// A row's shards; none if nobody has needed it.
    #[inline]
    fn row(&self, row: usize) -> &[Shard<T>] {
        // Acquire pairs with the Release in `make_row`.
        let first = self.rows[row].load(Acquire);
        if first.is_null() {
            return &[];
        }
        // SAFETY: `make_row` leaked a slice of that length, which is freed only when `self` is dropped.
        unsafe { std::slice::from_raw_parts(first, 1 << row) }
    }

    #[cold]
    fn make_row(&self, row: usize) {
        let shards: Box<[Shard<T>]> = (0..1 << row).map(|_| Shard::new()).collect();
        let shards = Box::into_raw(shards);
        // Release pairs with the Acquire in `row`.
        let put = self.rows[row].compare_exchange(ptr::null_mut(), shards.cast(), Release, Relaxed);
        if put.is_err() {
            // SAFETY: another thread was first, so nobody else knows of this one.
            drop(unsafe { Box::from_raw(shards) });
        }
    }

    /// The calling thread's shard, whose owner it is until it ends, if it has been used before.
    #[inline]
    fn used(&self) -> Option<&Shard<T>> {
        let Place { row, index } = thread::known_place()?;
        self.row(row as usize).get(index as usize)
    }

    /// The calling thread's shard; none if it has given its number back. Under a model of something else there is none either:
    /// pools outlive it, and what a model is made of does not.
    #[cold]
    fn own(&self) -> Option<&Shard<T>> {
        if MODELLED {
            return None;
        }
        let Place { row, index } = thread::place()?;
        let (row, index) = (row as usize, index as usize);
        if self.row(row).is_empty() {
            self.make_row(row);
        }
        self.row(row).get(index)
    }

    fn all(&self) -> impl Iterator<Item = &Shard<T>> {
        (0..ROWS).flat_map(|row| self.row(row))
    }

    #[inline]
    fn primary(&self) -> usize {
        self.generation.load(Relaxed) & 1
    }

    /// Takes an object, preferably from the caller's shard.
    #[inline]
    pub(super) fn take(&self) -> Option<NonNull<T>> {
        if let Some(own) = self.used()
            && let Some(object) = own.sides[self.primary()].private.pop()
        {
            if own.counts.hits.add().is_multiple_of(HITS_A_LOOK.into()) {
                age::look(HITS_A_LOOK);
            }
            return Some(object);
        }
        self.take_slowly()
    }

    /// From the caller's rings, others' rings, the victims; in this order.
    #[cold]
    #[inline(never)]
    fn take_slowly(&self) -> Option<NonNull<T>> {
        let primary = self.primary();
        let own = self.own();
        if let Some(own) = own
            && let Some(object) = own.sides[primary].pop()
        {
            own.counts.hits.add();
            return Some(object);
        }
        let stolen = self.others(own).find_map(|shard| shard.sides[primary].steal());
        if let Some(object) = stolen {
            match own {
                Some(own) => own.counts.steals.add(),
                None => self.steals.fetch_add(1, Relaxed),
            };
            return Some(object);
        }
        let victim = primary ^ 1;
        if let Some(own) = own
            && let Some(object) = own.sides[victim].take_any()
        {
            own.counts.hits.add();
            return Some(object);
        }
        let stolen = self.others(own).find_map(|shard| shard.sides[victim].take_any());
        match (own, stolen.is_some()) {
            (Some(own), true) => own.counts.steals.add(),
            (None, true) => self.steals.fetch_add(1, Relaxed),
            (None, false) => self.misses.fetch_add(1, Relaxed),
            (Some(own), false) => {
                let misses = own.counts.misses.add();
                if misses.is_multiple_of(MISSES_A_LOOK.into()) {
                    age::look(MISSES_A_LOOK);
                }
                misses
            }
        };
        stolen
    }

    fn others<'a>(&'a self, own: Option<&'a Shard<T>>) -> impl Iterator<Item = &'a Shard<T>> {
        self.all().filter(move |shard| own.is_none_or(|own| !ptr::eq(own, *shard)))
    }

    /// Puts an object into the caller's shard, or gives it back if that has so many.
    #[inline]
    pub(super) fn put(&self, object: NonNull<T>, most: usize) -> Result<(), NonNull<T>> {
        if let Some(own) = self.used()
            && own.sides[self.primary()].private.put(object, most)
        {
            if self.aging.begins() {
                age::ask();
            }
            return Ok(());
        }
        self.put_slowly(object, most)
    }

    /// For who has no shard yet, or no room in the private slots.
    #[cold]
    #[inline(never)]
    fn put_slowly(&self, object: NonNull<T>, most: usize) -> Result<(), NonNull<T>> {
        let Some(own) = self.own() else { return Err(object) };
        let side = &own.sides[self.primary()];
        let is_full = || most != usize::MAX && side.len() >= most;
        if !side.private.put(object, most) && (is_full() || !side.push(object)) {
            return Err(object);
        }
        if self.aging.begins() {
            age::ask();
        }
        Ok(())
    }

    /// Counts an object that is not kept.
    #[cold]
    pub(super) fn count_dropped(&self) {
        match self.own() {
            Some(own) => own.counts.dropped.add(),
            None => self.dropped.fetch_add(1, Relaxed),
        };
    }

    /// Drops all that is in a side of every shard. A destructor that panics has been reported by the panic's hook, and the
    /// others follow all the same. One that puts something in does not keep this going for ever.
    fn clear(&self, side: impl Fn(&Shard<T>) -> &Side<T>) {
        for side in self.all().map(side) {
            for object in (0..side.len()).map_while(|_| side.take_any()) {
                // SAFETY: objects are boxes that were leaked when they were put in, and this one has been taken out.
                unsafe { drop_object(object) };
            }
        }
    }

    /// Drops all that is kept.
    pub(super) fn clear_all(&self) {
        self.clear(|shard| &shard.sides[0]);
        self.clear(|shard| &shard.sides[1]);
    }

    fn kept(&self) -> usize {
        self.all().map(Shard::len).sum()
    }
}

impl<T: Send + 'static> Aged for Shards<T> {
    fn age(&self) {
        let turn = || {
            let generation = self.generation.load(Relaxed);
            // What was the victim becomes the primary, and has to be empty before. Whoever has read the old generation puts
            // what it puts into the victim, which does no harm.
            self.clear(|shard| &shard.sides[(generation & 1) ^ 1]);
            self.generation.store(generation.wrapping_add(1), Relaxed);
        };
        self.aging.turn(turn, || self.kept() == 0);
    }

    fn wants_a_tick(&self) -> bool {
        self.aging.wants_a_tick()
    }

    fn collect(&self) {
        self.clear_all();
    }

    fn stats(&self) -> Stats {
        let mut stats = Stats {
            name: self.name,
            hits: 0,
            steals: self.steals.load(Relaxed),
            misses: self.misses.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            kept: 0,
        };
        for shard in self.all() {
            stats.hits += shard.counts.hits.get();
            stats.steals += shard.counts.steals.get();
            stats.misses += shard.counts.misses.get();
            stats.dropped += shard.counts.dropped.get();
            stats.kept += shard.len();
        }
        stats
    }
}

impl<T> Drop for Shards<T> {
    fn drop(&mut self) {
        for (row, first) in self.rows.iter_mut().enumerate() {
            // Pairs with nothing: whoever drops it is the last, and has seen what the others did.
            let first = *first.get_mut();
            if !first.is_null() {
                // SAFETY: `make_row` leaked a slice of that length, and nobody uses it any more.
                drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(first, 1 << row)) });
            }
        }
    }
}
