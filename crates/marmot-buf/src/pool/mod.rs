//! Pools of objects that are used again, instead of being made and dropped each time.
//!
//! # How it works
//!
//! A pool has a **shard** for each thread that uses it (goroutines that have started stay on one thread, so to a runtime
//! that is a shard for each P). The thread is the shard's owner: it alone puts objects in. A shard has **private slots**
//! (`slot`) for a few objects and **rings** (`ring`) for more, and each of that twice: the pool's **generation** says which
//! of the two is the primary and which the victim. An object is a box, of which a shard keeps the address.
//!
//! | step | to get an object | to put one back |
//! |---|---|---|
//! | 1 | the primary's private slots | the primary's private slots, if one is empty |
//! | 2 | the primary's rings, youngest first | the primary's rings |
//! | 3 | the primary's rings of all other shards, oldest first | it is dropped: there are thousands, or as many as there may be |
//! | 4 | the victim's slots and rings | |
//! | 5 | the victims of all other shards | |
//! | 6 | it is made | |
//!
//! A **tick** (`age`) drops what the victims hold and makes victims of the primaries, by counting the generation on. So
//! an object that nobody has wanted for two ticks is dropped, and one that is wanted comes out of the victim and goes back
//! into the primary: a pool shrinks to what is used, and no burst is held for long.
//!
//! # Why this is sound
//!
//! *Every object has one owner.* It is in the hand of whoever holds the guard, or its address is in one slot. Out of a private
//! slot it is taken by exchanging the address for null; out of a ring by moving the ring's end over it. Both are one
//! exchange, which one of those who try makes. The tick and a pool that is dropped are thieves like all others.
//!
//! *Only owners put.* A number of a thread (`thread`) has one owner at a time, and passes on under a lock. A thread that
//! is ending and has given its number back has no shard: what it gives back is dropped, and it takes as a thief does.
//!
//! *No code of the user runs in between.* Making, resetting, measuring and dropping objects happens while they are in
//! nobody's slot, and the thread's number is looked up afterwards: a goroutine may park in there, and a panic loses the one
//! object that it is about. The generation may be counted on between reading it and using it; then something goes into
//! the victim that belongs into the primary, or the reverse, and is dropped a tick earlier or later.
//!
//! *Objects change threads*, so they are [`Send`]; and a tick may drop them after the pool is gone, so they are `'static`.
//! Two threads never have one object at the same time, so they need not be [`Sync`].
//!
//! # What was rejected
//!
//! * Stopping the world for the tick, as Go does, after which its private slots need no exchange. A library cannot; and
//!   an exchange on a cache line that nobody else touches is what a get costs here.
//! * A private slot without exchange, whose owner announces itself before it looks, and a tick that makes sure of having
//!   seen that by a barrier on all processors (`membarrier`). Measured without the announcement, which would cost a
//!   little more: 7.1 ns for a get and a put, where the exchange makes it 7.7. It would need a second way for systems without
//!   that call, and interrupt all threads at each tick.
//! * Owners that clear their own slots when they next come by. One that sleeps keeps its object, and so does each of a
//!   thousand threads.
//! * Objects in the slots themselves instead of boxes. A slot would then be as large as an object, and the slots of a
//!   burst could not be given back.

mod age;
mod due;
mod reset;
mod ring;
mod shard;
mod shards;
mod slot;
mod stats;
mod thread;

use std::any::type_name;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
// What ages has these under a model of something else, too: pools outlive it.
use std::sync::{Arc, OnceLock, Weak, atomic};

use age::Aged;
use shards::Shards;

pub use age::{collect, set_get_hook, set_timer, stats, tick};
pub use due::INTERVAL;
pub use reset::Reset;
pub use stats::Stats;

/// Objects that are used again.
///
/// [`get`](Pool::get) lends an object; when the guard is dropped, the object is [reset](Reset) and put back. Any thread may
/// get and give back, also one that the object does not come from; goroutines may keep a guard while they park.
///
/// A pool keeps what is in use and drops what has not been wanted for two [ticks](INTERVAL), so it may be a `static`
/// without limits. Objects that have grown too large can be kept out by [`max_size`](Pool::max_size).
///
/// A pool that is not a `static` drops what it keeps when it is dropped.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use marmot_buf::Pool;
///
/// static LINES: Pool<Vec<u8>> = Pool::new(Vec::new).named("lines").max_size(64 * 1024);
///
/// let mut line = LINES.get();
/// write!(line, "{} {}", 200, "OK")?;
/// assert_eq!(*line, b"200 OK");
/// drop(line);
/// // It is empty, and has the memory that it had.
/// let line = LINES.get();
/// assert!(line.is_empty() && line.capacity() >= 6);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// What cannot be sent to another thread cannot be shared by a pool:
///
/// ```compile_fail,E0277
/// use std::rc::Rc;
/// use marmot_buf::Pool;
///
/// let pool = Pool::with_reset(|| Rc::new(0), |_| {});
/// ```
pub struct Pool<T: Send + 'static> {
    shards: OnceLock<Arc<Shards<T>>>,
    name: Option<&'static str>,
    make: fn() -> T,
    /// None where objects may be as their last user has left them.
    reset: Option<fn(&mut T)>,
    /// What is asked after each reset, if anything is.
    is_reset: Option<fn(&T) -> bool>,
    size: fn(&T) -> usize,
    max_size: usize,
    max_kept: usize,
}

