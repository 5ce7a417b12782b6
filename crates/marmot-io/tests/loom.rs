//! The model of the pipe: `src/pipe/shared.rs` itself, with callers that loom parks.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p marmot-io --release --test loom`.

#![cfg(loom)]

#[path = "../src/primitive.rs"]
mod primitive;
#[path = "../src/pipe/reason.rs"]
mod reason;
#[path = "../src/pipe/shared.rs"]
mod shared;

use std::io;
use std::time::Instant;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom::thread::{self, JoinHandle, Thread};
use marmot_buf::Park;

use self::shared::{End, Shared};

/// Parks loom's threads, of which some are cancelled.
struct Modelled;

/// A thread, and whether its next park fails.
#[derive(Clone)]
struct Caller {
    thread: Thread,
    is_cancelled: Arc<AtomicBool>,
}

loom::thread_local! {
    static CURRENT: Caller = Caller { thread: thread::current(), is_cancelled: Arc::new(AtomicBool::new(false)) };
}

impl Park for Modelled {
    type Handle = Caller;

    fn current() -> Caller {
        CURRENT.with(Caller::clone)
    }

    fn park(_: Option<Instant>) -> io::Result<()> {
        thread::park();
        let is_cancelled = CURRENT.with(|caller| caller.is_cancelled.load(Relaxed));
        if is_cancelled { Err(io::Error::other("cancelled")) } else { Ok(()) }
    }

    fn unpark(caller: &Caller) {
        caller.thread.unpark();
    }
}

/// Tries all orders with up to four preemptions in a run, for there are too many without a bound.
/// `LOOM_MAX_PREEMPTIONS` sets another one.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(4));
    builder.check(model);
}

type Pipe = Arc<Shared<Modelled>>;

fn pipe(chunk: usize) -> Pipe {
    Arc::new(Shared::new(chunk))
}

fn reading(pipe: &Pipe, room: usize) -> JoinHandle<io::Result<Vec<u8>>> {
    let pipe = Arc::clone(pipe);
    thread::spawn(move || read(&pipe, room))
}

fn read(pipe: &Pipe, room: usize) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; room];
    let count = pipe.read(&mut buf)?;
    buf.truncate(count);
    Ok(buf)
}

fn writing(pipe: &Pipe, bytes: &'static [u8]) -> JoinHandle<io::Result<usize>> {
    let pipe = Arc::clone(pipe);
    thread::spawn(move || pipe.write(bytes))
}

#[test]
fn a_write_in_two_chunks_meets_its_reads() {
    explore(|| {
        let pipe = pipe(2);
        let write = writing(&pipe, b"abc");
        let all = [read(&pipe, 8).unwrap(), read(&pipe, 8).unwrap()];
        assert_eq!(all, [&b"ab"[..], b"c"]);
        assert_eq!(write.join().unwrap().unwrap(), 3);
    });
}

#[test]
fn the_bytes_of_two_writers_stay_together() {
    explore(|| {
        let pipe = pipe(8);
        let writes = [writing(&pipe, b"aa"), writing(&pipe, b"bb")];
        let all = [read(&pipe, 1), read(&pipe, 1), read(&pipe, 8)].map(Result::unwrap).concat();
        assert!(all == b"aabb" || all == b"bbaa");
        for write in writes {
            assert_eq!(write.join().unwrap().unwrap(), 2);
        }
    });
}

#[test]
fn the_chunks_of_two_writers_stay_together() {
    explore(|| {
        let pipe = pipe(1);
        let write = writing(&pipe, b"aa");
        let reading = {
            let pipe = Arc::clone(&pipe);
            thread::spawn(move || [(); 4].map(|()| read(&pipe, 1).unwrap()).concat())
        };
        assert_eq!(pipe.write(b"bb").unwrap(), 2);
        assert_eq!(write.join().unwrap().unwrap(), 2);
        let all = reading.join().unwrap();
        assert!(all == b"aabb" || all == b"bbaa");
    });
}

