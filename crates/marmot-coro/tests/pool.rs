//! The pool, its size classes and guards, and the cache in front of it.

mod common;

use std::collections::HashSet;
use std::io;

use common::{is_child, pool, read, run_child, write};
use marmot_coro::{
    Coroutine, DEFAULT_STACK_SIZE, GuardPolicy, MAX_STACK_SIZE, MIN_STACK_SIZE, Progress, SEAT_SIZE, Stack, StackCache,
    StackPool, overflow,
};

#[test]
fn sizes_are_rounded_up_to_a_class() {
    let pool = pool(GuardPolicy::Auto);
    for (asked, given) in [
        (0, MIN_STACK_SIZE),
        (1, MIN_STACK_SIZE),
        (MIN_STACK_SIZE, MIN_STACK_SIZE),
        (MIN_STACK_SIZE + 1, 2 * MIN_STACK_SIZE),
        (DEFAULT_STACK_SIZE, DEFAULT_STACK_SIZE),
        (MAX_STACK_SIZE, MAX_STACK_SIZE),
    ] {
        let stack = pool.take(asked).unwrap();
        assert_eq!(stack.size(), given);
        assert_eq!(stack.base() + SEAT_SIZE - stack.limit(), given);
        assert_eq!(stack.seat().addr().get(), stack.base());
    }
}

#[test]
fn too_large_a_size_is_an_error() {
    let error = pool(GuardPolicy::Auto).take(MAX_STACK_SIZE + 1).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_small_program_reserves_little() {
    let pool = pool(GuardPolicy::Auto);
    let _stack = pool.take(DEFAULT_STACK_SIZE).unwrap();
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.free), (1, 0));
    assert!(stats.reserved <= 32 << 20, "{stats:?}");
}

#[test]
fn the_whole_stack_can_be_written_and_stacks_do_not_overlap() {
    let pool = pool(GuardPolicy::Auto);
    let stacks: Vec<Stack> = (0..200).map(|_| pool.take(MIN_STACK_SIZE).unwrap()).collect();
    for (index, stack) in stacks.iter().enumerate() {
        // SAFETY: both bytes are in a stack that this test owns and runs nothing on.
        unsafe {
            write(stack.limit(), index as u8);
            write(stack.base() - 1, index as u8);
        }
    }
    for (index, stack) in stacks.iter().enumerate() {
        // SAFETY: as above.
        let marks = unsafe { (read(stack.limit()), read(stack.base() - 1)) };
        assert_eq!(marks, (index as u8, index as u8));
    }
}

#[test]
fn the_last_one_given_back_is_the_next_taken() {
    for policy in [GuardPolicy::Auto, GuardPolicy::Mprotect] {
        let pool = pool(policy);
        let [first, second] = [(); 2].map(|()| pool.take(DEFAULT_STACK_SIZE).unwrap());
        let (first_base, second_base) = (first.base(), second.base());
        drop(second);
        drop(first);
        let [again, then] = [(); 2].map(|()| pool.take(DEFAULT_STACK_SIZE).unwrap());
        assert_eq!((again.base(), then.base()), (first_base, second_base));
    }
}

/// Makes a child touch the byte below a stack, and checks how it ends.
fn check_guard(name: &str, policy: GuardPolicy, used_before: bool) {
    if is_child(name) {
        overflow::install_default().unwrap();
        let pool = pool(policy);
        let mut stack = pool.take(DEFAULT_STACK_SIZE).unwrap();
        if used_before {
            let base = stack.base();
            drop(stack);
            assert_eq!(pool.trim() + pool.trim(), 1);
            stack = pool.take(DEFAULT_STACK_SIZE).unwrap();
            assert_eq!(stack.base(), base);
        }
        // SAFETY: the fault is wanted.
        unsafe { write(stack.limit() - 1, 0) };
        unreachable!("the guard did not fault");
    }
    let outcome = run_child(name);
    assert_eq!(outcome.signal, Some(libc::SIGABRT), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("overflowed its stack of 256 KiB"), "{}", outcome.stderr);
}

#[test]
fn the_guard_faults() {
    check_guard("the_guard_faults", GuardPolicy::Auto, false);
}

#[test]
fn the_guard_of_mprotect_faults() {
    check_guard("the_guard_of_mprotect_faults", GuardPolicy::Mprotect, false);
}

#[test]
fn the_guard_survives_reuse_and_trim() {
    check_guard("the_guard_survives_reuse_and_trim", GuardPolicy::Auto, true);
}

#[test]
fn the_guard_of_mprotect_survives_reuse_and_trim() {
    check_guard("the_guard_of_mprotect_survives_reuse_and_trim", GuardPolicy::Mprotect, true);
}

