//! The end of the process.

use std::process;

use crate::sched;

/// Ends the process, with `code` as its status. No destructor on any stack runs, as with `std::process::exit`.
///
/// In a goroutine, another thread ends the process while the goroutine stays parked. So the destructors of the M's thread-locals,
/// which other goroutines may have borrowed, do not run. On Linux with glibc, on x86-64 and aarch64, `std::process::exit` does the same in
/// a goroutine. Elsewhere it runs those destructors on the goroutine's stack, where none of them may wait: call this function instead.
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
    sched::leave_to_thread(move || process::exit(code));
    process::exit(code)
}
