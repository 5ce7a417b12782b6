//! An allocator that takes samples: where memory is allocated, how much, and how long it lives.
//!
//! [`Allocator`] stands before the program's own allocator and hands everything on to it. Of every 512 KiB, in the mean,
//! it notes one allocation with its stack; [`heap`] and [`allocs`] make profiles of the notes, whose values are scaled to
//! what was allocated in truth.
//!
//! # How
//!
//! Each thread counts bytes down to its next sample. The gaps between samples have an exponential distribution, so that
//! each byte is as likely as any other to be the one, and an allocation of `size` bytes is noted with the probability
//! `1 - exp(-size / rate)`. It is noted with the inverse of that as its weight, so that the sums are unbiased whatever the
//! sizes, and however the rate is changed meanwhile. What is not noted costs one subtraction; what is freed costs a look at
//! one bit, which is clear unless an address that is noted falls to it.
//!
//! # Invariants
//!
//! - What is allocated while a sample is taken, or a profile is made, is not sampled: marks of the thread's say so. The locks here are held
//!   under that mark only, and nothing is allocated under them by way of the program's allocator. Who forks the process takes
//!   them all, so that the child finds none of them held. A child that is forked by a signal handler which has interrupted a
//!   sample has no profile of its memory.
//! - A note of an address is taken back before the memory is: nobody else can have the address meanwhile.
//! - The tables never shrink and have limits. Beyond these, samples are counted without a stack, or without a lifetime, and
//!   the profile says in a comment how many.
//!
//! # Examples
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: marmot_pprof::alloc::Allocator = marmot_pprof::alloc::Allocator::new();
//!
//! let list: Vec<u8> = Vec::with_capacity(100 << 20);
//! let profile = marmot_pprof::alloc::heap();
//! assert!(profile.total("inuse_space") >= list.capacity() as i64);
//! ```

mod arena;
mod bucket;
mod live;
mod lock;
mod sampler;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use marmot_coro::trace;

use crate::raw::{Profile, Sample, ValueType};

pub(crate) use sampler::quietly;

/// The mean number of bytes between two samples, unless somebody sets it.
pub const DEFAULT_RATE: usize = 512 * 1024;

/// The exact counters of allocators made by [`Allocator::counting`].
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// An allocator that takes samples of what passes through it to another. See the [module](self).
#[derive(Debug, Default)]
pub struct Allocator<A = System> {
    inner: A,
    is_counting: bool,
}

impl Allocator {
    /// One before the system's allocator.
    pub const fn new() -> Allocator {
        Allocator::before(System)
    }

    /// One before the system's allocator that also counts every allocation, for [`counts`].
    ///
    /// All threads add to the same two counters, which they pass from core to core: for tests and benchmarks.
    pub const fn counting() -> Allocator {
        Allocator { inner: System, is_counting: true }
    }
}

impl<A> Allocator<A> {
    /// One before the allocator `inner`.
    pub const fn before(inner: A) -> Allocator<A> {
        Allocator { inner, is_counting: false }
    }

    #[inline]
    fn allocated(&self, place: *mut u8, size: usize) {
        if place.is_null() {
            return;
        }
        if self.is_counting {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_add(size as u64, Ordering::Relaxed);
        }
        sampler::allocated(place.addr(), size);
    }
}

// SAFETY: each call is handed on to `inner` with the caller's own promises, and its result is handed back.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Allocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same.
        let place = unsafe { self.inner.alloc(layout) };
        self.allocated(place, layout.size());
        place
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same.
        let place = unsafe { self.inner.alloc_zeroed(layout) };
        self.allocated(place, layout.size());
        place
    }

    #[inline]
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if live::may_hold(place.addr()) {
            sampler::freed(place.addr());
        }
        // SAFETY: the caller's promise is the same.
        unsafe { self.inner.dealloc(place, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Once the call returns, the old address may be somebody else's.
        let note = if live::may_hold(place.addr()) { sampler::take(place.addr()) } else { None };
        // SAFETY: the caller's promise is the same.
        let new = unsafe { self.inner.realloc(place, layout, size) };
        if let Some(note) = note {
            sampler::moved(note, place.addr(), new.is_null());
        }
        self.allocated(new, size);
        new
    }
}

