//! The end of the process.

use std::thread;

use crate::sched::{self, WaitReason, current};

/// Ends the process, with `code` as its status. No destructor on any stack runs, as with `std::process::exit`.
///
/// `std::process::exit` runs the destructors of the calling thread's thread-locals, in a goroutine those of its M, which other
/// goroutines may borrow from. It may be called: from then on that M runs no goroutine any more, and a destructor that waits
/// blocks the thread, for five seconds at most. This function does without: the process ends from another thread, while the
/// goroutine stays parked, and the thread-locals of Ms stay as they are. On a plain thread the two are the same.
///
/// # Blocking
///
/// G, for ever.
///
/// # Examples
///
/// ```no_run
/// use marmot_runtime as marmot;
///
/// marmot::go(|| {
///     eprintln!("there is nothing left to do");
///     marmot::exit(3);
/// });
/// ```
pub fn exit(code: i32) -> ! {
    if current::gp().is_some() {
        let exit = move || std::process::exit(code);
        if thread::Builder::new().name("marmot-exit".into()).spawn(exit).is_ok() {
            loop {
                // Nobody readies it.
                sched::park(sched::waiter(), WaitReason::Blocking);
            }
        }
        // Where there is no thread, this one does.
    }
    std::process::exit(code)
}
