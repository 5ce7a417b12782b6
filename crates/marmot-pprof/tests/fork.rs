//! A child that is forked can allocate, whatever other threads did meanwhile, and whatever a handler has interrupted.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{mem, ptr, thread};

use marmot_pprof::Allocator;
use marmot_pprof::alloc::{heap, set_rate};

#[global_allocator]
static ALLOCATOR: Allocator<Inner> = Allocator::before(Inner);

/// The system's allocator, but single bytes, of which few are in use at a time, are those of an array in turn: no lock is needed
/// for these, so that a signal handler which has interrupted their allocation can fork.
struct Inner;

static BYTES: [AtomicU8; 4096] = [const { AtomicU8::new(0) }; 4096];

static GIVEN: AtomicUsize = AtomicUsize::new(0);

// SAFETY: a byte of the array is given again after thousands of others, when it has been freed, and all else is the system's.
unsafe impl GlobalAlloc for Inner {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() == 1 {
            let next = GIVEN.fetch_add(1, Ordering::Relaxed);
            return BYTES[next % BYTES.len()].as_ptr();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if layout.size() > 1 {
            // SAFETY: the caller's promise.
            unsafe { System.dealloc(place, layout) }
        }
    }
}

/// What is forked in one test is not to meet what the other one does.
static ALONE: Mutex<()> = Mutex::new(());

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
    ends(child)
}

/// Whether the process ends by itself.
fn ends(child: libc::pid_t) -> bool {
    let limit = Instant::now() + Duration::from_secs(120);
    // SAFETY: the child is this process's, and the status is not asked for.
    while unsafe { libc::waitpid(child, ptr::null_mut(), libc::WNOHANG) } == 0 {
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
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    set_rate(1);
    let threads = [(); 3].map(|()| {
        thread::spawn(|| {
            while !IS_OVER.load(Ordering::Relaxed) {
                allocates();
            }
        })
    });
    let ended = (0..30).all(|_| a_child_ends());
    IS_OVER.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(ended, "a child waits for a lock that nobody has");
}

/// What the handler has forked; zero until it has.
static FORKED: AtomicI32 = AtomicI32::new(0);

static IS_CHILD: AtomicBool = AtomicBool::new(false);

/// Forks.
extern "C" fn fork_here(_signal: libc::c_int) {
    // SAFETY: what is interrupted is in no function of the C library.
    match unsafe { libc::fork() } {
        0 => IS_CHILD.store(true, Ordering::Relaxed),
        child => FORKED.store(child, Ordering::Relaxed),
    }
}

#[test]
fn a_handler_that_interrupts_a_sample_can_fork() {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    set_rate(1);
    // SAFETY: zero is a valid action, and the handler has the signature of one without flags.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = fork_here as *const () as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()), 0);
    }
    let (say, heard) = mpsc::channel();
    let thread = thread::spawn(move || {
        // SAFETY: it has no precondition.
        say.send(unsafe { libc::pthread_self() }).unwrap();
        while !IS_OVER.load(Ordering::Relaxed) {
            black_box(Box::new(1_u8));
            if IS_CHILD.load(Ordering::Relaxed) {
                // It goes on with the sample that was interrupted, and with others.
                allocates();
                black_box(heap());
                // SAFETY: it has no precondition.
                unsafe { libc::_exit(0) };
            }
        }
    });
    let target = heard.recv().unwrap();
    // What the channel needs has been freed when the thread is in its loop.
    let given = GIVEN.load(Ordering::Relaxed);
    while GIVEN.load(Ordering::Relaxed) < given + 100 {
        thread::yield_now();
    }
    let limit = Instant::now() + Duration::from_secs(120);
    for _ in 0..60 {
        FORKED.store(0, Ordering::Relaxed);
        // SAFETY: the thread runs until it is told that it is over.
        assert_eq!(unsafe { libc::pthread_kill(target, libc::SIGUSR1) }, 0);
        while FORKED.load(Ordering::Relaxed) == 0 {
            assert!(Instant::now() < limit, "the handler waits for the thread that it has interrupted");
            thread::yield_now();
        }
        let child = FORKED.load(Ordering::Relaxed);
        assert!(child > 0 && ends(child), "a child waits for a lock that nobody has");
    }
    IS_OVER.store(true, Ordering::Relaxed);
    thread.join().unwrap();
}
