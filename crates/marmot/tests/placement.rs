//! Connections are spread over the Ms, whether they come at once or one by one.

mod common;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, ThreadId};

use common::{LIMIT, listener, with_procs};
use marmot::JoinHandle;
use marmot::net::{TcpListener, TcpStream};

const CONNECTIONS: usize = 64;

/// Serves each connection by a goroutine of its own, which says where it runs and then idles until the peer has gone.
fn serve(listener: TcpListener, count: usize, seen: Sender<ThreadId>) -> JoinHandle<()> {
    marmot::go(move || {
        for conn in listener.incoming().take(count) {
            let seen = seen.clone();
            marmot::go(move || {
                let mut conn = conn.unwrap();
                seen.send(thread::current().id()).unwrap();
                conn.write_all(b"!").unwrap();
                while !matches!(conn.read(&mut [0; 8]), Ok(0) | Err(_)) {}
            });
        }
    })
}

/// Asserts that no M serves more than one and a half times as many as the mean.
#[track_caller]
fn assert_spread(procs: usize, seen: &Receiver<ThreadId>, count: usize) {
    let mut served: HashMap<ThreadId, usize> = HashMap::new();
    for _ in 0..count {
        *served.entry(seen.recv_timeout(LIMIT).unwrap()).or_default() += 1;
    }
    let most = served.values().copied().max().unwrap();
    assert!(most * procs * 2 <= count * 3, "on {procs} Ps, of {count}: {:?}", served.values());
}

/// Waits until the connection is being served.
fn greet(conn: &mut TcpStream) {
    conn.read_exact(&mut [0]).unwrap();
}

#[test]
fn one_by_one() {
    for procs in [2, 4] {
        with_procs(procs, move || {
            let listener = listener();
            let addr = listener.local_addr().unwrap();
            let (tell, seen) = channel();
            let server = serve(listener, CONNECTIONS, tell);
            let mut kept = vec![];
            for _ in 0..CONNECTIONS {
                let mut conn = TcpStream::connect(addr).unwrap();
                greet(&mut conn);
                kept.push(conn);
            }
            server.join().unwrap();
            assert_spread(procs, &seen, CONNECTIONS);
        });
    }
}

#[test]
fn in_a_burst() {
    for procs in [2, 4] {
        with_procs(procs, move || {
            let listener = listener();
            let addr = listener.local_addr().unwrap();
            let (tell, seen) = channel();
            // All of them are in the queue before the first is accepted.
            let mut kept: Vec<_> = (0..CONNECTIONS).map(|_| TcpStream::connect(addr).unwrap()).collect();
            let server = serve(listener, CONNECTIONS, tell);
            kept.iter_mut().for_each(greet);
            server.join().unwrap();
            assert_spread(procs, &seen, CONNECTIONS);
        });
    }
}

#[test]
fn from_a_plain_thread_that_accepts() {
    for procs in [2, 4] {
        common::bounded(move || {
            let rt = common::runtime(procs);
            let listener = listener();
            let addr = listener.local_addr().unwrap();
            let (tell, seen) = channel();
            let kept = thread::spawn(move || {
                let connect = |_| TcpStream::connect(addr).map(|mut conn| greet(&mut conn)).unwrap();
                (0..CONNECTIONS).for_each(connect);
            });
            let mut served = vec![];
            for conn in listener.incoming().take(CONNECTIONS) {
                let tell = tell.clone();
                served.push(rt.go(move || {
                    let mut conn = conn.unwrap();
                    tell.send(thread::current().id()).unwrap();
                    conn.write_all(b"!").unwrap();
                    // Idle until the end of the test.
                    marmot::park();
                }));
            }
            assert_spread(procs, &seen, CONNECTIONS);
            served.iter().for_each(|handle| handle.goroutine().unpark());
            kept.join().unwrap();
            rt.shutdown(LIMIT).unwrap();
        });
    }
}

/// Those that end make room: what comes later goes where they were.
#[test]
fn after_some_have_ended() {
    with_procs(4, || {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let (tell, seen) = channel();
        let server = serve(listener, 2 * CONNECTIONS, tell);
        let connect = |_| {
            let mut conn = TcpStream::connect(addr).unwrap();
            greet(&mut conn);
            conn
        };
        let first: Vec<_> = (0..CONNECTIONS).map(connect).collect();
        assert_spread(4, &seen, CONNECTIONS);
        drop(first);
        let _second: Vec<_> = (0..CONNECTIONS).map(connect).collect();
        server.join().unwrap();
        assert_spread(4, &seen, CONNECTIONS);
    });
}

/// Connections that were sent to an M which is stuck in a goroutine are served by another.
#[test]
fn a_stuck_m_keeps_no_connection_waiting() {
    let (started, release) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    with_procs(2, move || {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let (tell, seen) = channel();
        let (begun, ended) = (Arc::clone(&started), Arc::clone(&release));
        let stuck = marmot::go(move || {
            begun.store(true, SeqCst);
            while !ended.load(SeqCst) {
                thread::yield_now();
            }
        });
        // This goroutine does not park meanwhile, so the other M is the one that is stuck.
        while !started.load(SeqCst) {
            thread::yield_now();
        }
        let server = serve(listener, CONNECTIONS, tell);
        let mut kept: Vec<_> = (0..CONNECTIONS).map(|_| TcpStream::connect(addr).unwrap()).collect();
        kept.iter_mut().for_each(greet);
        server.join().unwrap();
        let here = thread::current().id();
        assert!((0..CONNECTIONS).all(|_| seen.recv_timeout(LIMIT).unwrap() == here));
        release.store(true, SeqCst);
        stuck.join().unwrap();
    });
}