#[test]
fn a_spent_budget_is_an_error() {
    let pool: &'static StackPool = Box::leak(Box::new(StackPool::with_mapping_budget(GuardPolicy::Mprotect, 20)));
    let mut stacks: Vec<Stack> = (0..10).map(|_| pool.take(DEFAULT_STACK_SIZE).unwrap()).collect();
    assert_eq!(pool.stats().mappings, 21);

    let error = pool.take(DEFAULT_STACK_SIZE).unwrap_err();
    assert!(error.to_string().contains("no memory map left"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::OutOfMemory);
    assert_eq!(pool.stats().in_use, 10, "the stack that could not be guarded is not counted");

    let base = stacks.pop().unwrap().base();
    assert_eq!(pool.take(DEFAULT_STACK_SIZE).unwrap().base(), base, "a guarded one can still be used again");
}

#[test]
fn trim_gives_back_what_lay_idle() {
    const COUNT: usize = 100;
    let pool = pool(GuardPolicy::Auto);
    let stacks: Vec<Stack> = (0..COUNT).map(|_| pool.take(DEFAULT_STACK_SIZE).unwrap()).collect();
    for stack in &stacks {
        // SAFETY: the byte is in a stack that this test owns and runs nothing on.
        unsafe { write(stack.base() - 1, 1) };
    }
    drop(stacks);
    let reserved = pool.stats().reserved;

    assert_eq!(pool.trim(), 0, "they have not been free since the last call");
    let busy: Vec<Stack> = (0..10).map(|_| pool.take(DEFAULT_STACK_SIZE).unwrap()).collect();
    drop(busy);
    assert_eq!(pool.trim(), COUNT - 10);
    assert_eq!(pool.trim(), 10);
    assert_eq!(pool.trim(), 0, "each once");

    let stacks: Vec<Stack> = (0..COUNT).map(|_| pool.take(DEFAULT_STACK_SIZE).unwrap()).collect();
    assert_eq!(pool.stats().reserved, reserved, "no new slab was needed");
    for stack in stacks {
        let mut coroutine = Coroutine::new(stack, |_| {});
        assert_eq!(coroutine.resume(), Progress::Finished);
    }
}

#[test]
fn a_cache_is_last_in_first_out() {
    let mut cache = StackCache::new(pool(GuardPolicy::Auto));
    let [first, second] = [(); 2].map(|()| cache.take(DEFAULT_STACK_SIZE).unwrap());
    let bases = (first.base(), second.base());
    cache.put(second);
    cache.put(first);
    let [again, then] = [(); 2].map(|()| cache.take(DEFAULT_STACK_SIZE).unwrap());
    assert_eq!((again.base(), then.base()), bases);
}

#[test]
fn a_cache_spills_and_refills() {
    const COUNT: usize = 200;
    let pool = pool(GuardPolicy::Auto);
    let mut cache = StackCache::new(pool);
    let stacks: Vec<Stack> = (0..COUNT).map(|_| cache.take(DEFAULT_STACK_SIZE).unwrap()).collect();
    let bases: HashSet<usize> = stacks.iter().map(Stack::base).collect();
    assert_eq!(bases.len(), COUNT);
    assert_eq!(pool.stats().in_use, COUNT);

    let last = stacks.last().unwrap().base();
    for stack in stacks {
        cache.put(stack);
    }
    assert!(pool.stats().free >= COUNT - 64, "what is over the capacity is spilled");

    let again: Vec<Stack> = (0..COUNT).map(|_| cache.take(DEFAULT_STACK_SIZE).unwrap()).collect();
    assert_eq!(again[0].base(), last);
    assert_eq!(again.iter().map(Stack::base).collect::<HashSet<_>>(), bases, "none was made, none was lost");
    drop(again);
    drop(cache);
    assert_eq!((pool.stats().in_use, pool.stats().free), (0, COUNT));
}

#[test]
fn a_cache_gives_everything_back() {
    let pool = pool(GuardPolicy::Auto);
    let mut cache = StackCache::new(pool);
    for size in [MIN_STACK_SIZE, DEFAULT_STACK_SIZE] {
        let stack = cache.take(size).unwrap();
        cache.put(stack);
    }
    assert_eq!(pool.stats().free, 0);
    cache.flush();
    assert_eq!(pool.stats().free, 2);
    let stack = cache.take(MIN_STACK_SIZE).unwrap();
    cache.put(stack);
    drop(cache);
    assert_eq!(pool.stats().free, 2);
}

#[test]
fn a_cache_sends_a_strange_stack_home() {
    let (ours, theirs) = (pool(GuardPolicy::Auto), pool(GuardPolicy::Auto));
    let mut cache = StackCache::new(ours);
    cache.put(theirs.take(DEFAULT_STACK_SIZE).unwrap());
    assert_eq!(theirs.stats().free, 1);
    drop(cache);
    assert_eq!(ours.stats().free, 0);
}
