//! What is cut of stacks that are written down.

use super::*;

fn frame(function: &str, file: &str) -> Frame {
    Frame { function: function.into(), symbol: function.into(), file: file.into(), line: 1, offset: 0 }
}

/// The names of the frames that are left.
fn left(cut: Cut, frames: &[Frame]) -> Vec<&str> {
    let all: Vec<Option<&Frame>> = frames.iter().map(|frame| (!frame.function.is_empty()).then_some(frame)).collect();
    let (start, end) = cut.range(&all);
    frames[start..end].iter().map(|frame| &*frame.function).collect()
}

const STD: &str = "/rustc/0123/library/alloc/src/raw_vec.rs";
const OWN: &str = "/home/me/server/src/main.rs";
const RUNTIME_FILE: &str = "/home/me/marmot/crates/marmot-runtime/src/sched/m.rs";

#[test]
fn the_allocator_and_the_beginning_of_the_thread_are_cut() {
    let frames = [
        frame("log_it", ""),
        frame("<mine::Counting as core::alloc::global::GlobalAlloc>::alloc", OWN),
        frame("__rustc::__rust_alloc", ""),
        frame("<alloc::raw_vec::RawVec<u8>>::with_capacity_in", STD),
        frame("server::answer", OWN),
        frame("<server::Item as core::clone::Clone>::clone", OWN),
        frame("<alloc::vec::Vec<server::Item> as core::clone::Clone>::clone", STD),
        frame("server::serve", OWN),
        frame(
            "std::sys::backtrace::__rust_begin_short_backtrace::<fn(), ()>",
            "/rustc/0123/library/std/src/sys/backtrace.rs",
        ),
        frame("<std::sys::thread::unix::Thread>::new::thread_start", STD),
        frame("", ""),
    ];
    let own = [
        "server::answer",
        "<server::Item as core::clone::Clone>::clone",
        "<alloc::vec::Vec<server::Item> as core::clone::Clone>::clone",
        "server::serve",
    ];
    assert_eq!(left(Cut::Allocator, &frames), own);
    assert_eq!(left(Cut::Nothing, &frames).len(), frames.len());
    assert_eq!(left(Cut::Threads, &frames).len(), frames.len() - 3);
    let of_a_thread = [frame("marmot_pprof::alloc::sampler::sample", OWN), frames[3].clone(), frames[9].clone()];
    let names = [&*of_a_thread[1].function, &*of_a_thread[2].function];
    assert_eq!(left(Cut::Allocator, &of_a_thread), names, "the thread's own, without what samples it");
}

#[test]
fn the_line_that_waits_is_innermost() {
    let frames = [
        frame("", ""),
        frame(
            "corosensei::arch::x86_64::switch_yield",
            "/home/me/.cargo/registry/src/corosensei-0.3.4/src/arch/x86_64.rs",
        ),
        frame("marmot_runtime::sched::park::park", RUNTIME_FILE),
        frame("<marmot_runtime::net::stream::TcpStream as std::io::Read>::read", RUNTIME_FILE),
        frame("std::io::Read::read_exact", "/rustc/0123/library/std/src/io/mod.rs"),
        frame("server::handle", OWN),
        frame("server::main::{closure#0}", OWN),
        frame("marmot_runtime::sched::start", RUNTIME_FILE),
        frame("__rust_try", ""),
        frame("corosensei::coroutine::entry", ""),
        frame("stack_init_trampoline", ""),
        frame("corosensei::coroutine::resume", ""),
        frame("server::runs_its_own_loop", OWN),
        frame("start_thread", ""),
    ];
    assert_eq!(left(Cut::Runtime, &frames), ["server::handle", "server::main::{closure#0}"]);
    assert_eq!(left(Cut::Call, &frames), ["std::io::Read::read_exact", "server::handle", "server::main::{closure#0}"]);
    assert_eq!(left(Cut::Call, &frames[5..]), ["server::handle", "server::main::{closure#0}"], "it computes");
    assert_eq!(left(Cut::Threads, &frames).last(), Some(&"server::main::{closure#0}"));
}

#[test]
fn what_the_runtime_does_itself_stays_whole() {
    let frames = [
        frame("epoll_wait", ""),
        frame("marmot_poll::sys::epoll::wait", RUNTIME_FILE),
        frame("marmot_runtime::sched::m::run", RUNTIME_FILE),
        frame("std::sys::backtrace::__rust_begin_short_backtrace", STD),
        frame("start_thread", ""),
    ];
    assert_eq!(left(Cut::Threads, &frames).len(), 3);
    // Of threads that wait, there is no user's line.
    assert_eq!(left(Cut::Runtime, &frames).len(), 5);
}

#[test]
fn nothing_is_cut_if_nothing_would_be_left() {
    let frames = [frame("__rust_alloc", ""), frame("std::rt::lang_start", ""), frame("main", "")];
    assert_eq!(left(Cut::Allocator, &frames).len(), 3);
    assert_eq!(left(Cut::Allocator, &[]).len(), 0);
}

#[test]
fn names_without_what_they_are_generic_over() {
    for (function, name) in [
        ("main", "main"),
        ("a::b::c", "c"),
        ("<a::B<c::D> as e::F>::g", "g"),
        ("a::b::<c::d, <e as f>::G>", "b"),
        ("<alloc::raw_vec::RawVecInner>::grow_amortized::<alloc::alloc::Global>", "grow_amortized"),
        ("a::b::{closure#0}", "{closure#0}"),
        ("bytes.(*Buffer).grow", "grow"),
        ("runtime.growslice", "growslice"),
        ("", ""),
        (">>", ">>"),
        ("<", ""),
    ] {
        assert_eq!(last_name(function), name, "{function}");
    }
}

#[test]
fn growth_is_seen_by_its_functions() {
    assert!(is_growth(["__rust_alloc", "<alloc::raw_vec::RawVec<u8>>::grow_one"].into_iter()));
    assert!(is_growth(["strings.(*Builder).grow"].into_iter()));
    assert!(!is_growth(["__rust_alloc", "garden::growth", "<alloc::raw_vec::RawVec<u8>>::with_capacity"].into_iter()));
}
