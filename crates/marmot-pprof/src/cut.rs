//! Which frames of a stack nobody wants to see.
//!
//! A stack begins with how a program comes to run a function (threads, entries of coroutines) and ends with how that function
//! does what the profile is about (allocators, queues of waiters). What is between is the user's, and a profile whose
//! innermost frame is the user's line can be read from the top: `go tool pprof -top -lines` names that line. Go cuts the frames
//! of its own runtime likewise.
//!
//! Inlined calls are frames like others. If nothing would be left, nothing is cut but what takes the samples.

use crate::symbols::Frame;

/// What is cut off the inner end of the stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// Nothing, and at the outer end only how threads begin: for CPU profiles, where the innermost frame is what takes the time.
    #[default]
    Threads,
    /// The allocator, and the parts of `std` that call it: the line that needed the memory is innermost.
    Allocator,
    /// All of `std` and of Marmot's runtime: the line that waits is innermost.
    Runtime,
    /// As [`Runtime`](Cut::Runtime), except for what that line calls: for lists of goroutines, where it says what a goroutine
    /// waits in.
    Call,
    /// Nothing at either end.
    Nothing,
}

/// The crates that run goroutines.
const RUNTIME: [&str; 7] = [
    "marmot_runtime::",
    "marmot_coro::",
    "marmot_poll::",
    "marmot_buf::park::",
    "corosensei::",
    "rustix::",
    "linux_raw_sys::",
];

/// What samples allocations and takes stacks.
const SAMPLERS: [&str; 2] = ["marmot_pprof::alloc::", "marmot_coro::trace::"];

/// What `std` consists of.
const STD: [&str; 5] = ["alloc::", "core::", "hashbrown::", "std::", "__rustc::"];

/// Where the compiler says that `std` and what that is made of have been.
const STD_FILES: [&str; 4] = ["/rustc/", "/rust/deps/", "/rustlib/src/rust/library/", "/usr/src/rustc-"];

/// Where a coroutine's stack begins: what is outside of it is the thread that resumes it.
const BOTTOM: &str = "stack_init_trampoline";

/// How the C library begins programs and threads, and the compiler's own function that catches a panic.
const ENTRIES: [&str; 10] = [
    "__rust_try",
    "_start",
    "__libc_start_main",
    "__libc_start_main_impl",
    "__libc_start_call_main",
    "main",
    "start_thread",
    "clone",
    "clone3",
    "__clone3",
];

impl Cut {
    /// Which of the frames, innermost first, are left: from the first number to below the second.
    pub(crate) fn range(self, frames: &[Option<&Frame>]) -> (usize, usize) {
        let all = (0, frames.len());
        if self == Cut::Nothing {
            return all;
        }
        let outer = frames.len() - outer(frames);
        // What an allocator calls to take a sample is inside of it, whatever it is.
        let sampler = match self {
            Cut::Allocator => {
                frames[..outer].iter().position(|frame| frame.is_some_and(|frame| is_allocator(&frame.function)))
            }
            _ => None,
        };
        let sampler = sampler.unwrap_or(0);
        let inner = sampler + frames[sampler..outer].iter().take_while(|frame| self.is_inner(**frame)).count();
        match self {
            // What samples is nobody's, whatever is left.
            _ if inner == outer => (samplers(frames), frames.len()),
            Cut::Call => (inner.saturating_sub(1), outer),
            _ => (inner, outer),
        }
    }

    fn is_inner(self, frame: Option<&Frame>) -> bool {
        match self {
            Cut::Allocator => frame.is_some_and(|frame| is_std(frame) || is_sampler(frame)),
            // What has no file is the C library's: a system call, the thread's own ways to wait.
            Cut::Runtime | Cut::Call => frame.is_none_or(|frame| {
                is_std(frame) || is_sampler(frame) || is_runtime(frame) || !frame.function.contains("::")
            }),
            Cut::Threads | Cut::Nothing => false,
        }
    }
}

