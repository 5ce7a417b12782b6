//! Which allocations are samples, and what is done with those.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use marmot_coro::trace::{self, MAX_FRAMES};

use crate::sys;

use super::live::Note;
use super::{DEFAULT_RATE, bucket, live, lock};

/// After how many bytes a thread looks whether samples are wanted again.
const IDLE: usize = 16 << 20;

static RATE: AtomicUsize = AtomicUsize::new(DEFAULT_RATE);

/// Whether anything has come by here at all.
static IS_USED: AtomicBool = AtomicBool::new(false);

/// From which threads draw their seeds.
static SEED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// It has no destructor, so it can be used as long as the thread runs.
    static THREAD: Thread = const { Thread::new() };
}

struct Thread {
    /// How many bytes may be allocated before the next sample.
    left: Cell<isize>,
    /// The rate by which that was drawn.
    rate: Cell<usize>,
    /// Whether it was drawn at all.
    is_drawn: Cell<bool>,
    /// Whether the thread is in here, so that what it allocates is not the program's.
    is_inside: Cell<bool>,
    /// How many forks of it are under way that have found it inside.
    inner_forks: Cell<usize>,
    /// Whether it makes a profile, so that what it allocates is not the program's either.
    is_quiet: Cell<bool>,
    /// The state of the generator; zero before the first number.
    random: Cell<u64>,
}

/// Counts `size` bytes, and takes a sample if it is time.
#[inline]
pub(super) fn allocated(address: usize, size: usize) {
    THREAD.with(|thread| {
        let left = thread.left.get().wrapping_sub_unsigned(size);
        thread.left.set(left);
        if left < 0 {
            thread.reached(address, size);
        }
    });
}

/// Accounts for the end of what may have been noted at `address`.
#[cold]
pub(super) fn freed(address: usize) {
    if let Some(note) = take(address) {
        free(note);
    }
}

/// Takes away the note of `address`, if there is one.
#[cold]
pub(super) fn take(address: usize) -> Option<Note> {
    THREAD.with(|thread| {
        // Inside, a lock may be held. What is freed there was allocated there, and so was not noted; a signal handler that
        // frees the program's memory (which it must not) leaves a note, and the next one at the same address replaces it.
        thread.inside(|| live::remove(address)).flatten()
    })
}

/// Accounts for a reallocation of what was noted at `address`: that has ended, unless it failed.
#[cold]
pub(super) fn moved(note: Note, address: usize, has_failed: bool) {
    if has_failed {
        THREAD.with(|thread| thread.inside(|| keep(address, note)));
    } else {
        free(note);
    }
}

pub(super) fn set_rate(bytes: usize) {
    if bytes > 0 {
        // Here rather than in the first sample, where who allocates may have any lock.
        quietly(trace::prepare);
    }
    RATE.store(bytes, Ordering::Relaxed);
    THREAD.with(|thread| {
        thread.is_drawn.set(false);
        thread.left.set(0);
    });
}

/// Calls `f`, and notes nothing of what it allocates on this thread. `f` does not park: its thread is to stay the same.
pub(crate) fn quietly<R>(f: impl FnOnce() -> R) -> R {
    /// Puts back what was before, also when `f` panics.
    struct Restore(bool);

    impl Drop for Restore {
        fn drop(&mut self) {
            THREAD.with(|thread| thread.is_quiet.set(self.0));
        }
    }

    let _restore = Restore(THREAD.with(|thread| thread.is_quiet.replace(true)));
    f()
}

pub(super) fn is_used() -> bool {
    IS_USED.load(Ordering::Relaxed)
}

pub(super) fn rate() -> usize {
    RATE.load(Ordering::Relaxed)
}

/// Takes all locks: a fork has this thread only, and a lock that another one holds would be held there for ever. What is
/// allocated until they are let go is not sampled.
///
/// Not if this thread is inside already: a signal handler forks, and has interrupted a sample, or an outer fork. It may have a
/// lock itself, or another thread may that forks and waits for it.
extern "C" fn before_fork() {
    THREAD.with(|thread| {
        if thread.is_inside.replace(true) {
            thread.inner_forks.set(thread.inner_forks.get() + 1);
        } else {
            bucket::hold();
            live::hold();
        }
    });
}