/// What has been allocated, exactly. See [`counts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often memory was allocated, or made larger or smaller.
    pub allocations: u64,
    /// How many bytes were asked for in doing so.
    pub bytes: u64,
}

/// What the process has allocated, exactly, by way of an [`Allocator::counting`]; zero with any other.
///
/// # Examples
///
/// ```
/// use marmot_pprof::alloc::{Allocator, counts};
///
/// #[global_allocator]
/// static ALLOCATOR: Allocator = Allocator::counting();
///
/// let before = counts();
/// drop(std::hint::black_box(Box::new([0_u8; 100])));
/// let after = counts();
/// assert!(after.allocations > before.allocations && after.bytes - before.bytes >= 100);
/// ```
pub fn counts() -> Counts {
    Counts { allocations: ALLOCATIONS.load(Ordering::Relaxed), bytes: BYTES.load(Ordering::Relaxed) }
}

/// Sets the mean number of bytes between two samples: 0 for none, 1 for a sample of every allocation.
///
/// The calling thread goes by it at once. Another thread does after its next sample, or the next 16 MiB if there were none,
/// as it has drawn the way to it before. Set it at the beginning of `main`, and all go by it.
pub fn set_rate(bytes: usize) {
    sampler::set_rate(bytes);
}

/// The mean number of bytes between two samples; 0 if none are taken.
pub fn rate() -> usize {
    sampler::rate()
}

/// Whether an [`Allocator`] is the program's global allocator, or has been used at least; without one, the profiles are empty.
pub fn is_installed() -> bool {
    sampler::is_used()
}

/// The profile of what is allocated and not freed (`inuse_space`), and of all that was allocated since the program began.
///
/// Its values are `alloc_objects`, `alloc_space`, `inuse_objects`, `inuse_space`, and `lifetime`: for how many nanoseconds
/// lived what has been freed, in sum, so that a mean lifetime is `lifetime / (alloc_objects - inuse_objects)`.
///
/// It is empty unless an [`Allocator`] is the program's global allocator.
///
/// The calls of a library that is loaded while the program runs are seen from the first profile on that is taken after: until
/// then, stacks with one end there.
pub fn heap() -> Profile {
    quietly(|| profile("inuse_space"))
}

/// As [`heap`], with all that was allocated (`alloc_space`) as what is shown first.
pub fn allocs() -> Profile {
    quietly(|| profile("alloc_space"))
}

fn profile(default_type: &'static str) -> Profile {
    // What has been loaded is looked at here and not in samples.
    trace::prepare();
    let mut profile = Profile::new(vec![
        ValueType::new("alloc_objects", "count"),
        ValueType::new("alloc_space", "bytes"),
        ValueType::new("inuse_objects", "count"),
        ValueType::new("inuse_space", "bytes"),
        ValueType::new("lifetime", "nanoseconds"),
    ]);
    profile.default_type = Some(default_type);
    profile.period_type = Some(ValueType::new("space", "bytes"));
    profile.period = i64::try_from(rate()).unwrap_or(i64::MAX);
    bucket::each(|bucket| {
        let values = bucket.values();
        if values.iter().any(|value| *value != 0) {
            profile.samples.push(Sample { stack: bucket.stack().to_vec(), values: values.to_vec(), labels: vec![] });
        }
    });
    let (stackless, untracked) = (bucket::lost(), live::lost());
    if stackless > 0 {
        profile.comments.push(format!("{stackless} samples have no stack: the table of stacks is full"));
    }
    if untracked > 0 {
        profile.comments.push(format!("{untracked} samples count as freed at once: the table of addresses is full"));
    }
    profile
}
