//! `go_when_readable`: what starts a connection's goroutine, what does not, and on how many Ms.
//!
//! Each test has the process for itself: a runtime that is shut down lets all that waits look around.

mod common;

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use common::{
    LATE, LIMIT, alone, assert_times_out, bounded, everywhere, listener, ms, pair, reset, runtime, until, with_procs,
};
use marmot::net::TcpStream;
use marmot::{JoinHandle, WaitReason};

/// Lets it read once, when there is something.
fn first_read(conn: TcpStream) -> JoinHandle<Result<usize, ErrorKind>> {
    conn.go_when_readable(|mut conn| conn.read(&mut [0; 8]).map_err(|e| e.kind()))
}

/// Asserts that `handle`'s goroutine has not started, after everything that could start it by mistake has had its time.
#[track_caller]
fn assert_waits<T>(handle: &JoinHandle<T>) {
    marmot::sleep(ms(20));
    assert!(!handle.is_finished());
}

#[test]
fn bytes_start_it_and_nothing_before() {
    let _alone = alone();
    everywhere(|_| {
        let (near, mut far) = pair();
        let handle = first_read(near);
        assert_waits(&handle);
        far.write_all(b"word").unwrap();
        assert_eq!(handle.join().unwrap(), Ok(4));
    });
}

#[test]
fn bytes_that_are_there_start_it_at_once() {
    let _alone = alone();
    everywhere(|_| {
        let (near, mut far) = pair();
        far.write_all(b"word").unwrap();
        near.wait_readable().unwrap();
        assert_eq!(first_read(near).join().unwrap(), Ok(4));

        // Of a descriptor that no poller has seen yet, the first look tells.
        let (near, mut far) = pair();
        far.write_all(b"word").unwrap();
        assert_eq!(first_read(near).join().unwrap(), Ok(4));
    });
}

#[test]
fn the_end_and_a_reset_start_it() {
    let _alone = alone();
    everywhere(|_| {
        for waits in [false, true] {
            let (near, far) = pair();
            let handle = first_read(near);
            if waits {
                assert_waits(&handle);
            }
            drop(far);
            assert_eq!(handle.join().unwrap(), Ok(0));

            let (near, far) = pair();
            let handle = first_read(near);
            if waits {
                assert_waits(&handle);
            }
            reset(far);
            assert_eq!(handle.join().unwrap(), Err(ErrorKind::ConnectionReset));
        }
    });
}

#[test]
fn the_end_of_a_connection_that_is_drained_starts_it() {
    let _alone = alone();
    everywhere(|_| {
        let (near, mut far) = pair();
        far.write_all(b"all there is").unwrap();
        let handle = near.go_when_readable(|mut near| {
            assert_eq!(near.read(&mut [0; 64]).unwrap(), 12);
            first_read(near)
        });
        let handle = handle.join().unwrap();
        assert_waits(&handle);
        drop(far);
        assert_eq!(handle.join().unwrap(), Ok(0));
    });
}

#[test]
fn a_read_timeout_starts_it_and_the_first_read_says_so() {
    let _alone = alone();
    everywhere(|_| {
        let (near, mut far) = pair();
        near.set_read_timeout(Some(ms(40))).unwrap();
        let begun = Instant::now();
        let handle = near.go_when_readable(move |mut near| {
            let first = near.read(&mut [0; 8]).map_err(|e| e.kind());
            let started = Instant::now();
            // Only the first: the next read waits by itself.
            near.set_read_timeout(None).unwrap();
            far.write_all(b"more").unwrap();
            (first, started, near.read(&mut [0; 8]).unwrap())
        });
        let (first, started, second) = handle.join().unwrap();
        assert_eq!((first, second), (Err(ErrorKind::TimedOut), 4));
        assert!(started >= begun + ms(40) && started < begun + ms(40) + LATE);
    });
}

#[test]
fn a_read_deadline_starts_it_and_the_first_read_says_so() {
    let _alone = alone();
    everywhere(|_| {
        let (near, _far) = pair();
        let deadline = Instant::now() + ms(40);
        near.set_read_deadline(Some(deadline)).unwrap();
        let handle = near.go_when_readable(|mut near| (Instant::now(), near.read(&mut [0; 8]).map_err(|e| e.kind())));
        let (started, first) = handle.join().unwrap();
        assert_eq!(first, Err(ErrorKind::TimedOut));
        assert!(started >= deadline && started < deadline + LATE);

        // One that is past already.
        let (near, _far) = pair();
        near.set_read_deadline(Some(deadline)).unwrap();
        assert_eq!(first_read(near).join().unwrap(), Err(ErrorKind::TimedOut));
    });
}

