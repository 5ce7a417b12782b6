//! The profiler's signal, wherever it comes.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::hint::black_box;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use marmot_coro::{Coroutine, DEFAULT_STACK_SIZE, StackPool};
use marmot_pprof::Allocator;
use marmot_pprof::alloc::set_rate;
use marmot_pprof::cpu::Profiler;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

/// The thread's `errno`.
fn errno() -> *mut libc::c_int {
    // SAFETY: it has no precondition.
    unsafe { libc::__errno_location() }
}

fn samples_every_allocation() {
    set_rate(1);
    black_box((0..100).map(|n| vec![n; 10]).collect::<Vec<_>>());
}

fn switches_stacks() {
    let stack = StackPool::global().take(DEFAULT_STACK_SIZE).unwrap();
    let mut coroutine = Coroutine::new(stack, |suspender| (0..1000).for_each(|_| suspender.suspend()));
    while coroutine.resume() != marmot_coro::Progress::Finished {}
}

fn unwinds() {
    // It goes through the loader's list of modules, under its lock.
    assert!(catch_unwind(|| resume_unwind(Box::new(()))).is_err());
}

fn begins_and_ends_threads() {
    thread::spawn(samples_every_allocation).join().unwrap();
}

fn keeps_errno() {
    // SAFETY: the thread's own, and always there.
    unsafe { errno().write(77) };
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(5) {
        // SAFETY: as above.
        assert_eq!(unsafe { errno().read_volatile() }, 77);
    }
}

/// There is one profiler in a process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn it_disturbs_nothing_wherever_it_comes() {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    let _alone = alone();
    let each: [fn(); 5] = [samples_every_allocation, switches_stacks, unwinds, begins_and_ends_threads, keeps_errno];
    let threads = each.map(|each| {
        thread::spawn(move || {
            while !IS_OVER.load(Ordering::Relaxed) {
                each();
            }
        })
    });
    let mut samples = 0;
    for _ in 0..10 {
        let profiler = Profiler::start(1000).unwrap();
        (0..30).for_each(|_| keeps_errno());
        samples += profiler.stop().total("samples");
    }
    IS_OVER.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(samples > 0);
}

/// How much of an alternate stack the handler may need. `std` gives a thread 8 KiB or more.
const ENOUGH: usize = 6 * 1024;

#[test]
fn a_small_alternate_stack_is_enough() {
    let _alone = alone();
    thread::spawn(|| {
        const PAINT: u8 = 0xa5;
        let mut memory = vec![PAINT; 64 * 1024];
        let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
        // SAFETY: zero is a valid value of it.
        let mut before: libc::stack_t = unsafe { std::mem::zeroed() };
        // SAFETY: the memory lives until the stack is taken back below.
        assert_eq!(unsafe { libc::sigaltstack(&stack, &mut before) }, 0);
        let used = |memory: &[u8]| memory.len() - memory.iter().take_while(|byte| **byte == PAINT).count();
        let limit = Instant::now() + Duration::from_secs(120);
        let profiler = Profiler::start(1000).unwrap();
        // SAFETY: the handler, which writes there too, runs on this thread.
        let used = || used(unsafe { std::slice::from_raw_parts(black_box(stack.ss_sp).cast(), stack.ss_size) });
        while used() == 0 {
            assert!(Instant::now() < limit);
        }
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(200) {
            black_box(());
        }
        drop(profiler);
        // SAFETY: what was there before.
        assert_eq!(unsafe { libc::sigaltstack(&before, std::ptr::null_mut()) }, 0);
        let used = used();
        assert!(used <= ENOUGH, "{used} bytes");
    })
    .join()
    .unwrap();
}
