//! A child that is forked while other threads allocate can allocate, too.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use marmot_pprof::Allocator;
use marmot_pprof::alloc::set_rate;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

fn allocates() {
    black_box((0..200).map(|n| vec![n; 10]).collect::<Vec<_>>());
}

/// Whether a child ends by itself, as it should: it allocates, and no more.
fn a_child_ends() -> bool {
    // SAFETY: of what the parent has, the child uses the allocator only, and that of the C library can be used then.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        allocates();
        // SAFETY: it has no precondition.
        unsafe { libc::_exit(0) };
    }
    let limit = Instant::now() + Duration::from_secs(20);
    // SAFETY: the child is this process's, and the status is not asked for.
    while unsafe { libc::waitpid(child, std::ptr::null_mut(), libc::WNOHANG) } == 0 {
        if Instant::now() > limit {
            // SAFETY: as above.
            unsafe { libc::kill(child, libc::SIGKILL) };
            return false;
        }
        thread::yield_now();
    }
    true
}

#[test]
fn a_child_finds_no_lock_held() {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    set_rate(1);
    let threads = [(); 3].map(|()| {
        thread::spawn(|| {
            while !IS_OVER.load(Ordering::Relaxed) {
                allocates();
            }
        })
    });
    let ended = (0..60).all(|_| a_child_ends());
    IS_OVER.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(ended, "a child waits for a lock that nobody has");
}
