//! The CPU profiler: which code runs, by looking every hundredth of a second that a thread runs.
//!
//! # How
//!
//! Each thread has a timer on its own CPU clock, which sends `SIGPROF` to that thread and no other; what waits is not
//! looked at. The handler walks the stack that it has interrupted, into a slot of a ring that was allocated before. A thread
//! of the profiler's empties the ring, and looks for threads that are new, twenty times a second: one that lives for less
//! than that is not seen. A ring that is full loses samples, and the profile says in a comment how many.
//!
//! The handler has `SA_RESTART`, so that most calls that it interrupts go on; those that never do (epoll_wait(2), nanosleep(2))
//! are repeated by `std` and by the runtime. It runs on the thread's alternate stack where there is one.
//!
//! # Rejected
//!
//! - One timer on the clock of the process (`setitimer`). It has one signal under way at a time: where several cores run,
//!   the kernel's tick limits all of them together, and the profile is short of what it should have.
//!
//! # Platform notes
//!
//! Linux. Elsewhere there is an error of the kind `Unsupported`.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! # if cfg!(target_os = "linux") {
//! let profile = marmot_pprof::cpu::profile(Duration::from_millis(100))?;
//! profile.write_to(std::io::sink())?;
//! # }
//! # Ok::<(), std::io::Error>(())
//! ```

mod ring;
mod sys;

use std::collections::HashMap;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use marmot_coro::trace::{self, Registers};

use crate::alloc::quietly;
use crate::raw::{Label, Profile, Sample, ValueType};

use ring::Ring;
use sys::Timers;

/// How often a second each running thread is looked at, as by Go's profiler.
pub const DEFAULT_HZ: u32 = 100;

/// The kernel looks at the timers at its own tick, which is rarely faster.
const MAX_HZ: u32 = 1000;

/// How often the ring is emptied and new threads are looked for.
const ROUND: Duration = Duration::from_millis(50);

/// How many samples there can be between two rounds, of a KiB each.
const RING_LEN: usize = 2048;

/// Whether there is a profiler. It is exchanged, and so there is one at a time.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The number of the profile that is being taken; an odd one while it is.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// How many samples were lost in all profiles.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Allocated by the first profiler and never freed: a signal may be late.
static RING: OnceLock<Ring> = OnceLock::new();

static LABELS: OnceLock<LabelSource> = OnceLock::new();

struct LabelSource {
    current: fn() -> u64,
    resolve: fn(u64) -> Vec<(String, String)>,
}

/// A stack and its labels' number.
type Key = (Vec<usize>, u64);

/// Says whose labels samples get; the first call decides, and says whether it was.
///
/// `current` returns a number that stands for the labels of what runs on the calling thread, 0 for none. `resolve` says
/// what the labels are: it is called later, on a thread of the profiler's. A number means the same
/// labels for ever, or is not known any more, and then has none.
///
/// # Safety
///
/// `current` is called in a signal handler, which may have interrupted anything on that thread. It must be
/// async-signal-safe (signal-safety(7)): no allocation, no lock.
pub unsafe fn set_label_source(current: fn() -> u64, resolve: fn(u64) -> Vec<(String, String)>) -> bool {
    LABELS.set(LabelSource { current, resolve }).is_ok()
}

/// Takes a profile of what runs in the next `duration`, at [`DEFAULT_HZ`].
///
/// # Errors
///
/// Those of [`Profiler::start`].
///
/// # Blocking
///
/// M: the calling thread sleeps. A goroutine calls it through `blocking`.
pub fn profile(duration: Duration) -> io::Result<Profile> {
    let profiler = Profiler::start(DEFAULT_HZ)?;
    thread::sleep(duration);
    Ok(profiler.stop())
}

/// A profile that is being taken. Dropping it ends that, too.
#[derive(Debug)]
pub struct Profiler {
    hz: u32,
    time: SystemTime,
    start: Instant,
    lost_before: u64,
    /// Until the collector has it.
    turn: Option<Turn>,
    /// Dropped to end the collector.
    end: Option<mpsc::Sender<()>>,
    /// Counts samples until then, or until the time is over.
    collector: Option<JoinHandle<Collected>>,
}

/// What the collector hands over: how often each stack was seen, and what the numbers of labels mean.
#[derive(Debug, Default)]
struct Collected {
    counts: HashMap<Key, i64>,
    labels: HashMap<u64, Vec<(String, Label)>>,
}

/// That this profiler is the one that is at work in the process. Dropping it lets another begin.
#[derive(Debug)]
struct Turn;

impl Drop for Turn {
    fn drop(&mut self) {
        // From an odd number to an even one, if it came so far.
        EPOCH.fetch_add(EPOCH.load(Ordering::Relaxed) % 2, Ordering::Relaxed);
        sys::restore();
        // Release pairs with the acquire in `start`.
        IS_TAKEN.store(false, Ordering::Release);
    }
}

impl Profiler {
    /// Begins to look at each running thread `hz` times a second (1 to 1000) of its CPU time.
    ///
    /// It takes `SIGPROF` over; [`stop`](Self::stop) puts back what handled it before. If nothing did, a handler stays that
    /// does nothing, for a signal may still be under way and would end the process.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` while another profiler is at work in this process; `InvalidInput` for another `hz`; `Unsupported`
    /// where there is none; and what the system says if it refuses a thread, a handler or the first timer.
    pub fn start(hz: u32) -> io::Result<Profiler> {
        Profiler::start_for(hz, Duration::MAX, ())
    }

