//! Which goroutines are in the initialiser of a thread-local: so that one that parks there is reported.
//!
//! Only in builds with debug assertions, and only of [`thread_local!`](crate::thread_local): of `std`'s, nothing can be known. To park there is no
//! error by itself, but another goroutine of the thread that uses the thread-local meanwhile panics, which happens to depend on
//! the order in which they run. The park cannot panic instead: what will ready the goroutine has it already.

use std::cell::RefCell;
use std::ptr::NonNull;

use super::g::G;
use super::{current, number, report};

/// A goroutine that is in an initialiser.
struct Running {
    goroutine: u64,
    thread_local: &'static str,
    is_reported: bool,
}

thread_local! {
    /// Those of this thread. One goroutine may be in several, the last being the innermost.
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}

/// Says, until it is dropped, that the caller is in an initialiser.
#[must_use = "the initialiser is left at once"]
pub(crate) struct Initializer {
    /// 0 if nothing is noted: for a plain thread, or without debug assertions.
    goroutine: u64,
}

/// The caller begins to initialise `thread_local`.
pub(crate) fn enter(thread_local: &'static str) -> Initializer {
    let goroutine = current::gp().filter(|_| cfg!(debug_assertions)).map_or(0, number);
    if goroutine != 0 {
        // When the thread ends, nothing is left to be reported.
        let _noted = RUNNING.try_with(|running| {
            running.borrow_mut().push(Running { goroutine, thread_local, is_reported: false });
        });
    }
    Initializer { goroutine }
}

impl Drop for Initializer {
    fn drop(&mut self) {
        if self.goroutine != 0 {
            let _left = RUNNING.try_with(|running| {
                let mut running = running.borrow_mut();
                let own = running.iter().rposition(|entry| entry.goroutine == self.goroutine);
                own.map(|at| running.remove(at))
            });
        }
    }
}

/// The goroutine `gp`, which runs here, is about to let others run.
#[inline(always)]
pub(super) fn note_park(gp: NonNull<G>) {
    if cfg!(debug_assertions) {
        report_park(gp);
    }
}

#[cold]
fn report_park(gp: NonNull<G>) {
    let mark = |running: &RefCell<Vec<Running>>| {
        let mut running = running.borrow_mut();
        if running.is_empty() {
            return None;
        }
        let goroutine = number(gp);
        let innermost = running.iter_mut().rfind(|entry| entry.goroutine == goroutine)?;
        (!std::mem::replace(&mut innermost.is_reported, true)).then_some(innermost.thread_local)
    };
    if let Ok(Some(thread_local)) = RUNNING.try_with(mark) {
        // SAFETY: the goroutine that runs here.
        let goroutine = unsafe { gp.as_ref() }.head();
        report(format_args!(
            "{goroutine} parks inside the initialiser of the thread-local `{thread_local}`: any other goroutine on this thread that \
             uses the thread-local until then panics. Compute the value beforehand, so that the initialiser need not park"
        ));
    }
}
