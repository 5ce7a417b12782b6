//! What walks know of libraries that come and go: while others walk, and while the process forks.
#![cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use marmot_coro::trace::{self, MAX_FRAMES};

/// The system's allocator, and how many bytes of it are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: each call is handed on with the caller's own promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

/// The tests of this file change what is loaded: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Loads a library that every system with this C library has and that programs do not need, calls `f`, and unloads it.
fn with_library(f: impl FnOnce()) {
    // SAFETY: a library of the C library's, whose initialisation has no preconditions.
    let library = unsafe { libc::dlopen(c"libresolv.so.2".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    assert!(!library.is_null(), "the C library has this library");
    f();
    // SAFETY: it was loaded above, and nothing of it is in use.
    assert_eq!(unsafe { libc::dlclose(library) }, 0);
}

fn walk() -> usize {
    trace::here(&mut [0; MAX_FRAMES])
}

/// Calls `f` while three threads walk.
fn beside_walkers<R>(f: impl FnOnce() -> R) -> R {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    walk();
                    thread::yield_now();
                }
            });
        }
        let result = f();
        is_over.store(true, Ordering::Relaxed);
        result
    })
}

#[test]
fn lists_that_were_replaced_are_freed() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    trace::prepare();
    beside_walkers(|| {
        let load = |times| (0..times).for_each(|_| with_library(trace::prepare));
        // The loader itself, and the first lists.
        load(20);
        let before = IN_USE.load(Ordering::Relaxed);
        load(100);
        let more = IN_USE.load(Ordering::Relaxed).saturating_sub(before);
        // The tables of the C library alone have over a hundred KiB. Some lists may still be in use.
        assert!(more < 2 << 20, "{more} bytes are left of 200 lists");
    });
    assert!(walk() > 1);
}

/// Whether a child ends by itself that walks, and looks for new libraries.
fn a_child_ends() -> bool {
    // SAFETY: of what the parent has, the child uses the allocator and the loader, which can be used then.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // Until the desks are made anew that others had.
        let has_walked = (0..100).any(|_| walk() > 1);
        // SAFETY: it has no precondition.
        unsafe { libc::_exit(if has_walked { 0 } else { 1 }) };
    }
    let limit = Instant::now() + Duration::from_secs(120);
    let mut status = 0;
    // SAFETY: the child is this process's, and the status has room.
    while unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == 0 {
        if Instant::now() > limit {
            // SAFETY: as above.
            unsafe { libc::kill(child, libc::SIGKILL) };
            // SAFETY: as above; it has been killed, so that this ends.
            unsafe { libc::waitpid(child, ptr::null_mut(), 0) };
            return false;
        }
        thread::yield_now();
    }
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}

#[test]
fn a_child_that_is_forked_meanwhile_walks() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    trace::prepare();
    let is_over = AtomicBool::new(false);
    let failures = thread::scope(|scope| {
        // It asks the loader again and again, and so holds what a child must not find held.
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                trace::prepare();
            }
        });
        let failures = beside_walkers(|| (0..40).filter(|_| !a_child_ends()).count());
        is_over.store(true, Ordering::Relaxed);
        failures
    });
    assert_eq!(failures, 0, "children hang or find no stack");
}
