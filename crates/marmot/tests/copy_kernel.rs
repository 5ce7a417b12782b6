//! That it is the kernel that copies, and what becomes of a copy that the kernel refuses.
//!
//! A copy by reading and writing takes a large buffer, and one by the kernel a small one at most: so each test of that copies on a thread of
//! its own, which has no buffer from before, and counts the large allocations of that thread.

#![cfg(target_os = "linux")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use common::{Place, bounded, contents, everywhere, file, in_child, noise, open_descriptors, pair, runtime, until};
use marmot::WaitReason;
use marmot::io::{copy, copy_buffer, copy_counted, copy_n};
use marmot::net::TcpStream;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As large as no allocation is but a buffer.
const LARGE: usize = 32 * 1024;

thread_local! {
    static LARGE_ONES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout);
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout);
        // SAFETY: the caller's word.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's word.
        unsafe { System.dealloc(at, layout) }
    }
}

fn count(layout: Layout) {
    if layout.size() >= LARGE {
        let _ = LARGE_ONES.try_with(|count| count.set(count.get() + 1));
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many buffers `f` takes, on a thread that has none.
fn buffers(f: impl FnOnce() + Send) -> usize {
    thread::scope(|scope| {
        let counted = scope.spawn(|| {
            let before = LARGE_ONES.get();
            f();
            LARGE_ONES.get() - before
        });
        counted.join().unwrap()
    })
}

const LENGTH: usize = 100_000;
const BYTES: &[u8] = &[7; LENGTH];

/// A connection that has `BYTES` to read, and then the end.
fn full() -> TcpStream {
    let (near, far) = pair();
    (&far).write_all(BYTES).unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    near
}

/// Asserts that a copy is done without a buffer, and that `BYTES` are copied by it; to a connection and to a file.
#[track_caller]
fn assert_by_kernel<R: Read + Send>(reader: impl Fn() -> R) {
    let (near, mut far) = pair();
    let mut from = reader();
    let taken = buffers(|| assert_eq!(copy(&mut from, &mut &near).unwrap(), LENGTH as u64));
    assert_eq!(taken, 0, "to a connection");
    let mut arrived = vec![0; LENGTH];
    far.read_exact(&mut arrived).unwrap();
    assert_eq!(arrived, BYTES);

    let (mut from, to) = (reader(), file(b""));
    let taken = buffers(|| assert_eq!(copy(&mut from, &mut &to).unwrap(), LENGTH as u64));
    assert_eq!(taken, 0, "to a file");
    assert_eq!(contents(&to), BYTES);
}

#[test]
fn what_is_known_is_copied_by_the_kernel() {
    bounded(|| {
        assert_by_kernel(full);
        assert_by_kernel(|| full().take(200_000));
        assert_by_kernel(|| BufReader::with_capacity(100, full()));
        assert_by_kernel(|| BufReader::with_capacity(100, full()).take(200_000));
        assert_by_kernel(|| BufReader::with_capacity(100, full().take(200_000)));
        assert_by_kernel(|| file(BYTES));
        assert_by_kernel(|| file(BYTES).take(200_000));
        assert_by_kernel(|| BufReader::with_capacity(100, file(BYTES)));
        assert_by_kernel(|| Arc::new(file(BYTES)));
    });
}

#[test]
fn references_and_the_other_functions_are_no_different() {
    bounded(|| {
        let to = file(b"");
        let (from, mut referred) = (full(), full());
        assert_eq!(buffers(|| assert_eq!(copy(&mut &from, &mut &to).unwrap(), LENGTH as u64)), 0);
        assert_eq!(buffers(|| assert_eq!(copy(&mut &mut referred, &mut &to).unwrap(), LENGTH as u64)), 0);
        assert_eq!(buffers(|| assert_eq!(copy_n(&mut full(), &mut &to, 50_000).unwrap(), 50_000)), 0);
        assert_eq!(
            buffers(|| assert_eq!(copy_counted(&mut full(), &mut BufWriter::new(&to)).unwrap(), LENGTH as u64)),
            0
        );
        // Through one byte it would take very long.
        assert_eq!(buffers(|| assert_eq!(copy_buffer(&mut full(), &mut &to, &mut [0]).unwrap(), LENGTH as u64)), 0);
        assert_eq!(contents(&to).len(), 4 * LENGTH + 50_000);
    });
}

#[test]
fn what_is_not_known_takes_a_buffer() {
    bounded(|| {
        let (to, mut memory) = (file(b""), Vec::with_capacity(LENGTH));
        assert_eq!(buffers(|| assert_eq!(copy(&mut &*BYTES, &mut &to).unwrap(), LENGTH as u64)), 1);
        assert_eq!(buffers(|| assert_eq!(copy(&mut full(), &mut memory).unwrap(), LENGTH as u64)), 1);
        assert_eq!(buffers(|| assert_eq!(copy(&mut full().chain(&b""[..]), &mut &to).unwrap(), LENGTH as u64)), 1);
    });
}

/// Asserts that a copy of `from` is `expected`, to a connection and to a file.
#[track_caller]
fn assert_copied(from: impl Fn() -> File, is_right: impl Fn(&[u8]) -> bool) {
    let (near, mut far) = pair();
    let receiver = Place::Threads.start(move || {
        let mut bytes = Vec::new();
        far.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let count = copy(&mut from(), &mut &near).unwrap();
    near.shutdown(Shutdown::Write).unwrap();
    let bytes = receiver.join();
    assert!(is_right(&bytes) && count == bytes.len() as u64, "to a connection: {count} bytes");

    let to = file(b"");
    let count = copy(&mut from(), &mut &to).unwrap();
    let bytes = contents(&to);
    assert!(is_right(&bytes) && count == bytes.len() as u64, "to a file: {count} bytes");
}

#[test]
fn files_without_a_size_are_read() {
    bounded(|| {
        let status = |bytes: &[u8]| bytes.starts_with(b"Name:") && bytes.ends_with(b"\n");
        assert_copied(|| File::open("/proc/self/status").unwrap(), status);
        // This one has a size, and it is wrong: a page.
        let possible = fs::read("/sys/devices/system/cpu/possible").unwrap();
        assert_copied(|| File::open("/sys/devices/system/cpu/possible").unwrap(), |bytes| bytes == possible);
    });
}

#[test]
fn a_file_system_is_left_by_reading_and_writing() {
    bounded(|| {
        let bytes = noise(3 << 20, 1);
        let memory = || File::from(rustix::fs::memfd_create("copy", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
        let from = memory();
        (&from).write_all(&bytes).unwrap();
        let reopened = || File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&from))).unwrap();
        assert_copied(reopened, |copied| copied == bytes);
        let to = memory();
        assert_eq!(copy(&mut file(&bytes), &mut &to).unwrap(), bytes.len() as u64);
        assert!(contents(&to) == bytes);
    });
}

#[test]
fn a_file_waits_for_room_in_a_connection() {
    everywhere(|place| {
        const MANY: usize = 20 << 20;
        let bytes = noise(MANY, 5);
        let ((mut to, mut sink), mut from) = (pair(), file(&bytes));
        let handle = to.try_clone().unwrap();
        let copy = place.start(move || copy_counted(&mut from, &mut to).map_err(|partial| (partial, from)));
        copy.until_waiting(WaitReason::IoWrite);
        handle.set_write_deadline(Some(Instant::now())).unwrap();
        let (partial, mut from) = copy.join().unwrap_err();
        assert_eq!(partial.kind(), ErrorKind::TimedOut);

        // The file's offset is where the connection stopped, so nothing is lost even so.
        handle.set_write_deadline(None).unwrap();
        let rest = place.start(move || {
            let count = copy_counted(&mut from, &mut &handle).unwrap();
            handle.shutdown(Shutdown::Write).unwrap();
            count
        });
        let mut arrived = Vec::new();
        sink.read_to_end(&mut arrived).unwrap();
        assert_eq!(partial.moved + rest.join(), MANY as u64);
        assert!(arrived == bytes);
    });
}

/// A file with some bytes, open for appending at its end; and its name, for reading it.
fn appending(name: &str) -> (File, std::path::PathBuf) {
    let path = std::env::temp_dir().join(format!("marmot-{}-{name}", std::process::id()));
    fs::write(&path, "begun, ").unwrap();
    (File::options().append(true).open(&path).unwrap(), path)
}

#[test]
fn a_file_is_appended_to() {
    bounded(|| {
        // No call of the kernel's appends; what a pipe already holds is not lost by that.
        let (to, path) = appending("append");
        assert_eq!(copy(&mut full(), &mut &to).unwrap(), LENGTH as u64);
        assert_eq!(copy(&mut file(b", done"), &mut &to).unwrap(), 6);
        assert_eq!(fs::read(&path).unwrap(), [b"begun, ", BYTES, b", done"].concat());
        fs::remove_file(path).unwrap();
    });
}

#[test]
fn what_is_no_regular_file_is_read_and_written() {
    bounded(|| {
        let null = File::options().read(true).write(true).open("/dev/null").unwrap();
        assert_eq!(copy(&mut full(), &mut &null).unwrap(), LENGTH as u64);
        assert_eq!(copy(&mut file(BYTES), &mut &null).unwrap(), LENGTH as u64);
        assert_eq!(copy(&mut &null, &mut file(b"")).unwrap(), 0);

        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let (mut reader, writer) = (File::from(reader), File::from(writer));
        assert_eq!(copy(&mut file(BYTES).take(10_000), &mut &writer).unwrap(), 10_000);
        drop(writer);
        assert_eq!(copy(&mut reader, &mut file(b"")).unwrap(), 10_000);
    });
}

/// How many ends of pipes this process has open.
fn pipe_ends() -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("pipe:")).count()
}

/// How many pipes a thread keeps at most.
const KEPT: usize = 8;

#[test]
fn only_who_is_in_the_middle_of_it_holds_a_pipe() {
    const COPIES: usize = 30;
    let child = in_child("only_who_is_in_the_middle_of_it_holds_a_pipe", || {
        let before = pipe_ends();
        let rt = runtime(1);
        rt.run(move || {
            let connections: Vec<_> = (0..COPIES).map(|_| (pair(), pair())).collect();
            let copies: Vec<_> = connections
                .iter()
                .map(|((from, _), (to, _))| {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    marmot::go(move || copy(&mut from, &mut to).unwrap())
                })
                .collect();
            let all_wait = |reason| copies.iter().all(|copy| copy.goroutine().wait_reason() == Some(reason));
            // Nothing has come: there is none.
            until(|| all_wait(WaitReason::IoRead));
            assert_eq!(pipe_ends(), before);

            // More has come than goes on: each holds one.
            let writers: Vec<_> = connections
                .iter()
                .map(|((_, source), _)| {
                    let source = source.try_clone().unwrap();
                    marmot::go(move || {
                        (&source).write_all(&vec![7; 16 << 20]).unwrap();
                        source.shutdown(Shutdown::Write).unwrap();
                    })
                })
                .collect();
            until(|| all_wait(WaitReason::IoWrite));
            assert_eq!(pipe_ends(), before + 2 * COPIES);

            // All have passed: a few are kept.
            let mut discarded = vec![0; 1 << 20];
            for ((writer, copy), (_, (to, mut sink))) in writers.into_iter().zip(copies).zip(connections) {
                for _ in 0..16 {
                    sink.read_exact(&mut discarded).unwrap();
                }
                writer.join().unwrap();
                assert_eq!(copy.join().unwrap(), 16 << 20);
                drop(to);
            }
            assert_eq!(pipe_ends(), before + 2 * KEPT);
        });
    });
    child.assert_success();
}

#[test]
fn without_descriptors_for_a_pipe_it_still_copies() {
    let child = in_child("without_descriptors_for_a_pipe_it_still_copies", || {
        let rt = runtime(1);
        rt.run(|| {
            let ((mut from, mut source), (mut to, mut sink)) = (pair(), pair());
            let (mut file_from, to_file) = (full(), file(b""));
            // A first wait may need a descriptor for the poller; from then on there is none.
            let warm = marmot::go(|| {
                let (mut near, far) = pair();
                let reader = marmot::go(move || near.read(&mut [0]));
                (&far).write_all(b"x").unwrap();
                reader.join().unwrap().unwrap();
            });
            warm.join().unwrap();
            let maximum = getrlimit(Resource::Nofile).maximum;
            setrlimit(Resource::Nofile, Rlimit { current: Some(open_descriptors() as u64), maximum }).unwrap();
            let mut taken = vec![];
            while let Ok(file) = File::open("/dev/null") {
                taken.push(file);
            }

            let copy = marmot::go(move || copy_n(&mut from, &mut to, 3 << 20).unwrap());
            until(|| copy.goroutine().wait_reason() == Some(WaitReason::IoRead));
            let bytes = noise((3 << 20) + 5, 2);
            let sent = bytes.clone();
            let writer = marmot::go(move || source.write_all(&sent).unwrap());
            let mut arrived = vec![0; 3 << 20];
            sink.read_exact(&mut arrived).unwrap();
            assert!(arrived == bytes[..3 << 20]);
            assert_eq!(copy.join().unwrap(), 3 << 20);
            writer.join().unwrap();
            assert_eq!(marmot::io::copy(&mut file_from, &mut &to_file).unwrap(), LENGTH as u64);
            assert_eq!(contents(&to_file), BYTES);
            drop(taken);
        });
    });
    child.assert_success();
}