#[test]
fn bytes_in_time_leave_no_timeout_behind() {
    let _alone = alone();
    everywhere(|_| {
        let (near, mut far) = pair();
        near.set_read_timeout(Some(LATE)).unwrap();
        let handle = first_read(near);
        assert_waits(&handle);
        far.write_all(b"word").unwrap();
        assert_eq!(handle.join().unwrap(), Ok(4));
    });
}

#[test]
fn a_timeout_of_an_earlier_wait_is_not_taken_for_this_one() {
    let _alone = alone();
    everywhere(|_| {
        let (near, mut far) = pair();
        near.set_read_timeout(Some(ms(5))).unwrap();
        assert_times_out(ms(5), || near.wait_readable());
        near.set_read_timeout(None).unwrap();
        far.write_all(b"word").unwrap();
        // The event is there, or the bytes are found by a look: in no case did this wait time out.
        assert_eq!(first_read(near).join().unwrap(), Ok(4));
    });
}

#[test]
fn another_deadline_does_not_start_it() {
    let _alone = alone();
    everywhere(|_| {
        let (near, mut far) = pair();
        let clone = near.try_clone().unwrap();
        let handle = first_read(near);
        for i in 0..500 {
            let deadline = (i % 3 != 0).then(|| Instant::now() + Duration::from_secs(100 + i));
            clone.set_read_deadline(deadline).unwrap();
            if i % 100 == 0 {
                assert_waits(&handle);
            }
        }
        assert_waits(&handle);
        far.write_all(b"word").unwrap();
        assert_eq!(handle.join().unwrap(), Ok(4));
    });
}

#[test]
fn a_deadline_is_put_off_or_drawn_nearer_while_it_waits() {
    let _alone = alone();
    everywhere(|_| {
        let (near, _far) = pair();
        let clone = near.try_clone().unwrap();
        let first = Instant::now() + ms(150);
        near.set_read_deadline(Some(first)).unwrap();
        let handle = near.go_when_readable(|mut near| (Instant::now(), near.read(&mut [0; 8]).map_err(|e| e.kind())));
        let second = first + ms(150);
        clone.set_read_deadline(Some(second)).unwrap();
        // If this thread was held up, the first one has passed already.
        let due = if Instant::now() < first { second } else { first };
        let (started, result) = handle.join().unwrap();
        assert_eq!(result, Err(ErrorKind::TimedOut));
        assert!(started >= due, "{:?} early", due - started);
        assert!(started < due + LATE, "{:?} late", started - due);

        let (near, _far) = pair();
        let clone = near.try_clone().unwrap();
        near.set_read_timeout(Some(Duration::from_secs(100))).unwrap();
        let handle = first_read(near);
        assert_waits(&handle);
        clone.set_read_deadline(Some(Instant::now())).unwrap();
        assert_eq!(handle.join().unwrap(), Err(ErrorKind::TimedOut));
    });
}

#[test]
fn a_clone_that_reads_comes_first() {
    let _alone = alone();
    everywhere(|place| {
        let (mut near, far) = pair();
        let mut clone = far.try_clone().unwrap();
        let reader = place.start(move || clone.read(&mut [0; 1]).unwrap());
        reader.until_waiting(WaitReason::IoRead);
        let handing = place.start(move || first_read(far));
        handing.until_waiting(WaitReason::IoTurn);
        near.write_all(b"ab").unwrap();
        assert_eq!(reader.join(), 1);
        assert_eq!(handing.join().join().unwrap(), Ok(1));

        // And the other way round: who reads waits until the goroutine has started.
        let (mut near, far) = pair();
        let mut clone = far.try_clone().unwrap();
        let handle = far.go_when_readable(|mut far| far.read(&mut [0]).unwrap());
        let reader = place.start(move || clone.read(&mut [0]).unwrap());
        reader.until_waiting(WaitReason::IoTurn);
        assert_waits(&handle);
        near.write_all(b"ab").unwrap();
        assert_eq!((handle.join().unwrap(), reader.join()), (1, 1));
    });
}

