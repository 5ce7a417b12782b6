//! Where a program's code begins, for backtraces: `std` prints what is inside of a function with this name, unless
//! `RUST_BACKTRACE=full` asks for all. It has one in each thread and around `main`; without one of its own, a goroutine's backtrace
//! would go on through the scheduler to the beginning of the M's thread.
//!
//! So whatever runs a closure of the program's on a stack of the runtime's calls it through this, inside of what catches its panics.

use std::hint::black_box;

/// Calls `f`. The name is what `std` looks for, and so this is a call of its own wherever it is, and not the last one.
#[inline(never)]
pub(crate) fn __rust_begin_short_backtrace<F: FnOnce() -> T, T>(f: F) -> T {
    let result = f();
    // There is something to be done after the call, so it is no jump.
    black_box(());
    result
}

/// As [`__rust_begin_short_backtrace`], of a closure with an argument.
#[inline(never)]
pub(crate) fn __rust_begin_short_backtrace_with<F: FnOnce(A) -> T, A, T>(f: F, argument: A) -> T {
    let result = f(argument);
    // As above.
    black_box(());
    result
}
