//! The attributes `#[marmot::main]` and `#[marmot::test]`.
//!
//! They turn a plain function into one whose body runs as a goroutine, and do nothing else: the function keeps its name,
//! its attributes and its visibility, and the work is done by two functions of the runtime, `run_main` and `run_test`.
//! Programs use them through the crate `marmot`, which the expansion names as `::marmot`.
//!
//! | module | what it holds |
//! |---|---|
//! | `options` | what stands between the parentheses of the attribute |
//! | `expand` | the function below it, and what becomes of it |
//!
//! Both work on `proc_macro2` token streams, so that the unit tests can hold an expansion to the letter; the tests in
//! `tests/` compile and run it.

#![forbid(unsafe_code)]

mod expand;
mod options;

use proc_macro::TokenStream;

/// Runs `main` as a goroutine of a runtime of its own.
///
/// The process ends when `main` returns, as in Go: other goroutines are not waited for. What `main` returns becomes the
/// exit code as usual, and it need not be `Send`.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `procs = N` | how many Ps, and so how many goroutines run at the same time | `MARMOT_MAXPROCS`, or the cores that the process may use |
/// | `stack_size = BYTES` | the usable bytes of each goroutine's stack, also that of `main` itself; 64 KiB at least | 256 KiB |
/// | `max_blocking_threads = N` | how many threads run what goroutines give to `blocking` | `MARMOT_MAX_BLOCKING_THREADS`, or 512 |
///
/// # Errors
///
/// A function that is not called `main`, is `async`, `const`, `unsafe` or `extern`, or has parameters or generics, and an
/// option that is unknown, given twice or not an integer, are compile errors. A number that is out of range is found when
/// the program starts: it says so and exits with failure.
///
/// # Examples
///
/// ```
/// #[marmot::main(procs = 2, stack_size = 65536)]
/// fn main() -> std::io::Result<()> {
///     let answer = marmot::go(|| 6 * 7).join().unwrap();
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::main(options.into(), item.into()).into()
}

/// Makes a test of a function, and runs its body as a goroutine of a runtime of its own, which is shut down after it.
///
/// It stands in the place of `#[test]`; `#[should_panic]`, `#[ignore]` and all other attributes work as they do there.
/// Goroutines that the test leaves behind have a few seconds to end. What the test returns need not be `Send`, as
/// with [`main`](macro@main).
///
/// The options are those of [`main`](macro@main).
///
/// # Errors
///
/// As [`main`](macro@main), except that the function may have any name.
///
/// # Examples
///
/// ```
/// #[marmot::test(procs = 1)]
/// fn goroutines_take_turns() {
///     let handle = marmot::go(|| 1 + 1);
///     assert_eq!(handle.join().unwrap(), 2);
/// }
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::test(options.into(), item.into()).into()
}
