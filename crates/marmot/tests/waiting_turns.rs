//! Those that wait for others at a connection, while the one whose turn it is waits for something that the connection knows nothing of: a
//! spare thread that reads a file.
#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use common::{
    LIMIT, Place, Started, alone, assert_fails, assert_times_out, bounded, listener, ms, pair, pair_at, until,
    with_procs,
};
use marmot::context::{self, Context};
use marmot::net::TcpStream;
use marmot::{JoinHandle, Runtime, WaitReason};

/// How many bytes are in the file.
const SIZE: usize = 4096;

/// A runtime with one spare thread, which is taken until the sender is dropped.
fn with_its_thread_taken() -> (Runtime, mpsc::Sender<()>) {
    let rt = Runtime::builder().procs(1).max_blocking_threads(1).build().unwrap();
    let (let_go, wait) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    rt.go(move || {
        marmot::blocking(move || {
            tell.send(()).unwrap();
            let _ = wait.recv();
        });
    });
    told.recv_timeout(LIMIT).unwrap();
    (rt, let_go)
}

/// Begins to send a file that is not in memory, and so has its turn to write until there is a spare thread.
fn send(rt: &Runtime, near: &TcpStream) -> JoinHandle<io::Result<u64>> {
    let memory = rustix::fs::memfd_create("hole", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let mut hole = File::from(memory);
    hole.set_len(SIZE as u64).unwrap();
    let mut to = near.try_clone().unwrap();
    let copy = rt.go(move || marmot::io::copy(&mut hole, &mut to));
    until(|| copy.goroutine().wait_reason() == Some(WaitReason::Blocking));
    copy
}

/// Runs `test` while the turn to write of a connection is held up; on 1, 2 and 8 Ps, and on plain threads.
fn held_up(test: fn(Place, &TcpStream)) {
    for procs in [Some(1), Some(2), Some(8), None] {
        bounded(move || {
            let (rt, let_go) = with_its_thread_taken();
            let (near, far) = pair();
            let copy = send(&rt, &near);
            let writer = near.try_clone().unwrap();
            match procs {
                Some(procs) => with_procs(procs, move || test(Place::Goroutines, &writer)),
                None => test(Place::Threads, &writer),
            }
            assert!(!copy.is_finished(), "the turn was held up to the end");
            drop(let_go);
            // It may find the connection closed, or the deadline past.
            let _ = copy.join().unwrap();
            drop(far);
            rt.shutdown(LIMIT).unwrap();
        });
    }
}

fn writes(place: Place, near: &TcpStream) -> Started<io::Result<()>> {
    let mut conn = near.try_clone().unwrap();
    let writer = place.start(move || conn.write_all(b"x"));
    writer.until_waiting(WaitReason::IoTurn);
    writer
}

#[test]
fn a_close_ends_them() {
    held_up(|place, near| {
        let writers = [(); 3].map(|()| writes(place, near));
        near.close().unwrap();
        for writer in writers {
            assert_fails(ErrorKind::NotConnected, writer.join());
        }
    });
}

#[test]
fn a_deadline_ends_them_whenever_it_is_set() {
    held_up(|place, mut near| {
        let waiting = writes(place, near);
        near.set_write_deadline(Some(Instant::now() + LIMIT)).unwrap();
        let later = writes(place, near);
        assert!(!waiting.is_finished() && !later.is_finished());
        near.set_write_deadline(Some(Instant::now() + ms(1))).unwrap();
        assert_fails(ErrorKind::TimedOut, waiting.join());
        assert_fails(ErrorKind::TimedOut, later.join());
        // One that is past already, and one that is to come.
        assert_fails(ErrorKind::TimedOut, near.write(b"x"));
        near.set_write_deadline(Some(Instant::now() + ms(20))).unwrap();
        assert_fails(ErrorKind::TimedOut, near.write(b"x"));
        near.set_write_deadline(None).unwrap();
    });
}

#[test]
fn a_deadline_that_is_put_off_ends_nothing() {
    held_up(|place, near| {
        let soon = Instant::now() + ms(50);
        near.set_write_deadline(Some(soon)).unwrap();
        let waiting = writes(place, near);
        near.set_write_deadline(Some(Instant::now() + LIMIT)).unwrap();
        until(|| soon.elapsed() > ms(100));
        // On a machine that is busy its time may have come before it was put off.
        let has_failed = waiting.is_finished();
        near.close().unwrap();
        let error = waiting.join().unwrap_err();
        assert!(has_failed || error.kind() == ErrorKind::NotConnected, "{error}");
    });
}

#[test]
fn a_timeout_ends_them() {
    held_up(|_, mut near| {
        near.set_write_timeout(Some(ms(20))).unwrap();
        assert_times_out(ms(20), || near.write(b"x"));
        assert_times_out(ms(20), || near.write_all(b"x"));
        near.set_write_timeout(None).unwrap();
    });
}

#[test]
fn the_end_of_a_context_ends_them() {
    held_up(|place, near| {
        let (ctx, cancel) = Context::background().with_cancel();
        let mut conn = near.try_clone().unwrap();
        let writer = place.start(move || ctx.run(|| conn.write_all(b"x")));
        writer.until_waiting(WaitReason::IoTurn);
        cancel.cancel();
        let error = writer.join().unwrap_err();
        assert!(context::Error::of(&error).is_some(), "{error}");
    });
}

#[test]
fn the_shutdown_of_their_runtime_ends_them() {
    bounded(|| {
        let (rt, let_go) = with_its_thread_taken();
        let (near, _far) = pair();
        let copy = send(&rt, &near);
        let ending = common::runtime(2);
        let mut conn = near.try_clone().unwrap();
        let writer = ending.go(move || conn.write_all(b"x"));
        until(|| writer.goroutine().wait_reason() == Some(WaitReason::IoTurn));
        ending.shutdown(LIMIT).unwrap();
        writer.join().unwrap().unwrap_err();
        drop(let_go);
        assert_eq!(copy.join().unwrap().unwrap(), SIZE as u64);
        rt.shutdown(LIMIT).unwrap();
    });
}

/// A deadline that comes sooner has those that wait look at it; they have their turns in the order in which they came all the same.
#[test]
fn those_that_queue_up_again_keep_their_order() {
    bounded(|| {
        let (rt, let_go) = with_its_thread_taken();
        let (near, mut far) = pair();
        let copy = send(&rt, &near);
        with_procs(2, move || {
            let writers: Vec<_> = (0..8)
                .map(|number| {
                    let mut conn = near.try_clone().unwrap();
                    let writer = marmot::go(move || conn.write_all(&[b'0' + number]).unwrap());
                    until(|| writer.goroutine().wait_reason() == Some(WaitReason::IoTurn));
                    let sooner = LIMIT * 2 - Duration::from_secs(number.into());
                    near.set_write_deadline(Some(Instant::now() + sooner)).unwrap();
                    writer
                })
                .collect();
            until(|| writers.iter().all(|one| one.goroutine().wait_reason() == Some(WaitReason::IoTurn)));
            drop(let_go);
            writers.into_iter().for_each(|writer| writer.join().unwrap());
        });
        assert_eq!(copy.join().unwrap().unwrap(), SIZE as u64);
        let mut all = [0; SIZE + 8];
        far.read_exact(&mut all).unwrap();
        assert_eq!(&all[SIZE..], b"01234567");
        rt.shutdown(LIMIT).unwrap();
    });
}

/// The runtime stops while a spare thread is to send a file. The turn is given up once the thread has done with the connection.
#[test]
fn a_stopped_runtime_gives_up_its_turn() {
    let _alone = alone();
    for place in [Place::Goroutines, Place::Threads] {
        bounded(move || {
            let listener = listener();
            let (stopping, let_go) = with_its_thread_taken();
            let (near, mut far) = pair_at(&listener);
            let near = Arc::new(near);
            send(&stopping, &near);
            stopping.shutdown(ms(0)).unwrap_err();
            with_procs(2, move || {
                let theirs = Arc::clone(&near);
                let writer = place.start(move || (&*theirs).write_all(b"after it"));
                writer.until_waiting(WaitReason::IoTurn);
                assert!(!writer.is_finished(), "a thread may still send the file");
                drop(let_go);
                writer.join().unwrap();
                near.shutdown(std::net::Shutdown::Write).unwrap();
                let mut all = Vec::new();
                far.read_to_end(&mut all).unwrap();
                assert_eq!(all.len(), SIZE + 8);
                assert_eq!(&all[SIZE..], b"after it");
            });
        });
    }
}