impl<T: Reset + Send + 'static> Pool<T> {
    /// A pool whose objects `make` makes.
    ///
    /// In debug builds an object that is not as good as new after it was [reset](Reset::reset) is noticed, by
    /// [`Reset::is_reset`].
    pub const fn new(make: fn() -> T) -> Pool<T> {
        Pool {
            shards: OnceLock::new(),
            name: None,
            make,
            reset: Some(T::reset),
            is_reset: if cfg!(debug_assertions) { Some(T::is_reset) } else { None },
            size: T::size,
            max_size: usize::MAX,
            max_kept: usize::MAX,
        }
    }
}

impl<T: Send + 'static> Pool<T> {
    /// A pool whose objects `make` makes and `reset` makes as good as new.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_buf::Pool;
    ///
    /// static TABLES: Pool<Box<[u32; 1024]>> = Pool::with_reset(|| Box::new([0; 1024]), |table| table.fill(0));
    ///
    /// TABLES.get()[7] = 1;
    /// assert_eq!(TABLES.get()[7], 0);
    /// ```
    pub const fn with_reset(make: fn() -> T, reset: fn(&mut T)) -> Pool<T> {
        let mut pool = Pool::as_it_is(make);
        pool.reset = Some(reset);
        pool
    }

    /// A pool whose objects come back as their last user has left them.
    pub(crate) const fn as_it_is(make: fn() -> T) -> Pool<T> {
        Pool {
            shards: OnceLock::new(),
            name: None,
            make,
            reset: None,
            is_reset: None,
            size: size_of_val,
            max_size: usize::MAX,
            max_kept: usize::MAX,
        }
    }

    /// Names the pool, for [`stats`] and for what is reported of it.
    pub const fn named(mut self, name: &'static str) -> Pool<T> {
        self.name = Some(name);
        self
    }

    /// Drops objects that hold more than so many bytes instead of keeping them, by [`Reset::size`]. Of a pool made by
    /// [`with_reset`](Pool::with_reset), set the measure, too: [`sized_by`](Pool::sized_by).
    pub const fn max_size(mut self, bytes: usize) -> Pool<T> {
        self.max_size = bytes;
        self
    }

    /// How many bytes an object holds, for [`max_size`](Pool::max_size).
    pub const fn sized_by(mut self, size: fn(&T) -> usize) -> Pool<T> {
        self.size = size;
        self
    }

    /// Keeps at most so many objects for each thread, between two ticks and besides what had been kept before. Without it
    /// there is room for some thousands.
    pub const fn max_kept(mut self, objects: usize) -> Pool<T> {
        self.max_kept = objects;
        self
    }

    /// Asks after each reset, also in release builds, whether the object is as good as new.
    pub const fn checked_by(mut self, is_reset: fn(&T) -> bool) -> Pool<T> {
        self.is_reset = Some(is_reset);
        self
    }

    /// Lends an object: one that was given back, or else a new one.
    ///
    /// # Panics
    ///
    /// As the function that makes objects.
    ///
    /// # Blocking
    ///
    /// Nothing but what that function does. Where there is no runtime that ticks, one get in many does, if the time for it
    /// has come: then destructors of objects run in it, also of other pools'.
    #[inline]
    pub fn get(&self) -> Pooled<'_, T> {
        let object = self.shards().take().unwrap_or_else(|| self.make());
        Pooled { pool: self, object }
    }

    #[cold]
    fn make(&self) -> NonNull<T> {
        ManuallyDrop::new(self.lend((self.make)())).object
    }

    /// Gives the pool an object that does not come from it, or was [taken out](Pooled::into_inner). It is reset.
    ///
    /// # Panics
    ///
    /// As dropping a [`Pooled`].
    pub fn put(&self, object: T) {
        drop(self.lend(object));
    }

    /// A guard with an object that does not come from the pool.
    pub(crate) fn lend(&self, object: T) -> Pooled<'_, T> {
        Pooled { pool: self, object: NonNull::from(Box::leak(Box::new(object))) }
    }

    /// What the pool has done so far.
    pub fn stats(&self) -> Stats {
        self.shards().stats()
    }

    #[inline]
    fn shards(&self) -> &Shards<T> {
        match self.shards.get() {
            Some(shards) => shards,
            None => self.open(),
        }
    }

    #[cold]
    fn open(&self) -> &Shards<T> {
        self.shards.get_or_init(|| {
            let shards = Arc::new(Shards::new(self.name()));
            let weak: Weak<Shards<T>> = Arc::downgrade(&shards);
            age::register(weak);
            shards
        })
    }

    fn name(&self) -> &'static str {
        self.name.unwrap_or(type_name::<T>())
    }

    /// Resets an object and puts it back.
    #[inline]
    fn give_back(&self, object: NonNull<T>) {
        let shards = self.shards();
        let mut object = Held { object, shards };
        if let Some(reset) = self.reset {
            reset(&mut object);
        }
        if let Some(is_reset) = self.is_reset
            && !is_reset(&object)
        {
            // A second panic would end the process, and the first one may be the reason.
            assert!(
                std::thread::panicking(),
                "an object of the pool \"{}\" was not as good as new after it was reset; it is not used again",
                self.name()
            );
            return;
        }
        if self.max_size != usize::MAX && (self.size)(&object) > self.max_size {
            return;
        }
        if let Err(object) = shards.put(object.keep(), self.max_kept) {
            drop(Held { object, shards });
        }
    }
}