    /// As [`start`](Self::start), but it ends by itself after `longest`, if it has not been stopped or dropped before: for who may
    /// never come to that. [`stop`](Self::stop) returns what there was until then.
    ///
    /// `kept` is dropped at the end: something by which the [label source](set_label_source) keeps what is asked for then.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn start_for(hz: u32, longest: Duration, kept: impl Send + 'static) -> io::Result<Profiler> {
        if !(1..=MAX_HZ).contains(&hz) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a CPU profile has 1 to 1000 samples a second"));
        }
        // Acquire pairs with the release of `Turn`.
        if IS_TAKEN.swap(true, Ordering::Acquire) {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "a CPU profile is being taken: there can be one at a time in a process",
            ));
        }
        let mut profiler = Profiler {
            hz,
            time: SystemTime::now(),
            start: Instant::now(),
            lost_before: LOST.load(Ordering::Relaxed),
            turn: Some(Turn),
            end: None,
            collector: None,
        };
        // From here on, dropping it ends what has begun.
        profiler.begin(longest, kept)?;
        Ok(profiler)
    }

    /// Ends it, and returns the profile: `samples` and `cpu`, in nanoseconds.
    pub fn stop(mut self) -> Profile {
        quietly(|| {
            let Collected { counts, labels } = self.end();
            let duration = self.start.elapsed();
            let mut profile =
                Profile::new(vec![ValueType::new("samples", "count"), ValueType::new("cpu", "nanoseconds")]);
            profile.period_type = Some(ValueType::new("cpu", "nanoseconds"));
            profile.period = self.period();
            profile.time = self.time;
            profile.duration = Some(duration);
            for ((stack, label), count) in counts {
                let labels = labels.get(&label).cloned().unwrap_or_default();
                let values = vec![count, count.saturating_mul(profile.period)];
                profile.samples.push(Sample { stack, values, labels });
            }
            let lost = LOST.load(Ordering::Relaxed) - self.lost_before;
            if lost > 0 {
                profile.comments.push(format!("{lost} samples were lost: they came faster than they were counted"));
            }
            profile
        })
    }

    fn begin(&mut self, longest: Duration, kept: impl Send + 'static) -> io::Result<()> {
        quietly(|| {
            trace::prepare();
            let ring = RING.get_or_init(|| Ring::new(RING_LEN));
            sys::install()?;
            let epoch = EPOCH.fetch_add(1, Ordering::Relaxed) + 1;
            let mut timers = Timers::new(self.period());
            timers.look_for_threads()?;
            let (end, ended) = mpsc::channel();
            let latest = self.start.checked_add(longest);
            let turn = self.turn.take();
            let collector = thread::Builder::new().name("marmot-cpu-profile".to_owned());
            let collector = collector.spawn(move || {
                quietly(|| {
                    let counts = collect(ring, epoch, timers, &ended, latest);
                    // Others may begin while labels are looked up.
                    drop(turn);
                    let labels = counts.keys().map(|(_, label)| (*label, labels_of(*label))).collect();
                    drop(kept);
                    Collected { counts, labels }
                })
            });
            self.collector = Some(collector?);
            self.end = Some(end);
            Ok(())
        })
    }

    /// Ends the collector, and with it all that has begun.
    fn end(&mut self) -> Collected {
        self.end = None;
        self.turn = None;
        // A panic of the collector's is none of the caller's.
        self.collector.take().and_then(|collector| collector.join().ok()).unwrap_or_default()
    }

    /// Nanoseconds between two samples.
    fn period(&self) -> i64 {
        1_000_000_000 / i64::from(self.hz)
    }
}

impl Drop for Profiler {
    fn drop(&mut self) {
        self.end();
    }
}

/// Counts the samples in `ring`, and keeps `timers` up to date, until `ended` is, or the time `latest` has come.
fn collect(
    ring: &Ring,
    epoch: u64,
    mut timers: Timers,
    ended: &mpsc::Receiver<()>,
    latest: Option<Instant>,
) -> HashMap<Key, i64> {
    let mut counts: HashMap<Key, i64> = HashMap::new();
    loop {
        let is_last = ended.recv_timeout(ROUND) == Err(RecvTimeoutError::Disconnected)
            || latest.is_some_and(|latest| Instant::now() >= latest);
        if is_last {
            // No signal is sent any more; what is under way finds another epoch.
            timers.clear();
        } else {
            // Threads that cannot have a timer are not looked at. That is no reason to end a profile.
            let _ = timers.look_for_threads();
            trace::prepare();
        }
        while let Some(()) = ring.pop(|record| {
            // What came late for an earlier profile is not for this one.
            if record.epoch == epoch {
                *counts.entry((record.stack().to_vec(), record.label)).or_default() += i64::from(record.count);
            }
        }) {}
        if is_last {
            return counts;
        }
    }
}

/// Takes a sample that stands for `count`, of what a signal has interrupted. Runs in the handler.
fn sample(registers: &Registers, count: u32) {
    let epoch = EPOCH.load(Ordering::Relaxed);
    let Some(ring) = RING.get() else { return };
    if epoch.is_multiple_of(2) {
        return;
    }
    let label = LABELS.get().map_or(0, |source| (source.current)());
    let is_taken = ring.push(|record| {
        record.epoch = epoch;
        record.label = label;
        record.count = count;
        record.len = trace::of_context(registers, &mut record.frames);
    });
    if !is_taken {
        LOST.fetch_add(count.into(), Ordering::Relaxed);
    }
}

fn labels_of(label: u64) -> Vec<(String, Label)> {
    match LABELS.get() {
        Some(source) if label != 0 => {
            (source.resolve)(label).into_iter().map(|(key, text)| (key, Label::Text(text))).collect()
        }
        _ => Vec::new(),
    }
}
