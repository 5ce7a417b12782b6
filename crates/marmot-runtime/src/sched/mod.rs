//! The scheduler: goroutines (G) on machines (M) through processors (P).
//!
//! # How it works
//!
//! A **G** is a closure that may get a stack ([`g`], [`cell`]). An **M** is a thread that runs Gs
//! one after the other ([`m`], [`find`]). A **P** is the right to do so, and the queue of Gs that
//! anyone may start ([`m::P`]). An M with nothing to do sleeps in its own poller ([`idle`]); no
//! thread exists only to wait for events.
//!
//! A G that has not started is a `Send` closure and may be taken by any M. A G that has started is
//! **settled**: it resumes only on the M that first ran it. So a G may keep on its stack whatever a
//! thread may, and still `go` is safe. Settling also makes waking cheap. Three kinds of queue
//! follow from it:
//!
//! | queue | holds | who pushes | who takes |
//! |---|---|---|---|
//! | the ring of a P ([`runq`]) | unstarted Gs | the M that holds the P | that M; thieves, half at a time |
//! | the inbox of a P ([`inbox`]) | unstarted Gs that [`place`] sent | anyone | the M that holds the P, all at once |
//! | the settled queue of an M ([`settled`]) | started Gs; unstarted ones that must start here | the M | the M |
//! | the inbox of an M ([`inbox`]) | started Gs | anyone | the M, all at once |
//! | the global queue ([`queue`]) | unstarted Gs: overflow, and calls from plain threads | anyone | every M, a share at a time |
//!
//! # Parking
//!
//! A G that has to wait puts itself where the one who will wake it finds it, and switches away
//! ([`park`]). Whoever takes it out readies it. There is no window between publishing and
//! switching in which another M could resume a stack that is still in use: a settled G is resumed
//! by its own M only, which is busy switching.
//!
//! # What was rejected
//!
//! * Moving started goroutines, as Go does. A thread-local borrowed across a call that parks would
//!   be used on two threads, and no signature can forbid that.
//! * A thread that polls for all. Each wake-up would cross threads; and an M that sleeps on a
//!   condition variable needs a second system call where an M that sleeps in its poller needs one.
//! * Reference-counted Ms and Ps. Every wake-up would pay for what happens once, at the end: the
//!   few kilobytes of a runtime that was shut down stay allocated instead, and its descriptors are
//!   closed ([`gate`]).

pub(crate) mod blocked;
mod blocking_pool;
pub(crate) mod budget;
pub(crate) mod cancel;
#[cfg(test)]
mod cancel_tests;
mod caught;
mod cell;
pub(crate) mod census;
pub(crate) mod chance;
pub(crate) mod clock;
mod config;
pub(crate) mod current;
mod due;
mod errands;
mod exit;
mod find;
mod g;
mod gate;
pub(crate) mod idle;
pub(crate) mod inbox;
pub(crate) mod initializers;
mod join;
mod kept;
pub(crate) mod labels;
mod leftover;
mod m;
pub(crate) mod outside;
mod overflow;
mod park;
mod place;
mod queue;
mod refs;
mod report_limit;
mod roll;
mod roster;
pub(crate) mod runq;
mod settled;
mod short_backtrace;
pub(crate) mod stack;
mod status;
mod sys;
mod thread;
pub(crate) mod threads;
mod timers;
#[cfg(test)]
mod timers_tests;
mod token;
mod unwind;
mod will;
pub(crate) mod within;

use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use marmot_poll::{Events, Poller};

pub(crate) use blocking_pool::{About, BlockingPool, Job};
pub(crate) use budget::spend;
pub(crate) use cancel::Place;
pub(crate) use cell::{new as new_goroutine, report_panic};
pub(crate) use census::Errand;
pub(crate) use config::{Config, MAX_BLOCKING_THREADS, MAX_PROCS, default_max_blocking_threads, default_procs};
pub(crate) use due::{Call, Due};
pub(crate) use exit::leave_to_thread;
pub(crate) use g::{G, GRef, Head, Seat, Spec};
pub(crate) use leftover::{Leftover, here, leave};
pub(crate) use m::M;
pub(crate) use overflow::{Attribute, note_attribute};
pub(crate) use park::{has_stopped, may_spin, number, own_number, park, ready, waiter, yield_now};
pub(crate) use place::Placing;
pub(crate) use refs::Refs;
pub(crate) use report_limit::ReportLimit;
pub(crate) use roster::{Number, Why};
pub(crate) use short_backtrace::{
    __rust_begin_short_backtrace as in_short_backtrace, __rust_begin_short_backtrace_with as in_short_backtrace_with,
};
pub(crate) use status::State;
pub use status::WaitReason;
pub(crate) use timers::{Fire, Timer};
pub(crate) use token::Token;
pub(crate) use unwind::is_unwinding;
pub(crate) use will::{Bequest, with_will, with_will_around};
pub(crate) use within::{Ended, has_context_ended, park_in};