/// How many frames at the outer end belong to how threads and goroutines begin. Those of which nothing is known are the C
/// library's there.
fn outer(all: &[Option<&Frame>]) -> usize {
    let is_bottom = |frame: &Option<&Frame>| frame.is_some_and(|frame| &*frame.function == BOTTOM);
    let bottom = all.iter().position(is_bottom).unwrap_or(all.len());
    let frames = &all[..bottom];
    let run =
        |is_cut: &dyn Fn(&Frame) -> bool| frames.iter().rev().take_while(|frame| frame.is_none_or(is_cut)).count();
    let threads = run(&|frame| is_std(frame) || is_entry(frame));
    let goroutines = run(&|frame| is_std(frame) || is_entry(frame) || is_runtime(frame));
    // What the runtime does on its own account stays whole: there, the frame inside of its own is no Rust function of the user's.
    let next = frames.len().checked_sub(goroutines + 1).and_then(|index| frames[index]);
    let own = if next.is_some_and(|frame| frame.function.contains("::")) { goroutines } else { threads };
    own + all.len() - bottom
}

fn is_entry(frame: &Frame) -> bool {
    ENTRIES.contains(&&*frame.function)
}

fn is_runtime(frame: &Frame) -> bool {
    begins(&frame.function, &RUNTIME)
}

/// Whether a function is one of Marmot's libraries.
pub(crate) fn is_marmot(function: &str) -> bool {
    begins(function, &RUNTIME) || begins(function, &["marmot_buf::", "marmot_io::", "marmot_pprof::"])
}

/// How many frames at the inner end belong to taking a sample; none, if that is all there is.
fn samplers(frames: &[Option<&Frame>]) -> usize {
    let count = frames.iter().take_while(|frame| frame.is_some_and(is_sampler)).count();
    if count < frames.len() { count } else { 0 }
}

fn is_sampler(frame: &Frame) -> bool {
    begins(&frame.function, &SAMPLERS)
}

/// Whether a frame is `std`'s: by its file, for a method may be one of a trait of `std` on a type of the user's, and by its
/// name where the file is not known.
pub(crate) fn is_std(frame: &Frame) -> bool {
    is_allocator(&frame.function) || is_std_of(&frame.function, &frame.file)
}

/// As [`is_std`], from a name and a file.
pub(crate) fn is_std_of(function: &str, file: &str) -> bool {
    if file.is_empty() { begins(function, &STD) } else { STD_FILES.iter().any(|folder| file.contains(folder)) }
}

/// Whether it is one of the functions that the compiler puts between `std` and the allocator, or an allocator's own.
fn is_allocator(function: &str) -> bool {
    const BETWEEN: [&str; 6] =
        ["__rust_alloc", "__rust_realloc", "__rust_dealloc", "__rust_no_alloc", "__rdl_", "__rg_"];
    let name = last_name(function);
    BETWEEN.iter().any(|prefix| name.starts_with(prefix))
        || function.contains(" as core::alloc::global::GlobalAlloc>::")
}

/// The function's own name, without its path and what it is generic over.
pub(crate) fn last_name(function: &str) -> &str {
    let mut depth = 0;
    let mut end = function.len();
    for (index, c) in function.char_indices().rev() {
        match c {
            '>' => depth += 1,
            '<' => {
                depth -= 1;
                end = index;
            }
            ':' | '.' if depth == 0 && index + 1 < end => return &function[index + 1..end],
            ':' if depth == 0 => end = index,
            _ => {}
        }
    }
    &function[..end]
}

/// Whether a function is in one of the modules, be it a method of a trait: `<crate::Type as Trait>::method`.
fn begins(function: &str, modules: &[&str]) -> bool {
    let name = function.trim_start_matches(['<', '&', '[', '*', '(']);
    let name = name.strip_prefix("mut ").or_else(|| name.strip_prefix("dyn ")).unwrap_or(name);
    modules.iter().any(|module| name.starts_with(module))
}

/// Whether one of these functions asks for more memory for what has some already.
pub(crate) fn is_growth<'a>(mut functions: impl Iterator<Item = &'a str>) -> bool {
    const GROWTH: [&str; 9] = [
        "grow_amortized",
        "grow_exact",
        "grow_one",
        "finish_grow",
        "__rust_realloc",
        "growSlice",
        "growslice",
        "grow",
        "Grow",
    ];
    functions.any(|function| GROWTH.contains(&last_name(function)))
}

#[cfg(test)]
mod tests;
