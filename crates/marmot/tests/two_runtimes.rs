//! Connections that outlive the runtime in whose poller they were, and are used in another.
//!
//! Each test has the process for itself: a runtime that is shut down lets all that waits look around, and would hide a loss.

mod common;

use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::Duration;

use common::{Place, alone, bounded, listener, pair, runtime, until};
use marmot::net::TcpStream;
use marmot::{Runtime, WaitReason};

/// Shuts a runtime down in which nothing is left to do.
fn shut_down(runtime: Runtime) {
    runtime.shutdown(Duration::from_secs(120)).unwrap();
}

/// A connection that a goroutine of a runtime has waited for, which was shut down then; and its peer.
fn orphan() -> (TcpStream, TcpStream) {
    // The accepted end: to connect, the other one has been in a poller of the default runtime.
    let (mut far, near) = pair();
    let first = runtime(1);
    let near = waits_once(&first, near, &mut far);
    shut_down(first);
    (near, far)
}

/// Lets a goroutine of `runtime` wait for a byte, so that the connection is in its poller.
fn waits_once(runtime: &Runtime, mut near: TcpStream, far: &mut TcpStream) -> TcpStream {
    let reader = runtime.go(move || {
        near.read_exact(&mut [0]).unwrap();
        near
    });
    until(|| reader.goroutine().wait_reason() == Some(WaitReason::IoRead));
    far.write_all(b"0").unwrap();
    reader.join().unwrap()
}

#[test]
fn a_read_in_another_runtime_is_woken() {
    let _alone = alone();
    bounded(|| {
        let (mut near, mut far) = orphan();
        let runtime = runtime(1);
        let reader = runtime.go(move || {
            let mut byte = [0];
            near.read_exact(&mut byte).unwrap();
            byte[0]
        });
        until(|| reader.goroutine().wait_reason() == Some(WaitReason::IoRead));
        far.write_all(b"x").unwrap();
        assert_eq!(reader.join().unwrap(), b'x');
        shut_down(runtime);
    });
}

#[test]
fn a_goroutine_without_a_stack_starts_in_another_runtime() {
    let _alone = alone();
    bounded(|| {
        let (near, mut far) = orphan();
        let runtime = runtime(1);
        let read =
            runtime.go(move || near.go_when_readable(|mut near| near.read(&mut [0; 2]).unwrap())).join().unwrap();
        far.write_all(b"x").unwrap();
        assert_eq!(read.join().unwrap(), 1);
        shut_down(runtime);
    });
}

#[test]
fn a_plain_thread_takes_a_connection_over() {
    let _alone = alone();
    bounded(|| {
        let (mut near, mut far) = orphan();
        let reader = Place::Threads.start(move || near.read(&mut [0; 2]).unwrap());
        reader.until_waiting(WaitReason::IoRead);
        far.write_all(b"x").unwrap();
        assert_eq!(reader.join(), 1);
    });
}

#[test]
fn a_listener_is_taken_over() {
    let _alone = alone();
    bounded(|| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let first = runtime(1);
        let accepting = first.go(move || {
            listener.accept().unwrap();
            listener
        });
        until(|| accepting.goroutine().wait_reason() == Some(WaitReason::IoRead));
        drop(std::net::TcpStream::connect(addr).unwrap());
        let listener = accepting.join().unwrap();
        shut_down(first);
        let second = runtime(1);
        let accepting = second.go(move || listener.accept().map(drop));
        until(|| accepting.goroutine().wait_reason() == Some(WaitReason::IoRead));
        let conn = std::net::TcpStream::connect(addr).unwrap();
        accepting.join().unwrap().unwrap();
        drop(conn);
        shut_down(second);
    });
}

/// A runtime that shuts down while goroutines of another begin to wait for what was in its poller.
#[test]
fn a_shutdown_races_with_waits_elsewhere() {
    let _alone = alone();
    bounded(|| {
        let reading = runtime(1);
        for _ in 0..200 {
            let (mut far, near) = pair();
            let dying = runtime(1);
            let near = waits_once(&dying, near, &mut far);
            let reader = reading.go(move || (&near).read(&mut [0; 2]).unwrap());
            shut_down(dying);
            far.write_all(b"x").unwrap();
            assert_eq!(reader.join().unwrap(), 1);
        }
        shut_down(reading);
    });
}

/// A goroutine of `runtime` that waits for `reason` to read a byte of `conn`.
fn waits_to_read(runtime: &Runtime, conn: &TcpStream, reason: WaitReason) -> marmot::JoinHandle<usize> {
    let mut conn = conn.try_clone().unwrap();
    let waits = runtime.go(move || conn.read(&mut [0]).unwrap_or(0));
    until(|| waits.goroutine().wait_reason() == Some(reason));
    waits
}

#[test]
fn turns_pass_by_who_does_not_go_on() {
    let _alone = alone();
    bounded(|| {
        let (near, mut far) = pair();
        let (ending, staying) = (runtime(1), runtime(1));
        let reader = waits_to_read(&staying, &near, WaitReason::IoRead);
        let _lost = [(); 2].map(|()| waits_to_read(&ending, &near, WaitReason::IoTurn));
        let waits = waits_to_read(&staying, &near, WaitReason::IoTurn);
        // They hear of it, and may have ended by then.
        let _ = ending.shutdown(Duration::ZERO);
        far.write_all(b"xy").unwrap();
        assert_eq!((reader.join().unwrap(), waits.join().unwrap()), (1, 1));
        shut_down(staying);
    });
}

#[test]
fn a_turn_given_to_who_does_not_go_on_passes_to_the_next() {
    let _alone = alone();
    bounded(|| {
        let (near, mut far) = pair();
        let (ending, staying) = (runtime(1), runtime(1));
        let reader = waits_to_read(&staying, &near, WaitReason::IoRead);
        let _lost = waits_to_read(&ending, &near, WaitReason::IoTurn);
        let waits = waits_to_read(&staying, &near, WaitReason::IoTurn);
        // Its M is busy, so who has the turn next does not get to run.
        let (tell, told) = mpsc::channel();
        let (let_go, wait) = mpsc::channel::<()>();
        let _busy = ending.go(move || {
            tell.send(()).unwrap();
            wait.recv().unwrap();
        });
        told.recv().unwrap();
        far.write_all(b"x").unwrap();
        assert_eq!(reader.join().unwrap(), 1);
        ending.shutdown(Duration::ZERO).unwrap_err();
        let_go.send(()).unwrap();
        far.write_all(b"y").unwrap();
        assert_eq!(waits.join().unwrap(), 1);
        shut_down(staying);
    });
}

#[test]
fn who_reads_when_its_runtime_is_dropped_gives_its_turn_up() {
    let _alone = alone();
    bounded(|| {
        let (near, mut far) = pair();
        let staying = runtime(1);
        for limited in [false, true] {
            near.set_read_timeout(limited.then_some(Duration::from_secs(3600))).unwrap();
            let ending = runtime(1);
            let _reader = waits_to_read(&ending, &near, WaitReason::IoRead);
            let waits = waits_to_read(&staying, &near, WaitReason::IoTurn);
            drop(ending);
            far.write_all(b"x").unwrap();
            assert_eq!(waits.join().unwrap(), 1);
        }
        shut_down(staying);
    });
}