/// An object that is on its way back. Unless it is [kept](Held::keep), it is dropped and counted.
struct Held<'p, T: Send + 'static> {
    object: NonNull<T>,
    shards: &'p Shards<T>,
}

impl<T: Send + 'static> Held<'_, T> {
    #[inline]
    fn keep(self) -> NonNull<T> {
        ManuallyDrop::new(self).object
    }
}

impl<T: Send + 'static> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: it is a leaked box that belongs to this.
        unsafe { self.object.as_ref() }
    }
}

impl<T: Send + 'static> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`.
        unsafe { self.object.as_mut() }
    }
}

impl<T: Send + 'static> Drop for Held<'_, T> {
    #[cold]
    fn drop(&mut self) {
        self.shards.count_dropped();
        // SAFETY: it is a leaked box that belongs to this, and is dropped with it.
        drop(unsafe { Box::from_raw(self.object.as_ptr()) });
    }
}

impl<T: Send + 'static> Drop for Pool<T> {
    fn drop(&mut self) {
        // The shards themselves may be looked at by a tick for a moment yet.
        if let Some(shards) = self.shards.get() {
            shards.clear_all();
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// An object on loan from a [`Pool`], which goes back when this is dropped.
///
/// It may be sent to another thread if the object may, and shared if the object may:
///
/// ```compile_fail,E0277
/// use std::cell::Cell;
/// use marmot_buf::Pool;
///
/// static CELLS: Pool<Cell<u8>> = Pool::with_reset(|| Cell::new(0), |cell| cell.set(0));
///
/// let cell = CELLS.get();
/// std::thread::scope(|scope| {
///     scope.spawn(|| cell.set(1));
/// });
/// ```
///
/// # Panics
///
/// Dropping panics if resetting the object does, or if it is not as good as new afterwards and that is looked at. The
/// object is dropped then, and not used again.
#[must_use = "an object that is not used need not be taken"]
pub struct Pooled<'p, T: Send + 'static> {
    pool: &'p Pool<T>,
    /// A leaked box that belongs to this.
    object: NonNull<T>,
}

// SAFETY: it owns its object, which is `Send`, and refers to a pool, which is `Sync`.
unsafe impl<T: Send + 'static> Send for Pooled<'_, T> {}
// SAFETY: shared, it lends the object out shared.
unsafe impl<T: Send + Sync + 'static> Sync for Pooled<'_, T> {}

impl<T: Send + 'static> Pooled<'_, T> {
    /// Takes the object out of the pool for good.
    pub fn into_inner(self) -> T {
        let object = ManuallyDrop::new(self).object;
        // SAFETY: it is a leaked box that belonged to the guard, which is not dropped.
        *unsafe { Box::from_raw(object.as_ptr()) }
    }
}

impl<T: Send + 'static> Drop for Pooled<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.pool.give_back(self.object);
    }
}

impl<T: Send + 'static> Deref for Pooled<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the object belongs to the guard.
        unsafe { self.object.as_ref() }
    }
}

impl<T: Send + 'static> DerefMut for Pooled<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the object belongs to the guard.
        unsafe { self.object.as_mut() }
    }
}

impl<T: fmt::Debug + Send + 'static> fmt::Debug for Pooled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display + Send + 'static> fmt::Display for Pooled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
