//! What the attributes `#[marmot::main]` and `#[marmot::test]` expand to.

use std::io::{self, Write};
use std::panic::resume_unwind;
use std::process::{ExitCode, Termination};
use std::time::Duration;

use super::runtime::RuntimeBuilder;
use crate::sched::{self, Attribute, in_short_backtrace};

/// How long a test's goroutines may take to end after its body.
const AFTER_TEST: Duration = Duration::from_secs(5);

/// Runs `main` as a goroutine. When it returns the process ends, as in Go: other goroutines are not
/// waited for.
#[track_caller]
pub fn run_main<R: Termination + 'static>(builder: RuntimeBuilder, main: fn() -> R) -> ExitCode {
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(e) => {
            // A closed standard error is no reason to panic.
            let _ = writeln!(io::stderr(), "Error: the runtime cannot be started: {e}");
            return ExitCode::FAILURE;
        }
    };
    // For the plain threads of the program.
    runtime.offer_as_default();
    // What `main` returns need not be `Send`, so it is turned into an exit code where it is.
    let run = move || {
        sched::note_attribute(Attribute::Main);
        in_short_backtrace(main).report()
    };
    let ended = runtime.go(run).join_always();
    // Ms that are still running end with the process.
    std::mem::forget(runtime);
    // As a panic in `std`'s main.
    ended.unwrap_or(ExitCode::from(101))
}

/// Runs the body of a test as a goroutine on a runtime of its own, and shuts that down after it.
///
/// # Panics
///
/// With the payload of the body's panic; and if it returns an error, which has been printed then.
#[track_caller]
pub fn run_test<R: Termination + 'static>(builder: RuntimeBuilder, test: fn() -> R) {
    // A test that cannot have its runtime has failed.
    let runtime = builder.build().expect("the test's runtime starts");
    let run = move || {
        sched::note_attribute(Attribute::Test);
        in_short_backtrace(test).report() == ExitCode::SUCCESS
    };
    let ended = runtime.go(run).join_always();
    // Goroutines that the test left waiting are its own business.
    let _ = runtime.shutdown(AFTER_TEST);
    let succeeded = ended.unwrap_or_else(|payload| resume_unwind(payload));
    assert!(succeeded, "the test returned an error");
}
