//! That it is the kernel that copies, and what becomes of a copy that the kernel refuses.
//!
//! A copy by reading and writing borrows a large buffer, and one by the kernel a small one at most: the pools of buffers tell. Each test of that runs in a
//! process of its own.

#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Instant;

use common::{
    Place, bounded, contents, everywhere, file, in_child, listener, noise, open_descriptors, pair, runtime, until,
    with_procs,
};
use marmot::WaitReason;
use marmot::io::{copy, copy_buffer, copy_counted, copy_n};
use marmot::net::TcpStream;
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;

/// As large as no buffer is but one to copy through.
const LARGE: usize = 32 * 1024;

/// How many buffers `f` borrows to copy through. All threads count, so the process does nothing else meanwhile.
fn buffers(f: impl FnOnce()) -> usize {
    let is_large = |name: &str| {
        name.strip_prefix("lease ").is_some_and(|size| size.parse().is_ok_and(|size: usize| size >= LARGE))
    };
    let borrowed = || {
        let leases = marmot::pool::stats().into_iter().filter(|pool| is_large(pool.name));
        leases.map(|pool| (pool.hits + pool.steals + pool.misses) as usize).sum::<usize>()
    };
    let before = borrowed();
    f();
    borrowed() - before
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
fn assert_by_kernel<R: Read>(reader: impl Fn() -> R) {
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
    let child = in_child("what_is_known_is_copied_by_the_kernel", || {
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
    child.assert_success();
}

#[test]
fn references_and_the_other_functions_are_no_different() {
    let child = in_child("references_and_the_other_functions_are_no_different", || {
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
    child.assert_success();
}

#[test]
fn what_is_not_known_takes_a_buffer() {
    let child = in_child("what_is_not_known_takes_a_buffer", || {
        let (to, mut memory) = (file(b""), Vec::with_capacity(LENGTH));
        assert_eq!(buffers(|| assert_eq!(copy(&mut &*BYTES, &mut &to).unwrap(), LENGTH as u64)), 1);
        assert_eq!(buffers(|| assert_eq!(copy(&mut full(), &mut memory).unwrap(), LENGTH as u64)), 1);
        assert_eq!(buffers(|| assert_eq!(copy(&mut full().chain(&b""[..]), &mut &to).unwrap(), LENGTH as u64)), 1);
    });
    child.assert_success();
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

/// The reads of what the kernel does not send hold up nobody: here they wait for a goroutine of the same M.
#[test]
fn what_cannot_be_sent_is_read_elsewhere() {
    with_procs(1, || {
        let (from, to) = rustix::pipe::pipe().unwrap();
        let (mut from, mut to) = (File::from(from), File::from(to));
        let (mut conn, mut peer) = pair();
        let copier = marmot::go(move || copy(&mut from, &mut conn).unwrap());
        // It has been waiting for bytes since.
        until(|| copier.goroutine().wait_reason().is_some());
        to.write_all(b"some bytes").unwrap();
        drop(to);
        assert_eq!(copier.join().unwrap(), 10);
        let mut text = String::new();
        peer.read_to_string(&mut text).unwrap();
        assert_eq!(text, "some bytes");
    });
}

/// How many ends of pipes this process has open.
fn pipe_ends() -> usize {
    pipe_descriptors().count()
}

/// The numbers of the descriptors that are ends of pipes.
fn pipe_descriptors() -> impl Iterator<Item = u64> {
    let entries = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap());
    let pipes =
        entries.filter(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("pipe:")));
    pipes.map(|entry| entry.file_name().to_string_lossy().parse().unwrap())
}

/// How many pipes a thread keeps at most.
const KEPT: usize = 4;

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

/// A connection to which `piece`, an urgent byte and `piece` once more have been sent; and its peer.
fn with_an_urgent_byte(piece: &[u8]) -> (TcpStream, TcpStream) {
    let (near, far) = pair();
    (&far).write_all(piece).unwrap();
    assert_eq!(SockRef::from(&far).send_out_of_band(b"!").unwrap(), 1);
    (&far).write_all(piece).unwrap();
    (near, far)
}

/// Where a copy ends, and what has arrived there.
trait Sink: Write + Sized {
    fn new() -> (Self, impl FnOnce(usize) -> Vec<u8> + Send);
}

impl Sink for TcpStream {
    fn new() -> (TcpStream, impl FnOnce(usize) -> Vec<u8> + Send) {
        let (near, mut far) = pair();
        let receive = move |count| {
            let mut bytes = vec![0; count];
            far.read_exact(&mut bytes).unwrap();
            bytes
        };
        (near, receive)
    }
}

impl Sink for File {
    fn new() -> (File, impl FnOnce(usize) -> Vec<u8> + Send) {
        let to = file(b"");
        let handle = to.try_clone().unwrap();
        (to, move |_| contents(&handle))
    }
}

/// Asserts that bytes around an urgent one are copied, to the end and in number.
fn assert_passes_an_urgent_byte<S: Sink>(length: usize) {
    let piece = noise(length, 9);
    let expected = piece.repeat(2);

    let (mut from, source) = with_an_urgent_byte(&piece);
    source.shutdown(Shutdown::Write).unwrap();
    let (mut to, receive) = S::new();
    assert_eq!(copy(&mut from, &mut to).unwrap(), expected.len() as u64);
    assert!(receive(expected.len()) == expected, "to the end");

    // The source has not ended: the copy would wait for ever at the mark.
    let (mut from, _source) = with_an_urgent_byte(&piece);
    let (mut to, receive) = S::new();
    assert_eq!(copy_n(&mut from, &mut to, expected.len() as u64).unwrap(), expected.len() as u64);
    assert!(receive(expected.len()) == expected, "in number");
}

#[test]
fn an_urgent_byte_is_left_out_and_ends_nothing() {
    everywhere(|_| {
        // By a buffer alone, and by pipes.
        for length in [3_000, 100_000] {
            assert_passes_an_urgent_byte::<TcpStream>(length);
            assert_passes_an_urgent_byte::<File>(length);
        }
    });
}

#[test]
fn an_urgent_byte_that_comes_during_a_wait_is_left_out() {
    everywhere(|place| {
        let ((mut from, mut source), (mut to, mut sink)) = (pair(), pair());
        let copy = place.start(move || copy(&mut from, &mut to).unwrap());
        let (bytes, mut arrived) = (noise(100_000, 3), vec![0; 100_000]);
        for _ in 0..3 {
            source.write_all(&bytes).unwrap();
            sink.read_exact(&mut arrived).unwrap();
            assert!(arrived == bytes);
            copy.until_waiting(WaitReason::IoRead);
            SockRef::from(&source).send_out_of_band(b"!").unwrap();
        }
        source.shutdown(Shutdown::Write).unwrap();
        assert_eq!(copy.join(), 300_000);
    });
}

#[test]
fn across_file_systems_others_have_their_turn() {
    // There is one M, so another goroutine sees the middle of a copy only if that is on a spare thread.
    with_procs(1, || {
        const MANY: usize = 32 << 20;
        let mut from = File::from(rustix::fs::memfd_create("copy", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
        from.set_len(MANY as u64).unwrap();
        let to = file(b"");
        let mut handle = to.try_clone().unwrap();
        let copy = marmot::go(move || copy(&mut from, &mut handle).unwrap());
        let mut is_seen = false;
        while !copy.is_finished() {
            is_seen |= (1..MANY as u64).contains(&to.metadata().unwrap().len());
            marmot::yield_now();
        }
        assert_eq!(copy.join().unwrap(), MANY as u64);
        assert!(is_seen);
    });
}

#[test]
fn a_file_that_is_waited_for_holds_nobody_up() {
    with_procs(1, || {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let (mut reader, mut writer) = (File::from(reader), File::from(writer));
        let to = file(b"");
        let mut handle = to.try_clone().unwrap();
        let copy = marmot::go(move || copy(&mut reader, &mut handle).unwrap());
        until(|| copy.goroutine().wait_reason() == Some(WaitReason::Blocking));
        writer.write_all(b"it goes on").unwrap();
        // What has come is in the file before more does.
        until(|| to.metadata().unwrap().len() == 10);
        drop(writer);
        assert_eq!(copy.join().unwrap(), 10);
        assert_eq!(contents(&to), b"it goes on");
    });
}

#[test]
fn what_was_read_ahead_is_written_to_a_file_without_holding_anybody_up() {
    with_procs(1, || {
        // A pipe for a file, with less room than there is to be written.
        let (drain, to) = rustix::pipe::pipe().unwrap();
        fcntl_setpipe_size(&to, 4096).unwrap();
        let (mut drain, mut to) = (File::from(drain), File::from(to));
        let mut from = BufReader::with_capacity(LENGTH, full());
        until(|| from.get_ref().peek(&mut [0; 10_000]).unwrap() == 10_000);
        std::io::BufRead::fill_buf(&mut from).unwrap();
        let copy = marmot::go(move || copy(&mut from, &mut to).unwrap());
        until(|| copy.goroutine().wait_reason() == Some(WaitReason::Blocking));
        // On a thread, for reading it blocks.
        let receiver = Place::Threads.start(move || marmot::io::read_all(&mut drain).unwrap());
        assert_eq!(copy.join().unwrap(), LENGTH as u64);
        assert_eq!(receiver.join(), BYTES);
    });
}

#[test]
fn the_end_of_a_file_needs_no_turn_of_the_writers() {
    everywhere(|place| {
        let (near, far) = pair();
        let mut writer = near.try_clone().unwrap();
        let writing = place.start(move || while writer.write_all(&[7; 1 << 16]).is_ok() {});
        writing.until_waiting(WaitReason::IoWrite);
        // The other goroutine has the turn, and keeps it.
        let mut from = file(BYTES);
        std::io::Seek::seek(&mut from, std::io::SeekFrom::End(0)).unwrap();
        assert_eq!(copy(&mut from, &mut &near).unwrap(), 0);
        drop(far);
        writing.join();
    });
}

#[test]
fn a_file_that_grows_meanwhile_is_sent_to_its_end() {
    everywhere(|place| {
        const MANY: usize = 20 << 20;
        let bytes = noise(MANY, 5);
        let ((mut to, mut sink), from) = (pair(), file(&bytes));
        let mut handle = from.try_clone().unwrap();
        let copy = place.start(move || {
            let count = copy(&mut handle, &mut to).unwrap();
            to.shutdown(Shutdown::Write).unwrap();
            count
        });
        copy.until_waiting(WaitReason::IoWrite);
        std::os::unix::fs::FileExt::write_all_at(&from, BYTES, MANY as u64).unwrap();
        assert!(marmot::io::read_all(&mut sink).unwrap() == [&bytes, BYTES].concat());
        assert_eq!(copy.join(), (MANY + LENGTH) as u64);
    });
}

#[test]
fn pipes_that_are_kept_are_no_shortage_of_descriptors() {
    let child = in_child("pipes_that_are_kept_are_no_shortage_of_descriptors", || {
        let rt = runtime(1);
        rt.run(|| {
            let (before, listener) = (pipe_ends(), listener());
            copy(&mut full(), &mut file(b"")).unwrap();
            assert_eq!(pipe_ends(), before + 2);
            let maximum = getrlimit(Resource::Nofile).maximum;
            // The limit is one of numbers, and those of the pipe shall be good for something else.
            let current = pipe_descriptors().max().map(|last| last + 1);
            setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
            let mut taken = vec![];
            while let Ok(file) = File::open("/dev/null") {
                taken.push(file);
            }
            // Who finds that there is none left gives back what is kept, for the next try.
            assert!(TcpStream::connect(listener.local_addr().unwrap()).is_err());
            assert!(TcpStream::connect(listener.local_addr().unwrap()).is_ok());
            drop(taken);
            assert_eq!(pipe_ends(), before);
        });
    });
    child.assert_success();
}

/// Whether there is a thread for calls that block. It stays for some seconds.
fn has_spare_thread() -> bool {
    let names = fs::read_dir("/proc/self/task").unwrap().map(|entry| fs::read(entry.unwrap().path().join("comm")));
    names.flatten().any(|name| name.starts_with(b"marmot-blocking"))
}

#[test]
fn what_has_left_the_memory_during_a_wait_is_not_read_on_the_m() {
    let child = in_child("what_has_left_the_memory_during_a_wait_is_not_read_on_the_m", || {
        let rt = runtime(1);
        rt.run(|| {
            const SHORT: usize = 4096;
            let mut from = File::from(rustix::fs::memfd_create("copy", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
            from.write_all(&[7; SHORT]).unwrap();
            std::io::Seek::rewind(&mut from).unwrap();
            let (near, mut far) = pair();
            near.set_nonblocking(true).unwrap();
            let mut filled = 0;
            while let Ok(count) = (&near).write(&[0; 1 << 16]) {
                filled += count;
            }
            near.set_nonblocking(false).unwrap();
            let (mut handle, mut to) = (from.try_clone().unwrap(), near.try_clone().unwrap());
            let copy = marmot::go(move || copy(&mut handle, &mut to).unwrap());
            until(|| copy.goroutine().wait_reason() == Some(WaitReason::IoWrite));
            if has_spare_thread() {
                eprintln!("skipped: this system does not tell what is in memory");
                return;
            }
            // A hole has no page, as little as what was evicted.
            let flags = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
            rustix::fs::fallocate(&from, flags, 0, SHORT as u64).unwrap();
            let mut arrived = vec![0; filled + SHORT];
            far.read_exact(&mut arrived).unwrap();
            assert_eq!(copy.join().unwrap(), SHORT as u64);
            assert!(has_spare_thread());
        });
    });
    child.assert_success();
}