#[test]
fn its_handle_is_a_goroutines() {
    let _alone = alone();
    everywhere(|_| {
        let (near, mut far) = pair();
        let handle = near.go_when_readable(|_| marmot::current().id());
        let (id, site) = (handle.goroutine().id(), handle.goroutine().spawn_site());
        assert_eq!((site.file(), handle.goroutine().wait_reason()), (file!(), None));
        far.write_all(b"!").unwrap();
        assert_eq!(handle.join().unwrap(), id);

        let (near, mut far) = pair();
        let handle = near.go_when_readable(|_| panic!("read this (it is part of the test)"));
        far.write_all(b"!").unwrap();
        let payload = handle.join().unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"read this (it is part of the test)"));

        // A handle that is dropped detaches.
        let (near, mut far) = pair();
        drop(near.go_when_readable(|mut near| near.write_all(b"done").unwrap()));
        far.write_all(b"!").unwrap();
        far.read_exact(&mut [0; 4]).unwrap();
    });
}

/// Answers one byte, and hands the connection back until the next.
fn echo_by_hand_over(mut conn: TcpStream, done: Sender<usize>, count: usize) {
    let mut byte = [0];
    match conn.read(&mut byte) {
        Ok(1) => {
            conn.write_all(&byte).unwrap();
            conn.go_when_readable(move |conn| echo_by_hand_over(conn, done, count + 1));
        }
        Ok(_) => done.send(count).unwrap(),
        Err(e) => panic!("after {count} requests: {e}"),
    }
}

#[test]
fn ten_thousand_requests_in_a_chain() {
    let _alone = alone();
    const REQUESTS: usize = 10_000;
    for procs in [1, 2, 4] {
        bounded(move || {
            let rt = runtime(procs);
            let (mut near, far) = pair();
            let (done, ended) = channel();
            rt.run(move || drop(far.go_when_readable(|conn| echo_by_hand_over(conn, done, 0))));
            rt.run(move || {
                for i in 0..REQUESTS {
                    near.write_all(&[i as u8]).unwrap();
                    let mut byte = [0];
                    near.read_exact(&mut byte).unwrap();
                    assert_eq!(byte[0], i as u8);
                }
            });
            assert_eq!(ended.recv().unwrap(), REQUESTS);
            rt.shutdown(LATE).unwrap();
        });
    }
}

#[test]
fn from_a_plain_thread_it_starts_on_the_default_runtime() {
    let _alone = alone();
    bounded(|| {
        let (mut near, far) = pair();
        let (done, ended) = channel();
        far.go_when_readable(|conn| echo_by_hand_over(conn, done, 0));
        for i in 0..1000 {
            near.write_all(&[i as u8]).unwrap();
            near.read_exact(&mut [0]).unwrap();
        }
        drop(near);
        assert_eq!(ended.recv().unwrap(), 1000);
    });
}

/// Many connections, each with a chain of requests of its own: all are answered, and several Ms take part.
#[test]
fn many_connections_on_many_ms() {
    let _alone = alone();
    const CONNECTIONS: usize = 200;
    const REQUESTS: usize = 20;

    fn serve(mut conn: TcpStream, seen: Sender<ThreadId>) {
        let mut word = [0; 4];
        match conn.read(&mut word) {
            Ok(4) => {
                seen.send(thread::current().id()).unwrap();
                // Long enough for another M to be worth waking.
                let mut x = u32::from_ne_bytes(word);
                for _ in 0..20_000 {
                    x = std::hint::black_box(x.wrapping_mul(747_796_405).wrapping_add(1));
                }
                conn.write_all(&word).unwrap();
                conn.go_when_readable(move |conn| serve(conn, seen));
            }
            ended => assert_eq!(ended.unwrap(), 0),
        }
    }

    let threads = with_procs(4, || {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let (seen, threads) = channel();
        let server = marmot::go(move || {
            for conn in listener.incoming().take(CONNECTIONS) {
                let seen = seen.clone();
                conn.unwrap().go_when_readable(move |conn| serve(conn, seen));
            }
        });
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|i| {
                marmot::go(move || {
                    let mut near = TcpStream::connect(addr).unwrap();
                    for j in 0..REQUESTS {
                        let asked = [i as u8, (i >> 8) as u8, j as u8, 0x5a];
                        near.write_all(&asked).unwrap();
                        let mut answer = [0; 4];
                        near.read_exact(&mut answer).unwrap();
                        assert_eq!(answer, asked);
                    }
                })
            })
            .collect();
        server.join().unwrap();
        clients.into_iter().for_each(|client| client.join().unwrap());
        threads
    });
    // Here, because it blocks: in a goroutine it would hold up an M, and with that the last of those that send.
    let threads: Vec<_> = threads.into_iter().collect();
    assert_eq!(threads.len(), CONNECTIONS * REQUESTS);
    let distinct: HashSet<_> = threads.into_iter().collect();
    assert!(distinct.len() >= 2, "all ran on one M");
}

