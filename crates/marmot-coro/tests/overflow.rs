//! Running off a stack. Each test plays its fault in a process of its own.

mod common;

use std::fmt::Write;
use std::{mem, ptr, thread};

use common::{Outcome, is_child, recurse, run_child};
use marmot_coro::overflow::{self, AltStack, Fault, Report};
use marmot_coro::{Coroutine, DEFAULT_STACK_SIZE, StackPool};

/// Overflows a coroutine's stack on this thread.
fn overflow_a_coroutine() {
    let stack = StackPool::global().take(DEFAULT_STACK_SIZE).unwrap();
    let mut coroutine = Coroutine::new(stack, |_| {
        recurse(0, 0);
    });
    let _ = coroutine.resume();
    unreachable!("the recursion ended");
}

#[track_caller]
fn assert_aborted(outcome: &Outcome, text: &str) {
    assert_eq!(outcome.signal, Some(libc::SIGABRT), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(text), "{}", outcome.stderr);
}

#[test]
fn a_coroutine_is_reported() {
    const NAME: &str = "a_coroutine_is_reported";
    if is_child(NAME) {
        overflow::install_default().unwrap();
        overflow_a_coroutine();
    }
    assert_aborted(&run_child(NAME), "marmot: a coroutine has overflowed its stack of 256 KiB");
}

#[test]
fn the_reporter_writes_the_report() {
    const NAME: &str = "the_reporter_writes_the_report";
    fn report(report: &mut Report<'_>, fault: Fault) {
        let inside = fault.address < fault.stack_limit && fault.stack_base > fault.stack_limit;
        // Longer than the buffer, to see that nothing is lost.
        for line in 0..100 {
            let _ = writeln!(report, "line {line} of {} bytes, {inside}", fault.stack_size());
        }
    }
    if is_child(NAME) {
        // SAFETY: `report` formats integers and nothing else.
        unsafe { overflow::install(report) }.unwrap();
        overflow::install_default().unwrap();
        overflow_a_coroutine();
    }
    let outcome = run_child(NAME);
    assert_aborted(&outcome, "line 0 of 262144 bytes, true\nline 1 ");
    assert_aborted(&outcome, "line 98 of 262144 bytes, true\nline 99 of 262144 bytes, true\n");
    assert!(!outcome.stderr.contains("a coroutine has overflowed"), "the first reporter stays");
}

#[test]
fn an_alternate_stack_of_ours_serves() {
    const NAME: &str = "an_alternate_stack_of_ours_serves";
    if is_child(NAME) {
        overflow::install_default().unwrap();
        let _alternate = AltStack::new().unwrap();
        overflow_a_coroutine();
    }
    assert_aborted(&run_child(NAME), "overflowed its stack of 256 KiB");
}

#[test]
fn several_at_once_make_one_report() {
    const NAME: &str = "several_at_once_make_one_report";
    if is_child(NAME) {
        overflow::install_default().unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(overflow_a_coroutine);
            }
        });
    }
    let outcome = run_child(NAME);
    assert_aborted(&outcome, "overflowed its stack");
    assert_eq!(outcome.stderr.matches("overflowed its stack").count(), 1, "{}", outcome.stderr);
}

#[test]
fn a_plain_thread_is_still_reported_by_std() {
    const NAME: &str = "a_plain_thread_is_still_reported_by_std";
    if is_child(NAME) {
        overflow::install_default().unwrap();
        let thread = thread::Builder::new().name("plain".into()).stack_size(256 * 1024);
        let _ = thread.spawn(|| recurse(0, 0)).unwrap().join();
    }
    let outcome = run_child(NAME);
    assert_aborted(&outcome, "thread 'plain'");
    assert_aborted(&outcome, "has overflowed its stack");
    assert!(!outcome.stderr.contains("marmot"), "{}", outcome.stderr);
}

#[test]
fn another_fault_kills_as_ever() {
    const NAME: &str = "another_fault_kills_as_ever";
    if is_child(NAME) {
        overflow::install_default().unwrap();
        // SAFETY: the fault is wanted.
        unsafe { ptr::without_provenance_mut::<u8>(64).write_volatile(0) };
    }
    assert_eq!(run_child(NAME).signal, Some(libc::SIGSEGV));
}

#[test]
fn a_signal_that_is_sent_kills_when_nobody_else_handles_it() {
    const NAME: &str = "a_signal_that_is_sent_kills_when_nobody_else_handles_it";
    if is_child(NAME) {
        // SAFETY: the default action is a valid one.
        unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
        overflow::install_default().unwrap();
        // SAFETY: the signal is wanted.
        unsafe { libc::raise(libc::SIGSEGV) };
        unreachable!("the signal was lost");
    }
    assert_eq!(run_child(NAME).signal, Some(libc::SIGSEGV));
}

#[test]
fn an_earlier_handler_is_called() {
    const NAME: &str = "an_earlier_handler_is_called";
    extern "C" fn earlier(_signal: libc::c_int) {
        // SAFETY: `_exit` is async-signal-safe and has no preconditions.
        unsafe { libc::_exit(0) }
    }
    if is_child(NAME) {
        // SAFETY: `earlier` is a handler and async-signal-safe.
        unsafe { libc::signal(libc::SIGSEGV, earlier as *const () as libc::sighandler_t) };
        overflow::install_default().unwrap();
        // SAFETY: the fault is wanted.
        unsafe { ptr::without_provenance_mut::<u8>(64).write_volatile(0) };
    }
    assert!(run_child(NAME).success);
}

/// The thread's alternate signal stack: its lowest address, or none if it is disabled.
fn alternate_stack() -> Option<usize> {
    // SAFETY: `stack_t` is plain data, for which zero is valid.
    let mut now: libc::stack_t = unsafe { mem::zeroed() };
    // SAFETY: no new stack is given, and the current one has room.
    assert_eq!(unsafe { libc::sigaltstack(ptr::null(), &mut now) }, 0);
    (now.ss_flags & libc::SS_DISABLE == 0).then_some(now.ss_sp.addr())
}

#[test]
fn an_alternate_stack_is_put_back() {
    let before = alternate_stack();
    let ours = AltStack::new().unwrap();
    assert!(alternate_stack().is_some() && alternate_stack() != before);
    assert!(AltStack::new().is_err(), "one is enough");
    drop(ours);
    assert_eq!(alternate_stack(), before);
    drop(AltStack::new().unwrap());
}

#[test]
fn an_alternate_stack_that_was_replaced_is_left_alone() {
    thread::spawn(|| {
        let ours = AltStack::new().unwrap();
        // SAFETY: disabling the alternate stack takes nothing but the flag.
        let disabled = libc::stack_t { ss_flags: libc::SS_DISABLE, ..unsafe { mem::zeroed() } };
        // SAFETY: as above.
        assert_eq!(unsafe { libc::sigaltstack(&disabled, ptr::null_mut()) }, 0);
        drop(ours);
        assert_eq!(alternate_stack(), None);
    })
    .join()
    .unwrap();
}
