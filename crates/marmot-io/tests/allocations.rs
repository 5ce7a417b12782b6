//! What does not allocate: reads and writes of a pipe that has been used before, and copying through a lease.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

/// The system's allocator, with a count of calls.
struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System`, by `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often memory was asked for meanwhile, by any thread.
fn allocations(run: impl FnOnce()) -> usize {
    let before = COUNT.load(SeqCst);
    run();
    COUNT.load(SeqCst) - before
}

// One test, so that no other allocates at the same time.
#[test]
fn used_pipes_and_copies_do_not_allocate() {
    let (mut reader, mut writer) = marmot_io::pipe();
    let reading = thread::spawn(move || {
        let (mut buf, mut all) = ([0; 1000], 0);
        while let count @ 1.. = reader.read(&mut buf).expect("it is not closed with an error") {
            all += count;
        }
        all
    });
    let mut write = |times| (0..times).for_each(|_| writer.write_all(&[7; 3000]).expect("it is read"));
    // Each end's line is given memory when somebody waits there for the first time.
    let rounds = (1..=10).find(|_| allocations(|| write(100)) == 0).expect("the later rounds need none");
    drop(writer);
    assert_eq!(reading.join().expect("it does not panic"), rounds * 100 * 3000);

    let copy = || assert_eq!(marmot_io::copy(&mut io::repeat(1).take(10_000), &mut io::sink()).unwrap(), 10_000);
    copy();
    assert_eq!(allocations(copy), 0);
}
