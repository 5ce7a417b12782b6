//! The profiles: what the runtime knows, in the form that files and pages are made of.

use std::io;
use std::time::Duration;

use marmot_pprof::alloc;
use marmot_pprof::cpu::{self as processor, Profiler};
use marmot_pprof::http::Wanted;
use marmot_pprof::raw::{Label, Profile, Sample, ValueType};
use marmot_pprof::text::{self, Goroutine};
use marmot_runtime::profile::{self, Blocked, Snapshot, Status, labels};
use marmot_runtime::{blocking, sleep_or_cancelled};

/// How often it is looked whether a profile is still wanted.
const LOOK: Duration = Duration::from_secs(1);

/// The key of the label that says what was waited for.
const REASON: &str = "reason";

/// Memory that is in use, by the line that allocated it, and all that has been allocated. See [`alloc::heap`].
///
/// # Errors
///
/// If the program's global allocator is not an [`Allocator`](alloc::Allocator), for then nothing is known.
pub fn heap() -> io::Result<Profile> {
    known_of_memory(alloc::heap)
}

/// All that has been allocated since the start, by the line that did it. See [`alloc::allocs`].
///
/// # Errors
///
/// As [`heap`].
pub fn allocs() -> io::Result<Profile> {
    known_of_memory(alloc::allocs)
}

fn known_of_memory(take: fn() -> Profile) -> io::Result<Profile> {
    if alloc::is_installed() {
        return Ok(take());
    }
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "nothing is known of this program's memory: it needs `#[global_allocator] static ALLOCATOR: \
         marmot::pprof::alloc::Allocator = marmot::pprof::alloc::Allocator::new();`",
    ))
}

/// Every goroutine's stack, and what it does or waits for.
///
/// # Blocking
///
/// G, until every M has answered: milliseconds, or a second if one is stuck in a goroutine.
///
/// # Examples
///
/// ```
/// let profile = marmot::go(marmot::pprof::goroutine).join().unwrap();
/// assert!(profile.total("goroutine") >= 1);
/// ```
pub fn goroutine() -> Profile {
    let snapshot = profile::goroutines();
    let mut profile = text::goroutine_profile(&goroutines(&snapshot));
    profile.time = snapshot.taken;
    profile.comments.extend(absent(&snapshot));
    profile
}

/// What is missing from a snapshot, a line for each M.
pub(super) fn absent(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    snapshot.absent.iter().map(|m| {
        format!(
            "M {} of runtime {} is stuck in a goroutine; its {} goroutines are missing",
            m.m, m.runtime, m.goroutines
        )
    })
}

/// The goroutines of a snapshot, as the texts want them.
pub(super) fn goroutines(snapshot: &Snapshot) -> Vec<Goroutine> {
    let all = snapshot.goroutines.iter().map(|gp| Goroutine {
        id: gp.id,
        name: gp.name.clone(),
        state: match gp.status {
            Status::Waiting(reason) => format!("{reason:?}"),
            other => format!("{other:?}"),
        },
        waited: gp.waiting_for,
        labels: gp.labels.clone(),
        stack: gp.stack.clone(),
        created_at: Some(gp.spawn_site.to_string()),
    });
    all.collect()
}

/// Where goroutines, and threads that call the runtime, have waited for others, how often and for how long.
///
/// It is empty until [`set_block_rate`](super::set_block_rate) has turned it on. Waits for connections are not in it unless
/// [`set_block_io`](super::set_block_io) says so.
///
/// # Examples
///
/// ```
/// use marmot::pprof;
///
/// pprof::set_block_rate(1);
/// marmot::go(|| marmot::go(marmot::yield_now).join().unwrap()).join().unwrap();
/// pprof::set_block_rate(0);
/// assert!(pprof::block().total("contentions") >= 1);
/// ```
pub fn block() -> Profile {
    contentions(profile::blocked())
}

/// Which lines have let locks go for which others waited, how often, and for how long these did altogether.
///
/// It is empty until [`set_mutex_fraction`](super::set_mutex_fraction) has turned it on, and is of this library's own locks: `std`'s do
/// not tell.
pub fn mutex() -> Profile {
    contentions(profile::contention())
}

fn contentions(records: Vec<Blocked>) -> Profile {
    let mut profile =
        Profile::new(vec![ValueType::new("contentions", "count"), ValueType::new("delay", "nanoseconds")]);
    profile.default_type = Some("delay");
    profile.period_type = Some(ValueType::new("contentions", "count"));
    profile.period = 1;
    profile.samples.extend(records.into_iter().map(|record| Sample {
        stack: record.stack,
        values: vec![number(record.count), number(record.nanos)],
        labels:
            record.reason.map(|reason| (REASON.to_owned(), Label::Text(format!("{reason:?}")))).into_iter().collect(),
    }));
    profile
}

/// Where the runtime's threads were made, also those that have ended.
///
/// # Examples
///
/// ```
/// marmot::go(|| ()).join().unwrap();
/// assert!(marmot::pprof::threadcreate().total("threadcreate") >= 1);
/// ```
pub fn threadcreate() -> Profile {
    let threads = profile::threads();
    let mut profile = Profile::new(vec![ValueType::new("threadcreate", "count")]);
    profile.period_type = Some(ValueType::new("threadcreate", "count"));
    profile.period = 1;
    let alive = threads.alive.into_iter().map(|thread| (thread.stack, 1));
    let ended = threads.ended.into_iter().map(|threads| (threads.stack, threads.count));
    profile.samples.extend(alive.chain(ended).map(|(stack, count)| Sample {
        stack,
        values: vec![number(count)],
        labels: Vec::new(),
    }));
    profile.merge();
    profile
}

/// What computes within `time`, looked at a hundred times a second, with the labels that goroutines have.
///
/// # Errors
///
/// If such a profile is being taken already, or the system has no timers for it.
///
/// # Blocking
///
/// G, for that time.
///
/// # Cancellation
///
/// The end of the caller's [context](crate::context) ends it, with the error of that; what has been seen is given up.
///
/// # Platform notes
///
/// Linux only.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # if cfg!(target_os = "linux") {
/// let profile = marmot::pprof::cpu(Duration::from_millis(100))?;
/// profile.write_to(std::io::sink())?;
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn cpu(time: Duration) -> io::Result<Profile> {
    record(time, time, &|| true)
}

/// As [`cpu`], until `wanted` says that it is not any more: it is asked every second.
pub(super) fn cpu_while(time: Duration, wanted: Wanted<'_>) -> io::Result<Profile> {
    record(time, time.min(LOOK), wanted)
}

fn record(time: Duration, piece: Duration, wanted: Wanted<'_>) -> io::Result<Profile> {
    // SAFETY: the number is taken from a word of the thread's own, without a lock or an allocation.
    unsafe { processor::set_label_source(labels::current_label_id, labels::resolve) };
    // Labels that are given up meanwhile are looked up at the end. Should the runtime end before, so does the profiler by itself.
    let longest = time.saturating_add(LOOK);
    let profiler = Profiler::start_for(processor::DEFAULT_HZ, longest, labels::keep())?;
    let mut left = time;
    while !left.is_zero() && wanted() {
        let piece = left.min(piece);
        sleep_or_cancelled(piece)?;
        left -= piece;
    }
    Ok(blocking(|| profiler.stop()))
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
