//! `blocking`: a closure that blocks its thread, run on a spare one while the goroutine is parked.
//!
//! The closure may borrow from the caller's stack: the caller does not return before the closure
//! has, and a parked goroutine is never unwound. Spare threads are started as needed, up to
//! [`MAX_THREADS`], and end after [`KEEP`] without work; beyond the limit, closures queue.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use crate::sched::{self, G, ReportLimit, WaitReason, current, labels, threads, within};

const MAX_THREADS: usize = 512;
const KEEP: Duration = Duration::from_secs(10);

/// A closure on a parked goroutine's stack.
struct Job {
    run: unsafe fn(NonNull<()>),
    data: NonNull<()>,
    gp: NonNull<G>,
}

// SAFETY: `run_here` takes only closures and results that may be sent.
unsafe impl Send for Job {}

struct Pool {
    jobs: VecDeque<Job>,
    idle: usize,
    threads: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { jobs: VecDeque::new(), idle: 0, threads: 0 });
static WORK: Condvar = Condvar::new();

static THREADLESS: ReportLimit = ReportLimit::new();

fn pool() -> MutexGuard<'static, Pool> {
    // Nothing that panics runs under the lock.
    POOL.lock().unwrap_or_else(|e| e.into_inner())
}

/// The closure, and where its result goes.
struct Call<F, T> {
    f: Option<F>,
    result: Option<thread::Result<T>>,
}

/// Runs `f` on a spare thread, and returns what it returns. A plain thread runs it itself.
pub(crate) fn blocking<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    let Some(gp) = current::gp() else { return f() };
    let mut call = Call { f: Some(f), result: None };
    let data = NonNull::from(&mut call).cast();
    if let Err(e) = submit(Job { run: run::<F, T>, data, gp }) {
        // Slower for the others of this M, but nothing is lost.
        THREADLESS.report(format_args!("no spare thread for a blocking call ({e}); it blocks its M instead"));
        // SAFETY: the job was not submitted, so nobody else has `call`.
        unsafe { run::<F, T>(data) };
    } else {
        sched::park(gp, WaitReason::Blocking);
    }
    // The job has run: we were readied after it, or ran it ourselves.
    match call.result.expect("a job that has run has a result") {
        Ok(value) => value,
        Err(payload) => resume_unwind(payload),
    }
}

/// # Safety
///
/// `data` is a `Call<F, T>` that nobody else uses meanwhile.
unsafe fn run<F: FnOnce() -> T, T>(data: NonNull<()>) {
    // SAFETY: the caller's word.
    let call = unsafe { data.cast::<Call<F, T>>().as_mut() };
    // A job runs once.
    let f = call.f.take().expect("a job runs once");
    call.result = Some(catch_unwind(AssertUnwindSafe(f)));
}

fn submit(job: Job) -> std::io::Result<()> {
    let mut pool = pool();
    // An idle thread that has been told of a job counts as idle until it has it, and so does the
    // job as waiting.
    if pool.jobs.len() >= pool.idle && pool.threads < MAX_THREADS {
        let new = threads::spare();
        let run = || {
            let _alive = threads::begin(new);
            serve();
        };
        match thread::Builder::new().name("marmot-blocking".into()).spawn(run) {
            Ok(_) => pool.threads += 1,
            // The threads that there are will get to it.
            Err(_) if pool.threads > 0 => {}
            Err(e) => return Err(e),
        }
    }
    pool.jobs.push_back(job);
    drop(pool);
    WORK.notify_one();
    Ok(())
}

/// The life of a spare thread.
fn serve() {
    let mut pool = pool();
    loop {
        while let Some(job) = pool.jobs.pop_front() {
            drop(pool);
            // What the closure calls uses the runtime of the goroutine that waits for it.
            // SAFETY: the goroutine is parked until we ready it, so its G is alive.
            let g = unsafe { job.gp.as_ref() };
            current::set_serves(g.sched());
            // SAFETY: the job came out of the queue once, and its goroutine is parked.
            labels::lend(g.head(), || within::lend(g, || unsafe { (job.run)(job.data) }));
            current::set_serves(None);
            sched::ready(job.gp);
            pool = self::pool();
        }
        pool.idle += 1;
        let (woken, timeout) = WORK.wait_timeout(pool, KEEP).unwrap_or_else(|e| e.into_inner());
        pool = woken;
        pool.idle -= 1;
        if pool.jobs.is_empty() && timeout.timed_out() {
            pool.threads -= 1;
            return;
        }
    }
}
