//! `blocking`: a closure that blocks its thread, run on a spare one while the goroutine is parked.
//!
//! The closure may borrow from the caller's stack: the caller does not return before the closure
//! has, and a parked goroutine is never unwound. The threads are those of a
//! [pool](crate::sched::BlockingPool): the runtime's, which has a limit, or another, for what must not wait until one of those is free.

use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::thread;

use crate::sched::{self, BlockingPool, Job, ReportLimit, WaitReason, current};

static THREADLESS: ReportLimit = ReportLimit::new();

/// The closure, and where its result goes.
struct Call<F, T> {
    f: Option<F>,
    result: Option<thread::Result<T>>,
}

/// Runs `f` on a spare thread of the caller's runtime, and returns what it returns. A plain thread runs it itself.
#[track_caller]
pub(crate) fn blocking<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    blocking_in(None, f)
}

/// As [`blocking`], on a thread of `pool` if one is given.
#[track_caller]
pub(crate) fn blocking_in<F, T>(pool: Option<&'static BlockingPool>, f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    let Some(gp) = current::gp() else { return f() };
    // SAFETY: the goroutine that runs here has not ended.
    let own = unsafe { gp.as_ref() }.sched().map(sched::Sched::blocking_pool);
    // A goroutine belongs to a runtime.
    let pool = pool.or(own).expect("a goroutine has a runtime");
    let mut call = Call { f: Some(f), result: None };
    let data = NonNull::from(&mut call).cast();
    let job = Job { run: run::<F, T>, data, gp, site: Location::caller() };
    // SAFETY: `f` and its result may be sent; and the goroutine parks next.
    if let Err(e) = unsafe { pool.submit(job) } {
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
    call.result = Some(catch_unwind(AssertUnwindSafe(|| sched::in_short_backtrace(f))));
}
