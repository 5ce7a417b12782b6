//! What happens when a coroutine runs off its stack: a report, and an abort.
//!
//! The guard below the stack faults. A handler on the thread's alternate signal stack
//! ([`AltStack`]) finds that the address is in a guard of ours, has the [`Reporter`] write what it
//! knows, and aborts with `SIGABRT`, as `std` does for threads. It never returns into the
//! coroutine. Every other fault goes to the handler that was there before; that is usually `std`'s,
//! so a plain thread's overflow is reported as ever.
//!
//! A thread that resumes coroutines needs an alternate signal stack: without one the kernel has
//! nowhere to run the handler and kills the process without a word. `std` gives one to the threads
//! it starts, but a small one.
//!
//! # What it is not
//!
//! It does not tell an overflow from a wild pointer that happens to hit a guard; [`Fault`] has the
//! addresses for who wants to compare them with the stack that is running. A frame wider than the
//! guard, in C compiled without stack probes, can step over it.

mod report;
mod sys;

use std::fmt::Write;
use std::io;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

pub use report::Report;
pub use sys::AltStack;

use crate::stack::slab;

/// Writes what is known about a fault. It runs in a signal handler, in a thread that may hold any
/// lock.
pub type Reporter = fn(&mut Report<'_>, Fault);

/// The reporter of the first call of [`install`].
static REPORTER: OnceLock<Reporter> = OnceLock::new();

/// Whether a thread is reporting. The process has one last message, not two in pieces.
static REPORTING: AtomicBool = AtomicBool::new(false);

/// A fault in the guard of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The address that was touched.
    pub address: usize,
    /// The lowest usable address of the stack whose guard it is in.
    pub stack_limit: usize,
    /// The address just above that stack and its seat.
    pub stack_base: usize,
}

impl Fault {
    /// The bytes of the stack, its seat included.
    pub fn stack_size(&self) -> usize {
        self.stack_base - self.stack_limit
    }
}

/// Installs the handlers of `SIGSEGV` and `SIGBUS`, with `reporter` to write the report.
///
/// The first call decides; later ones, of [`install_default`] too, change nothing.
///
/// # Errors
///
/// When the system refuses a handler.
///
/// # Safety
///
/// `reporter` runs in a signal handler that may have interrupted anything, `malloc` and the holder
/// of any lock included. It must be async-signal-safe (signal-safety(7)): no allocation, no lock,
/// nothing but plain reads and [`Report`].
pub unsafe fn install(reporter: Reporter) -> io::Result<()> {
    REPORTER.get_or_init(|| reporter);
    sys::install()
}

/// Installs the handlers with [`describe`] as the reporter.
///
/// # Errors
///
/// When the system refuses a handler.
pub fn install_default() -> io::Result<()> {
    // SAFETY: `describe` formats integers into the report's buffer and does nothing else.
    unsafe { install(describe) }
}

/// The report of this crate, which knows stacks only: one line with the stack's size and the
/// address.
pub fn describe(report: &mut Report<'_>, fault: Fault) {
    // A report cannot fail: it has nobody to tell.
    let _ = writeln!(
        report,
        "\nmarmot: a coroutine has overflowed its stack of {} KiB \
         (touched {:#x}, the stack is {:#x}..{:#x})",
        fault.stack_size() / 1024,
        fault.address,
        fault.stack_limit,
        fault.stack_base,
    );
}

/// The fault at `address`, if it is in a guard of ours. Safe in a signal handler.
fn fault_at(address: usize) -> Option<Fault> {
    let stack = slab::find_guarded(address)?;
    Some(Fault { address, stack_limit: stack.start, stack_base: stack.end })
}

/// Reports `fault` and aborts. Runs in the signal handler.
fn die(fault: Fault) -> ! {
    if REPORTING.swap(true, Ordering::Relaxed) {
        // Another thread is reporting, and its abort ends this one as well.
        loop {
            sys::pause();
        }
    }
    let mut buffer = [0; report::LEN];
    let mut report = Report::new(&mut buffer);
    let reporter = REPORTER.get().copied().unwrap_or(describe);
    reporter(&mut report, fault);
    report.flush();
    process::abort();
}