#[test]
fn the_bytes_of_one_write_go_to_two_readers() {
    explore(|| {
        let pipe = pipe(8);
        let reads = [reading(&pipe, 1), reading(&pipe, 1)];
        assert_eq!(pipe.write(b"ab").unwrap(), 2);
        let mut all = reads.map(|read| read.join().unwrap().unwrap()).concat();
        all.sort_unstable();
        assert_eq!(all, b"ab");
    });
}

#[test]
fn closing_ends_every_wait_and_the_counts_agree() {
    explore(|| {
        let pipe = pipe(8);
        let (read, write) = (reading(&pipe, 1), writing(&pipe, b"ab"));
        pipe.close(End::Write, None);
        let read = read.join().unwrap().unwrap();
        match write.join().unwrap() {
            Ok(count) => assert_eq!((count, read.len()), (1, 1)),
            Err(error) => assert_eq!((error.kind(), read.len()), (io::ErrorKind::BrokenPipe, 0)),
        }
    });
}

#[test]
fn a_reader_that_gives_up_passes_the_wake_up_on() {
    explore(|| {
        let pipe = pipe(8);
        let gives_up = {
            let pipe = Arc::clone(&pipe);
            thread::spawn(move || {
                CURRENT.with(|caller| caller.is_cancelled.store(true, Relaxed));
                read(&pipe, 1).unwrap_or_default()
            })
        };
        let stays = reading(&pipe, 8);
        // This returns because one of them takes the byte, whoever was unparked for it.
        assert_eq!(pipe.write(b"a").unwrap(), 1);
        pipe.close(End::Write, None);
        assert_eq!([gives_up.join().unwrap(), stays.join().unwrap().unwrap()].concat(), b"a");
    });
}

#[test]
fn a_writer_that_gives_up_makes_room_for_the_next() {
    explore(|| {
        let pipe = pipe(8);
        let gives_up = {
            let pipe = Arc::clone(&pipe);
            thread::spawn(move || {
                CURRENT.with(|caller| caller.is_cancelled.store(true, Relaxed));
                // Somebody ends its park, as whoever cancels does.
                Modelled::unpark(&Modelled::current());
                pipe.write(b"a").is_ok()
            })
        };
        let write = writing(&pipe, b"b");
        let first = read(&pipe, 1).unwrap();
        if first == b"a" {
            assert!(gives_up.join().unwrap());
            assert_eq!(read(&pipe, 1).unwrap(), b"b");
        } else {
            // The other's byte has gone, or waits for a reader that never comes.
            pipe.close(End::Read, None);
            assert!(!gives_up.join().unwrap());
        }
        assert_eq!(write.join().unwrap().unwrap(), 1);
    });
}

#[test]
fn a_deadline_that_is_set_ends_the_waits_of_its_end() {
    explore(|| {
        let pipe = pipe(8);
        let read = reading(&pipe, 8);
        let write = writing(&pipe, b"a");
        pipe.set_deadline(End::Read, Some(Instant::now()));
        match read.join().unwrap() {
            Ok(bytes) => assert_eq!(bytes, b"a"),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                pipe.set_deadline(End::Read, None);
                assert_eq!(self::read(&pipe, 8).unwrap(), b"a");
            }
        }
        assert_eq!(write.join().unwrap().unwrap(), 1);
    });
}

#[test]
fn who_waits_for_bytes_leaves_them_to_who_reads() {
    explore(|| {
        let pipe = pipe(8);
        let waiting = {
            let pipe = Arc::clone(&pipe);
            thread::spawn(move || {
                pipe.wait_readable().unwrap();
                read(&pipe, 8).unwrap()
            })
        };
        let reading = reading(&pipe, 1);
        assert_eq!(pipe.write(b"ab").unwrap(), 2);
        pipe.close(End::Write, None);
        assert_eq!([waiting.join().unwrap(), reading.join().unwrap().unwrap()].concat().len(), 2);
    });
}
