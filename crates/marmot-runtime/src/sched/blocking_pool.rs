//! Threads that run closures which block, while the goroutines that need them are parked.
//!
//! Every runtime has a pool for `blocking`, and there is one for looking names up. A pool starts threads as needed, up to its
//! limit; a thread ends after [`KEEP`] without work. Beyond the limit, closures wait in a queue.
//!
//! # Stalls
//!
//! A closure in the queue waits for one that runs. If those that run wait for it, directly or not, or for something that never
//! comes, nothing goes on, and nothing fails. So a queue is watched as long as there is a closure in it: a timer fires every
//! [`PERIOD`], and if all threads have been busy since the last time and none has finished a closure, the pool *has stalled*. That is
//! reported once for each stall, with the places in the program that the running closures come from.
//!
//! | the timer finds | what it does |
//! |---|---|
//! | an empty queue | the watch ends; the next closure that has to wait begins another |
//! | that a closure has finished, or that a thread is idle or just starting | it looks again after a period; a stall has ended |
//! | a stall that is not reported yet | it reports, and looks again after a period |
//!
//! The timer is one of those [outside of all runtimes](super::outside), because all Ms may be blocked, too.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io;
use std::mem::offset_of;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use super::due::{Call, Due};
use super::g::G;
use super::timers::{Fire, Timer};
use super::{clock, current, labels, outside, park, threads, within};

/// How long a thread stays without work.
const KEEP: Duration = Duration::from_secs(10);

/// How often a queue is looked at, and so how long a stall lasts at least.
const PERIOD: Duration = Duration::from_secs(1);

/// A report lists so many places in the program.
const PLACES: usize = 8;

/// A closure on a parked goroutine's stack.
pub(crate) struct Job {
    /// Runs it, once.
    pub(crate) run: unsafe fn(NonNull<()>),
    /// What that is called with.
    pub(crate) data: NonNull<()>,
    /// The goroutine, which is readied after that.
    pub(crate) gp: NonNull<G>,
    /// The call in the program.
    pub(crate) site: &'static Location<'static>,
}

// SAFETY: whoever makes one takes only closures and results that may be sent.
unsafe impl Send for Job {}

/// What a thread does.
#[derive(Clone, Copy)]
struct Running {
    /// It is parked as long as this is listed.
    gp: NonNull<G>,
    site: &'static Location<'static>,
}

// SAFETY: the G is only looked at, under the pool's lock.
unsafe impl Send for Running {}

/// How a pool calls itself.
pub(crate) struct About {
    /// The names of its threads.
    pub(crate) threads: &'static str,
    /// What stalls.
    pub(crate) what: &'static str,
    /// What can be done about it.
    pub(crate) advice: &'static str,
}

/// See the module.
pub(crate) struct BlockingPool {
    about: About,
    limit: usize,
    state: Mutex<State>,
    work: Condvar,
    watch: Timer,
}

struct State {
    jobs: VecDeque<Job>,
    /// Threads that wait for a closure. One that has been notified of one counts as idle until it has it, and so does the closure
    /// as waiting.
    idle: usize,
    threads: usize,
    /// What each thread runs. A thread has a place of its own, which is nobody's when it has ended.
    running: Vec<Option<Running>>,
    /// Places that are nobody's.
    vacant: Vec<usize>,
    /// How many closures have been run.
    finished: u64,
    /// Why the last thread could not be started, if it could not.
    refused: Option<io::Error>,
    /// The watch is on: the timer is armed, or its callback is due.
    is_watched: bool,
    /// What `finished` was when the timer fired last.
    seen: u64,
    /// This stall has been reported.
    is_reported: bool,
}

