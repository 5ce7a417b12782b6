//! A poll allocates nothing. Alone in its program, because the allocator is the process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use marmot_poll::{Events, Key, Poller};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts what each thread allocates.
struct Counting;

// SAFETY: everything is the system's own work; the counter is a plain cell that needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_poll_allocates_nothing() {
    let poller = Poller::init().expect("a poller can be made");
    let mut events = Events::with_capacity(16);
    let mut pairs: Vec<_> = (0..8).map(|_| UnixStream::pair().expect("there are descriptors left")).collect();

    let before = ALLOCATIONS.get();
    for (key, (here, _)) in (0..).zip(&pairs) {
        poller.open(here.as_fd(), Key::new(key)).expect("a stream can be polled");
    }
    for _ in 0..100 {
        for (_, there) in &mut pairs {
            there.write_all(b"x").expect("there is room");
        }
        poller.wake().expect("a poller can be woken");
        let count = poller.poll(&mut events, Some(Duration::from_secs(120))).expect("a poll does not fail");
        assert_eq!(count, 8);
        for event in events.iter().filter(|event| event.readable) {
            let (here, _) = &mut pairs[event.key.get() as usize];
            here.read_exact(&mut [0]).expect("it has arrived");
        }
        poller.poll(&mut events, Some(Duration::from_micros(1))).expect("a poll does not fail");
    }
    assert_eq!(ALLOCATIONS.get(), before);
}
