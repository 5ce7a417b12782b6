//! What `std::thread` says of threads, and this of goroutines.

use std::io;
use std::num::NonZero;

use crate::sched::{self, current};

/// Whether the caller unwinds because of a panic: its goroutine, or the plain thread.
///
/// `std::thread::panicking` speaks of the thread, and so is also true while another goroutine of the same M is parked in a
/// destructor that runs because of a panic.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use marmot_runtime as marmot;
///
/// struct Tell(mpsc::Sender<bool>);
///
/// impl Drop for Tell {
///     fn drop(&mut self) {
///         self.0.send(marmot::panicking()).unwrap();
///     }
/// }
///
/// let (tell, told) = mpsc::channel();
/// marmot::go(move || {
///     let _tell = Tell(tell);
///     panic!("on purpose");
/// });
/// assert!(told.recv().unwrap());
/// assert!(!marmot::panicking());
/// ```
#[inline]
pub fn panicking() -> bool {
    sched::is_unwinding()
}

/// How many goroutines run at the same time: the Ps of the caller's runtime, and on a plain thread those of a runtime that is
/// started without another word.
///
/// # Errors
///
/// None; `std`'s may fail.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
///
/// let runtime = marmot::Runtime::builder().procs(3).build()?;
/// let parallelism = runtime.run(marmot::available_parallelism)?;
/// assert_eq!(parallelism.get(), 3);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn available_parallelism() -> io::Result<NonZero<usize>> {
    let procs = current::sched().map_or_else(sched::default_procs, |sched| sched.ms().len());
    // A runtime has at least one P.
    Ok(NonZero::new(procs).unwrap_or(NonZero::<usize>::MIN))
}