impl BlockingPool {
    pub(crate) fn new(about: About, limit: usize) -> BlockingPool {
        let state = State {
            jobs: VecDeque::new(),
            idle: 0,
            threads: 0,
            running: Vec::new(),
            vacant: Vec::new(),
            finished: 0,
            refused: None,
            is_watched: false,
            seen: 0,
            is_reported: false,
        };
        BlockingPool { about, limit, state: Mutex::new(state), work: Condvar::new(), watch: Timer::keeping() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that panics runs under the lock.
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Queues a closure.
    ///
    /// # Errors
    ///
    /// If the pool has no thread, and none can be started. The closure is not queued then.
    ///
    /// # Safety
    ///
    /// `job.run` may be called with `job.data` on another thread; `job.gp` is a goroutine that parks next, to be readied by this.
    pub(crate) unsafe fn submit(&'static self, job: Job) -> io::Result<()> {
        let mut state = self.lock();
        self.grow(&mut state, 1)?;
        state.jobs.push_back(job);
        if state.jobs.len() > state.idle && !state.is_watched {
            state.is_watched = true;
            state.seen = state.finished;
            self.watch_on();
        }
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Starts a thread if there are none for all closures that wait, and for `more` of them.
    ///
    /// # Errors
    ///
    /// If there is no thread at all then.
    fn grow(&'static self, state: &mut State, more: usize) -> io::Result<()> {
        if state.jobs.len() + more <= state.idle || state.threads >= self.limit {
            return Ok(());
        }
        let new = threads::spare();
        let place = state.vacant.pop().unwrap_or_else(|| {
            state.running.push(None);
            state.running.len() - 1
        });
        let run = move || {
            let _alive = threads::begin(new);
            self.serve(place);
        };
        match thread::Builder::new().name(self.about.threads.into()).spawn(run) {
            Ok(_) => {
                state.threads += 1;
                state.refused = None;
            }
            Err(e) => {
                state.vacant.push(place);
                if state.threads == 0 {
                    return Err(e);
                }
                // The threads that there are will get to it.
                state.refused = Some(e);
            }
        }
        Ok(())
    }

    /// The life of a thread.
    fn serve(&self, place: usize) {
        let mut state = self.lock();
        loop {
            while let Some(job) = state.jobs.pop_front() {
                state.running[place] = Some(Running { gp: job.gp, site: job.site });
                drop(state);
                // What the closure calls uses the runtime of the goroutine that waits for it.
                // SAFETY: the goroutine is parked until we ready it, so its G is alive.
                let g = unsafe { job.gp.as_ref() };
                current::set_serves(g.sched());
                // SAFETY: the job came out of the queue once, and its goroutine is parked.
                labels::lend(g.head(), || within::lend(g, || unsafe { (job.run)(job.data) }));
                current::set_serves(None);
                state = self.lock();
                state.running[place] = None;
                state.finished += 1;
                drop(state);
                park::ready(job.gp);
                state = self.lock();
            }
            state.idle += 1;
            let (woken, timeout) = self.work.wait_timeout(state, KEEP).unwrap_or_else(|e| e.into_inner());
            state = woken;
            state.idle -= 1;
            if state.jobs.is_empty() && timeout.timed_out() {
                state.threads -= 1;
                state.vacant.push(place);
                return;
            }
        }
    }

    /// Lets the timer fire after a period. For who has the lock, when the timer is not armed.
    fn watch_on(&'static self) {
        let when = clock::after(PERIOD);
        // SAFETY: a pool lives as long as the process, `watch` is the timer of this one, and who arms has the lock.
        unsafe { outside::arm::<BlockingPool>(NonNull::from(self), when) };
    }

    /// Looks at the queue, a period after the last time.
    fn look(&'static self) {
        let mut state = self.lock();
        if state.jobs.is_empty() {
            state.is_watched = false;
            state.is_reported = false;
            return;
        }
        // There may be room for a thread by now; if there is none at all, nobody would look at the queue any more.
        let _ = self.grow(&mut state, 0);
        let is_stalled = state.finished == state.seen && state.is_busy();
        let report = (is_stalled && !state.is_reported).then(|| self.describe(&state));
        state.is_reported = is_stalled;
        state.seen = state.finished;
        self.watch_on();
        drop(state);
        if let Some(text) = report {
            super::report(format_args!("{text}"));
        }
    }

    /// What is to be said of a stall.
    fn describe(&self, state: &State) -> String {
        let (waiting, threads) = (state.jobs.len(), state.threads);
        let mut text = format!(
            "{} has stalled: {threads} of at most {} threads have been busy for a second, {waiting} more {}.",
            self.about.what,
            self.limit,
            if waiting == 1 { "call waits" } else { "calls wait" },
        );
        let mut places: Vec<(Running, usize)> = Vec::new();
        for running in state.running.iter().flatten() {
            match places
                .iter_mut()
                .find(|(place, _)| place.site == running.site && place.spawn_site() == running.spawn_site())
            {
                Some((_, count)) => *count += 1,
                None => places.push((*running, 1)),
            }
        }
        places.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        // Writing to a string does not fail.
        for (running, count) in places.iter().take(PLACES) {
            let _ = write!(text, "\n  {count} at {}, in goroutines spawned at {}", running.site, running.spawn_site());
        }
        if let Some(rest) = places.len().checked_sub(PLACES).filter(|&rest| rest > 0) {
            let _ = write!(text, "\n  others at {rest} more places");
        }
        if let Some(e) = &state.refused {
            let _ = write!(text, "\n  no more threads can be started: {e}");
        }
        let _ = write!(text, "\n  {}", self.about.advice);
        text
    }
}

impl State {
    /// Whether every thread runs a closure.
    fn is_busy(&self) -> bool {
        self.running.iter().flatten().count() == self.threads
    }
}

impl Running {
    /// Where its goroutine was spawned.
    fn spawn_site(&self) -> &'static Location<'static> {
        // SAFETY: the goroutine is parked, and not readied before this is taken out of the list, under the lock that the caller has.
        unsafe { self.gp.as_ref() }.head().spec.site
    }
}

// SAFETY: that is where a pool has its timer.
unsafe impl Fire for BlockingPool {
    type Record = BlockingPool;
    const OFFSET: usize = offset_of!(BlockingPool, watch);

    unsafe fn fire(pool: NonNull<BlockingPool>, _now: u64, due: &mut Due) -> Option<u64> {
        // SAFETY: pools live as long as the process.
        unsafe { due.call(Call { with: pool.cast(), run: look }) };
        None
    }
}

/// # Safety
///
/// `pool` is a pool.
unsafe fn look(pool: NonNull<()>) {
    // SAFETY: the caller's word; pools live as long as the process.
    unsafe { pool.cast::<BlockingPool>().as_ref() }.look();
}