/// Lets the locks go again.
extern "C" fn after_fork() {
    THREAD.with(|thread| match thread.inner_forks.get() {
        0 => {
            live::release();
            bucket::release();
            thread.is_inside.set(false);
        }
        inner => thread.inner_forks.set(inner - 1),
    });
}

/// As [`after_fork`]. If the locks were not taken, the child does without: see [`lock`].
extern "C" fn after_fork_in_child() {
    if THREAD.with(|thread| thread.inner_forks.get()) > 0 {
        lock::abandon_all();
    }
    after_fork();
}

fn free(note: Note) {
    note.bucket.free(note.size, note.weight, note.born.elapsed());
}

/// Notes `address`, or accounts for it at once if it cannot be followed.
fn keep(address: usize, note: Note) {
    match live::insert(address, note) {
        Ok(None) => {}
        Ok(Some(left_over)) => free(left_over),
        Err(note) => note.bucket.free(note.size, note.weight, Duration::ZERO),
    }
}

impl Thread {
    const fn new() -> Thread {
        Thread {
            left: Cell::new(0),
            rate: Cell::new(0),
            is_drawn: Cell::new(false),
            is_inside: Cell::new(false),
            inner_forks: Cell::new(0),
            is_quiet: Cell::new(false),
            random: Cell::new(0),
        }
    }

    /// Calls `f` with the mark set; not at all if it is.
    fn inside<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        if self.is_inside.replace(true) {
            return None;
        }
        let result = f();
        self.is_inside.set(false);
        Some(result)
    }

    /// The way to the next sample has come to its end with `size` bytes at `address`.
    #[cold]
    #[inline(never)]
    fn reached(&self, address: usize, size: usize) {
        self.inside(|| {
            if !self.is_drawn.replace(true) {
                // It had not begun.
                if !IS_USED.swap(true, Ordering::Relaxed) {
                    sys::around_fork(before_fork, after_fork, after_fork_in_child);
                }
                let left = self.draw().wrapping_sub_unsigned(size);
                if left >= 0 {
                    self.left.set(left);
                    return;
                }
            }
            let rate = self.rate.get();
            if rate > 0 && !self.is_quiet.get() && !lock::are_abandoned() {
                sample(address, size, rate);
            }
            self.left.set(self.draw());
        });
    }

    /// The way to the next sample, in bytes.
    fn draw(&self) -> isize {
        let rate = RATE.load(Ordering::Relaxed);
        self.rate.set(rate);
        match rate {
            0 => IDLE as isize,
            1 => 0,
            // A way that is too long for the type would not come to its end either. Rounding down leaves it as likely as it
            // was that a whole number of bytes reaches over it.
            _ => (-self.uniform().ln() * rate as f64) as isize,
        }
    }

    /// A number over 0, and up to 1.
    fn uniform(&self) -> f64 {
        let mut x = self.random.get();
        if x == 0 {
            // Whatever the threads are, their generators begin far from each other (Steele, Lea, Flood: "Fast splittable
            // pseudorandom number generators", 2014).
            let seed =
                SEED.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed) ^ std::ptr::from_ref(self).addr() as u64;
            x = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = ((x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (x >> 31)) | 1;
        }
        // xorshift64* (Vigna: "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016).
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.random.set(x);
        let bits = x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        (bits + 1) as f64 / (1_u64 << 53) as f64
    }
}

/// Notes the allocation of `size` bytes at `address`.
fn sample(address: usize, size: usize, rate: usize) {
    let mut frames = [0; MAX_FRAMES];
    let count = trace::here_as_known(&mut frames);
    let bucket = bucket::find(&frames[..count]);
    let weight = weight(size, rate);
    bucket.allocate(size, weight);
    keep(address, Note { bucket, size, weight, born: Instant::now() });
}

/// For how many allocations of its size a sample stands: the inverse of the probability that it was taken.
fn weight(size: usize, rate: usize) -> f64 {
    if rate == 1 { 1.0 } else { -1.0 / (-(size as f64) / rate as f64).exp_m1() }
}