use idle::Idle;
use m::{Count, P};
use queue::GlobalQueue;

/// What the scheduler calls in the layers above it.
pub(crate) struct Hooks {
    /// Descriptors are ready. Called on an M's own stack; it readies goroutines and does nothing
    /// else.
    pub(crate) on_events: fn(&Events),
}

/// How the threads for `blocking` are spoken of.
const BLOCKING: About = About {
    threads: "marmot-blocking",
    what: "`blocking`",
    advice: "if the closures wait for one another or block for long, allow more threads: RuntimeBuilder::max_blocking_threads, \
             #[marmot::main(max_blocking_threads = N)], or MARMOT_MAX_BLOCKING_THREADS=N as the default for all runtimes",
};

/// A runtime's scheduler. It lives as long as the process.
pub(crate) struct Sched {
    ms: OnceLock<Box<[M]>>,
    ps: Box<[P]>,
    globq: GlobalQueue<G>,
    idle: Idle,
    hooks: Hooks,
    stack_size: usize,
    blocking_pool: BlockingPool,
    /// Its number among the runtimes of the process, for reports.
    pub(crate) number: usize,
    /// Goroutines made by plain threads, and goroutines ended by them.
    spawned: Count,
    ended: Count,
    /// Waits fail: the runtime is being shut down.
    closing: AtomicBool,
    /// The Ms leave their loops.
    stopping: AtomicBool,
    /// Somebody waits until no goroutine is left.
    watched: AtomicBool,
    quiet: (Mutex<()>, Condvar),
}

