//! What Linux has of its own: its limits, and what becomes of guards under them.

#![cfg(target_os = "linux")]

mod common;

use std::{fs, io, thread};

use common::{is_child, pool, run_child, write};
use marmot_coro::{DEFAULT_STACK_SIZE, GuardPolicy, MAX_STACK_SIZE, MIN_STACK_SIZE, StackPool, overflow};

#[test]
fn the_budget_leaves_the_process_its_share() {
    const NAME: &str = "the_budget_leaves_the_process_its_share";
    if is_child(NAME) {
        let limit = fs::read_to_string("/proc/sys/vm/max_map_count");
        let limit: usize = limit.unwrap().trim().parse().unwrap();
        if limit > 200_000 {
            return; // Too many to spend in a test.
        }
        let pool = pool(GuardPolicy::Mprotect);
        let mut stacks = Vec::new();
        let error = loop {
            match pool.take(MIN_STACK_SIZE) {
                Ok(stack) => stacks.push(stack),
                Err(error) => break error,
            }
        };
        let spent = pool.stats().mappings;
        assert!(spent > limit / 2 && spent < limit - limit / 20, "{spent}");
        assert!(error.to_string().contains(&format!("(now {limit}): sysctl -w vm.max_map_count=")), "{error}");
        assert_eq!(thread::spawn(|| 5).join().unwrap(), 5, "there is room for others");
        return;
    }
    let outcome = run_child(NAME);
    assert!(outcome.success, "{}", outcome.stderr);
}

#[test]
fn guards_in_the_page_table_spend_no_budget() {
    let pool: &'static StackPool = Box::leak(Box::new(StackPool::with_mapping_budget(GuardPolicy::Auto, 0)));
    match pool.take(DEFAULT_STACK_SIZE) {
        Ok(_stack) => assert_eq!(pool.stats().mappings, 1),
        // Before Linux 6.13.
        Err(error) => assert!(error.to_string().contains("max_map_count"), "{error}"),
    }
}

#[test]
fn locked_memory_falls_back_to_mprotect() {
    const NAME: &str = "locked_memory_falls_back_to_mprotect";
    if is_child(NAME) {
        // The kernel refuses guards in the page table of locked memory, as an older one does
        // everywhere.
        // SAFETY: locking memory has no effect on its contents.
        if unsafe { libc::mlockall(libc::MCL_FUTURE | libc::MCL_ONFAULT) } != 0 {
            return;
        }
        overflow::install_default().unwrap();
        let pool = pool(GuardPolicy::Auto);
        let stack = pool.take(MIN_STACK_SIZE).unwrap();
        assert_eq!(pool.stats().mappings, 3);
        // SAFETY: the fault is wanted.
        unsafe { write(stack.limit() - 1, 0) };
        unreachable!("the guard did not fault");
    }
    let outcome = run_child(NAME);
    // A child that may not lock memory has nothing to show and ends well.
    if !outcome.success {
        assert!(outcome.stderr.contains("overflowed its stack of 64 KiB"), "{}", outcome.stderr);
    }
}

#[test]
fn no_address_space_is_an_error_that_says_what_to_do() {
    const NAME: &str = "no_address_space_is_an_error_that_says_what_to_do";
    if is_child(NAME) {
        let limit = libc::rlimit { rlim_cur: 1 << 30, rlim_max: 1 << 30 };
        // SAFETY: the limit is valid and the call has no other precondition.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
        // A slab of 64 does not fit, one of fewer does.
        let pool = pool(GuardPolicy::Auto);
        let _fits = pool.take(256 << 20).unwrap();
        let error = pool.take(MAX_STACK_SIZE).unwrap_err();
        let text = error.to_string();
        eprintln!("{text}; {:?}", io::Error::from(error).kind());
        return;
    }
    let outcome = run_child(NAME);
    assert!(outcome.stderr.contains("ulimit -v") && outcome.stderr.contains("OutOfMemory"), "{}", outcome.stderr);
}