/// Events, timeouts, deadlines and closes at the same time: whatever comes first starts it, once.
#[test]
fn whatever_comes_first_starts_it_once() {
    let _alone = alone();
    static STARTS: AtomicUsize = AtomicUsize::new(0);
    const ROUNDS: usize = 1500;
    for procs in [1, 2, 4] {
        STARTS.store(0, Relaxed);
        with_procs(procs, || {
            let listener = listener();
            let addr = listener.local_addr().unwrap();
            for i in 0..ROUNDS {
                let mut near = TcpStream::connect(addr).unwrap();
                let (far, _) = listener.accept().unwrap();
                far.set_read_timeout(Some(Duration::from_micros(1 + i as u64 * 7 % 300))).unwrap();
                let (closer, setter) = (far.try_clone().unwrap(), far.try_clone().unwrap());
                let handle = far.go_when_readable(|mut far| {
                    STARTS.fetch_add(1, Relaxed);
                    far.read(&mut [0; 8]).map_err(|e| e.kind())
                });
                let racers = [
                    marmot::go(move || near.write_all(b"x").map(|()| near)),
                    marmot::go(move || {
                        setter.set_read_deadline(Some(Instant::now() + Duration::from_micros(100)))?;
                        Ok(setter)
                    }),
                    marmot::go(move || if i % 2 == 0 { closer.close().map(|()| closer) } else { Ok(closer) }),
                ];
                let result = handle.join().unwrap();
                let ends = [Ok(1), Err(ErrorKind::TimedOut), Err(ErrorKind::NotConnected)];
                assert!(ends.contains(&result), "{result:?}");
                let _kept: Vec<io::Result<TcpStream>> = racers.into_iter().map(|r| r.join().unwrap()).collect();
            }
        });
        assert_eq!(STARTS.load(Relaxed), ROUNDS);
    }
}

#[test]
fn a_goroutine_that_has_not_started_is_not_waiting_for_a_read() {
    let _alone = alone();
    // `wait_reason` is for those that have a stack. The scheduler counts the others, too.
    bounded(|| {
        let rt = runtime(2);
        let (mut near, far) = pair();
        let handle = rt.run(move || far.go_when_readable(drop));
        assert_eq!(handle.goroutine().wait_reason(), None);
        // The one that made it may still be on its way out.
        until(|| rt.goroutines() == 1);
        near.write_all(b"x").unwrap();
        handle.join().unwrap();
        until(|| rt.goroutines() == 0);
    });
}

#[test]
fn the_end_of_another_runtime_does_not_start_it() {
    let _alone = alone();
    bounded(|| {
        let rt = runtime(1);
        let (near, mut far) = pair();
        let handle = rt.run(move || near.go_when_readable(drop));
        runtime(1).shutdown(LIMIT).unwrap();
        assert_waits(&handle);
        far.write_all(b"word").unwrap();
        handle.join().unwrap();
    });
}

#[test]
fn a_reset_is_an_error_of_the_first_read() {
    with_procs(1, || {
        let (near, far) = pair();
        let read = near.go_when_readable(|mut near| near.read(&mut [0]).map_err(|e| e.kind()));
        reset(far);
        assert_eq!(read.join().unwrap(), Err(ErrorKind::ConnectionReset));
        // Also one that is there already.
        let (near, far) = pair();
        reset(far);
        let read = near.go_when_readable(|mut near| near.read(&mut [0]).map_err(|e| e.kind()));
        assert_eq!(read.join().unwrap(), Err(ErrorKind::ConnectionReset));
    });
}
