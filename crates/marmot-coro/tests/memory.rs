//! What stacks cost: mappings, and memory for each. Alone in its binary, for it measures the
//! process.

#![cfg(target_os = "linux")]

use std::fs;
use std::time::Instant;

use marmot_coro::{Coroutine, DEFAULT_STACK_SIZE, GuardPolicy, Progress, StackPool};

/// A line of /proc/self/status, in bytes.
fn status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Suspends `count` coroutines on stacks of their own and checks what they cost.
fn check_cost(count: usize, most_mappings: usize) {
    let pool: &'static StackPool = Box::leak(Box::new(StackPool::new(GuardPolicy::Auto)));
    let mut coroutines = Vec::with_capacity(count);
    let (maps, resident, tables) = (mappings(), status("VmRSS:"), status("VmPTE:"));
    let start = Instant::now();
    for _ in 0..count {
        let stack = pool.take(DEFAULT_STACK_SIZE).unwrap();
        let mut coroutine = Coroutine::new(stack, |suspender| suspender.suspend());
        assert_eq!(coroutine.resume(), Progress::Suspended);
        coroutines.push(coroutine);
    }
    let elapsed = start.elapsed();
    let maps = mappings() - maps;
    let records = count * (size_of::<Coroutine>() + size_of::<usize>());
    let each = (status("VmRSS:") - resident).saturating_sub(records) / count;
    let tables = (status("VmPTE:") - tables) / count;
    eprintln!("{count} stacks: {maps} mappings, {each} B and {tables} B of page table each, {elapsed:?}");
    eprintln!("{:?}", pool.stats());

    assert_eq!(pool.stats().in_use, count);
    assert!(each < 5000, "{each} B of memory a stack");
    if pool.stats().mappings > count {
        return; // Before Linux 6.13 every guard is a mapping.
    }
    assert!(maps <= most_mappings, "{maps} mappings");
    assert!(tables < 1000, "{tables} B of page table a stack");

    for coroutine in &mut coroutines {
        assert_eq!(coroutine.resume(), Progress::Finished);
    }
    drop(coroutines);
    assert_eq!(pool.trim(), 0);
    let warm = status("VmRSS:");
    assert_eq!(pool.trim(), count);
    assert!(warm - status("VmRSS:") >= count * 4096 * 9 / 10, "trim gives the pages back");
}

#[test]
fn ten_thousand_stacks_cost_a_page_each() {
    check_cost(10_000, 20);
}

/// Five gigabytes and some seconds: run it alone, in release.
#[test]
#[ignore = "takes 5 GB"]
fn a_million_stacks_cost_a_page_each() {
    check_cost(1_000_000, 60);
}