impl Sched {
    /// Makes a scheduler with as many Ms as it has Ps, whose threads start now.
    ///
    /// # Errors
    ///
    /// When a poller or a thread cannot be had. Threads that were started before that are stopped
    /// again.
    pub(crate) fn start(config: Config, hooks: Hooks) -> io::Result<&'static Sched> {
        let Config { procs, stack_size, max_blocking_threads } = config;
        overflow::install()?;
        unwind::watch();
        sys::watch_exit();
        let pollers = (0..procs).map(|_| Poller::init()).collect::<io::Result<Vec<_>>>()?;
        let sched: &'static Sched = Box::leak(Box::new(Sched {
            ms: OnceLock::new(),
            ps: (0..procs).map(|_| P::new()).collect(),
            globq: GlobalQueue::new(),
            idle: Idle::new(procs),
            hooks,
            stack_size,
            blocking_pool: BlockingPool::new(BLOCKING, max_blocking_threads),
            number: NUMBERS.fetch_add(1, Relaxed),
            spawned: Count::new(),
            ended: Count::new(),
            closing: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            quiet: (Mutex::new(()), Condvar::new()),
        }));
        let ms = pollers.into_iter().enumerate().map(|(i, poller)| M::new(i, sched, poller)).collect();
        // The cell is new.
        assert!(sched.ms.set(ms).is_ok(), "a scheduler gets its Ms once");
        for mp in sched.ms() {
            let builder = std::thread::Builder::new().name(format!("marmot-m{}", mp.id));
            let thread = threads::machine(sched.number, mp.id);
            let run = || {
                let _alive = threads::begin(thread);
                mp.thread();
            };
            if let Err(e) = builder.spawn(run) {
                sched.stop();
                // Those that have no thread leave no descriptors behind, either.
                sched.ms()[mp.id..].iter().for_each(M::close_poller);
                return Err(io::Error::new(
                    e.kind(),
                    format!("no thread for M {} could be started: {e}; fewer Ps (MARMOT_MAXPROCS) need fewer", mp.id),
                ));
            }
        }
        census::began(sched);
        Ok(sched)
    }

    pub(crate) fn ms(&self) -> &'static [M] {
        // Set before the scheduler is handed out, and never taken away.
        let ms = self.ms.get().expect("a scheduler has its Ms");
        // SAFETY: a scheduler is leaked when it is made, so what it holds lives as long as the
        // process.
        unsafe { &*std::ptr::from_ref::<[M]>(ms) }
    }

    /// The threads on which its goroutines block.
    pub(crate) fn blocking_pool(&'static self) -> &'static BlockingPool {
        &self.blocking_pool
    }

    fn ps(&self) -> &'static [P] {
        // SAFETY: as in `ms`.
        unsafe { &*std::ptr::from_ref::<[P]>(&self.ps) }
    }

    /// Queues a goroutine that was just made by a thread that is not one of this scheduler's.
    pub(crate) fn spawn(&self, gp: NonNull<G>) {
        self.spawned.add_shared();
        self.submit(gp);
    }

    /// Counts a goroutine that was just made and that something else will ready.
    pub(crate) fn note_spawn(&self) {
        match self.own_m() {
            Some(mp) => mp.spawned.add_own(),
            None => self.spawned.add_shared(),
        }
    }

    /// Runs a goroutine that was just made on the calling plain thread, without a stack of its own,
    /// to its end.
    pub(crate) fn run_here(&self, gp: NonNull<G>) {
        self.spawned.add_shared();
        // SAFETY: it is new, and nobody else runs it.
        let head = unsafe { gp.as_ref() }.head_ptr();
        // SAFETY: as above.
        unsafe { (head.as_ref().vtable().run)(head) };
        self.retire(head);
    }

    /// Queues an unstarted goroutine, from any thread.
    fn submit(&self, gp: NonNull<G>) {
        // SAFETY: the caller took it from where it waited, or has just made it; a G stays until its
        // goroutine has ended.
        if unsafe { self.globq.push_all([gp]) } {
            self.wake_one();
        } else {
            self.abandon(gp, Box::new(Stopped));
        }
    }

    /// Wakes an M to look for unstarted goroutines, if one sleeps and none is looking already.
    fn wake_one(&self) {
        if let Some(i) = self.idle.claim() {
            self.ms()[i].nudge();
        }
    }

    /// Ends an unstarted goroutine that will never run: its closure is dropped, and who joins it
    /// gets `why`.
    fn abandon(&self, gp: NonNull<G>, why: Box<dyn Any + Send>) {
        // SAFETY: the caller took it from a queue, so nobody else runs it.
        let head = unsafe { gp.as_ref() }.head_ptr();
        // SAFETY: as above.
        unsafe { (head.as_ref().vtable().abandon)(head, why) };
        self.retire(head);
    }

    /// Gives up the scheduler's reference to a goroutine that has ended.
    fn retire(&self, head: NonNull<Head>) {
        self.retire_by(head, || match self.own_m() {
            Some(mp) => mp.ended.add_own(),
            None => self.ended.add_shared(),
        });
    }

    /// The same, for who knows how to count it.
    fn retire_by(&self, head: NonNull<Head>, count: impl FnOnce()) {
        // SAFETY: the scheduler's own reference, given up below.
        place::ended(self, unsafe { head.as_ref() });
        // SAFETY: the scheduler's own reference, which it uses no more.
        unsafe { Head::release(head) };
        count();
        if self.watched.load(Relaxed) {
            // Under the lock, so that the watcher is either before its look or in its wait.
            let _quiet = self.quiet.0.lock();
            self.quiet.1.notify_all();
        }
    }

    /// The M whose thread this is, if it is one of this scheduler's.
    fn own_m(&self) -> Option<&'static M> {
        current::mp().filter(|mp| std::ptr::eq(mp.sched, self))
    }

    /// How many goroutines have been made and have not ended.
    pub(crate) fn live(&self) -> u64 {
        // The ends are read first: a goroutine that ends meanwhile counts as live, and none is
        // missed.
        let ended = self.ended.get() + self.ms().iter().map(|mp| mp.ended.get()).sum::<u64>();
        let spawned = self.spawned.get() + self.ms().iter().map(|mp| mp.spawned.get()).sum::<u64>();
        spawned - ended
    }

    /// Waits until no goroutine is left, at most until `until`. Blocks the thread. Returns how many
    /// are left.
    pub(crate) fn wait_quiet(&self, until: Instant) -> u64 {
        self.watched.store(true, SeqCst);
        let mut lock = self.quiet.0.lock().unwrap_or_else(|e| e.into_inner());
        loop {
            let live = self.live();
            let left = until.saturating_duration_since(Instant::now());
            if live == 0 || left.is_zero() {
                return live;
            }
            // An end that did not see `watched` yet is found by looking again soon.
            let soon = left.min(Duration::from_millis(10));
            lock = self.quiet.1.wait_timeout(lock, soon).unwrap_or_else(|e| e.into_inner()).0;
        }
    }

    /// Makes waits that can fail do so from now on.
    pub(crate) fn close(&self) {
        self.closing.store(true, SeqCst);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Relaxed)
    }

    /// Makes the Ms leave their loops.
    pub(crate) fn stop(&self) {
        census::ended(self);
        self.stopping.store(true, SeqCst);
        for mp in self.ms() {
            mp.ring();
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }
}

/// Why a goroutine that never ran has no result: what its joiner gets as the panic's payload.
#[derive(Clone, Copy, Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the runtime was shut down before the goroutine started")
    }
}

impl std::error::Error for Stopped {}

static NUMBERS: AtomicUsize = AtomicUsize::new(0);

static IDS: AtomicU64 = AtomicU64::new(1);

fn take_ids(n: u64) -> u64 {
    IDS.fetch_add(n, Relaxed)
}

/// A goroutine number for a caller that is no M.
pub(crate) fn next_id() -> u64 {
    take_ids(1)
}

/// A line on standard error, with the runtime's prefix.
pub(crate) fn report(what: fmt::Arguments<'_>) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(io::stderr(), "marmot: {what}");
}

/// The end of the process: an invariant that everything else leans on does not hold.
pub(crate) fn fatal(what: &str, why: &dyn fmt::Display) -> ! {
    report(format_args!("fatal: {what}: {why}"));
    std::process::abort();
}
