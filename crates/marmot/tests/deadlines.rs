//! Deadlines and timeouts: never early, soon after, each direction by itself, and no byte lost or counted twice.

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use common::{
    LATE, Place, Started, assert_fails, assert_times_out, everywhere, listener, ms, pair, with_procs, write_until_error,
};
use marmot::WaitReason;
use marmot::net::TcpStream;

const PAST: Duration = Duration::from_secs(1);

/// A deadline that is long over.
fn past() -> Option<Instant> {
    Some(Instant::now().checked_sub(PAST).unwrap_or_else(Instant::now))
}

fn after(wait: Duration) -> Option<Instant> {
    Some(Instant::now() + wait)
}

/// Asserts that `f` fails with `TimedOut`, not before `deadline` and not much later.
#[track_caller]
fn assert_ends_at<T>(deadline: Instant, f: impl FnOnce() -> io::Result<T>) {
    let result = f();
    assert_ended_at(deadline, result, Instant::now());
}

#[track_caller]
fn assert_ended_at<T>(deadline: Instant, result: io::Result<T>, ended: Instant) {
    assert_fails(ErrorKind::TimedOut, result);
    assert!(deadline <= ended, "{:?} early", deadline - ended);
    assert!(ended < deadline + LATE, "{:?} late", ended - deadline);
}

/// A read of `stream` that waits; its result, and when it came.
fn waiting_read(place: Place, stream: &TcpStream) -> Started<(io::Result<usize>, Instant)> {
    let mut stream = stream.try_clone().unwrap();
    let reader = place.start(move || (stream.read(&mut [0; 8]), Instant::now()));
    reader.until_waiting(WaitReason::IoRead);
    reader
}

#[test]
fn a_read_ends_at_its_deadline() {
    everywhere(|_| {
        let (mut near, _far) = pair();
        let soon = || {
            let deadline = Instant::now() + ms(40);
            near.set_read_deadline(Some(deadline)).unwrap();
            deadline
        };
        assert_ends_at(soon(), || near.peek(&mut [0; 8]));
        assert_ends_at(soon(), || near.wait_readable());
        assert_ends_at(soon(), || (&near).read(&mut [0; 8]));
        // It holds until it is set again.
        assert_fails(ErrorKind::TimedOut, near.read(&mut [0; 8]));
        assert_fails(ErrorKind::TimedOut, near.peek(&mut [0; 8]));
        assert_fails(ErrorKind::TimedOut, near.wait_readable());
    });
}

#[test]
fn a_past_deadline_fails_at_once_and_takes_nothing() {
    everywhere(|_| {
        let (mut near, mut far) = pair();
        far.write_all(b"there").unwrap();
        near.wait_readable().unwrap();
        near.set_deadline(past()).unwrap();
        for _ in 0..3 {
            assert_fails(ErrorKind::TimedOut, near.read(&mut [0; 8]));
            assert_fails(ErrorKind::TimedOut, near.write(b"x"));
        }
        near.set_deadline(None).unwrap();
        let mut buf = [0; 8];
        assert_eq!(near.read(&mut buf).unwrap(), 5);
        assert_eq!(&buf[..5], b"there");
        near.write_all(b"back").unwrap();
        assert_eq!(far.read(&mut buf).unwrap(), 4);
    });
}

#[test]
fn what_comes_before_the_deadline_is_read() {
    everywhere(|place| {
        let (near, mut far) = pair();
        near.set_read_deadline(after(ms(30_000))).unwrap();
        let reader = waiting_read(place, &near);
        far.write_all(b"early").unwrap();
        assert_eq!(reader.join().0.unwrap(), 5);
    });
}

#[test]
fn a_deadline_reaches_a_read_that_waits_already() {
    everywhere(|place| {
        let (near, _far) = pair();
        let reader = waiting_read(place, &near);
        let deadline = Instant::now() + ms(40);
        near.set_read_deadline(Some(deadline)).unwrap();
        let (result, ended) = reader.join();
        assert_ended_at(deadline, result, ended);

        near.set_read_deadline(None).unwrap();
        let reader = waiting_read(place, &near);
        near.set_read_deadline(past()).unwrap();
        assert_fails(ErrorKind::TimedOut, reader.join().0);
    });
}

#[test]
fn a_deadline_is_drawn_nearer_while_a_read_waits() {
    everywhere(|place| {
        let (near, _far) = pair();
        near.set_read_deadline(after(ms(100_000))).unwrap();
        let reader = waiting_read(place, &near);
        let deadline = Instant::now() + ms(40);
        near.set_read_deadline(Some(deadline)).unwrap();
        let (result, ended) = reader.join();
        assert_ended_at(deadline, result, ended);
    });
}

#[test]
fn a_deadline_is_put_off_while_a_read_waits() {
    everywhere(|place| {
        let (near, _far) = pair();
        let first = Instant::now() + ms(200);
        near.set_read_deadline(Some(first)).unwrap();
        let reader = waiting_read(place, &near);
        let second = first + ms(150);
        near.set_read_deadline(Some(second)).unwrap();
        let in_time = Instant::now() < first;
        let (result, ended) = reader.join();
        assert_ended_at(if in_time { second } else { first }, result, ended);
    });
}

#[test]
fn a_deadline_is_taken_away_while_a_read_waits() {
    everywhere(|place| {
        let (near, mut far) = pair();
        near.set_read_deadline(after(ms(30_000))).unwrap();
        let reader = waiting_read(place, &near);
        near.set_read_deadline(None).unwrap();
        reader.until_waiting(WaitReason::IoRead);
        far.write_all(b"at last").unwrap();
        assert_eq!(reader.join().0.unwrap(), 7);
    });
}

#[test]
fn many_changes_while_a_read_waits_leave_the_last() {
    everywhere(|place| {
        let (near, _far) = pair();
        let reader = waiting_read(place, &near);
        for i in 0..2000 {
            let deadline = if i % 3 == 0 { None } else { after(ms(50_000 + i)) };
            near.set_read_deadline(deadline).unwrap();
        }
        assert!(!reader.is_finished());
        let deadline = Instant::now() + ms(30);
        near.set_read_deadline(Some(deadline)).unwrap();
        let (result, ended) = reader.join();
        assert_ended_at(deadline, result, ended);
    });
}

#[test]
fn directions_are_independent() {
    everywhere(|place| {
        let (mut near, mut far) = pair();
        let mut buf = [0; 8];
        near.set_read_deadline(past()).unwrap();
        near.write_all(b"out").unwrap();
        assert_eq!(far.read(&mut buf).unwrap(), 3);

        near.set_read_deadline(None).unwrap();
        near.set_write_deadline(past()).unwrap();
        assert_fails(ErrorKind::TimedOut, near.write(b"x"));
        let reader = waiting_read(place, &near);
        far.write_all(b"in").unwrap();
        assert_eq!(reader.join().0.unwrap(), 2);

        // A write's deadline passes while a read waits for nothing in particular.
        let reader = waiting_read(place, &near);
        let deadline = Instant::now() + ms(20);
        near.set_write_deadline(Some(deadline)).unwrap();
        assert_ends_at(deadline, || Err::<(), _>(write_until_error(&near)));
        assert!(!reader.is_finished());
        far.write_all(b"in").unwrap();
        assert_eq!(reader.join().0.unwrap(), 2);

        near.set_deadline(past()).unwrap();
        assert_fails(ErrorKind::TimedOut, near.read(&mut buf));
        assert_fails(ErrorKind::TimedOut, near.write(&buf));
    });
}

/// Bytes that tell where in the stream they are.
fn pattern(from: usize, n: usize) -> Vec<u8> {
    (from..from + n).map(|at| (at % 253) as u8).collect()
}

/// What a write said that it has taken is what the reader finds, whatever ended the writes.
#[track_caller]
fn assert_writes_count(place: Place, limit: impl Fn(&TcpStream)) {
    const ROUNDS: usize = 8;
    let (mut near, mut far) = pair();
    let (mut sent, mut missed) = (0, 0);
    let mut received = 0;
    for _ in 0..ROUNDS {
        limit(&near);
        let error = loop {
            match near.write(&pattern(sent, 50_000)) {
                Ok(n) => sent += n,
                Err(e) => break e,
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        missed += 1;
        // Makes room for the next round, but not for all. On a busy machine there may be less.
        let mut buf = vec![0; (sent - received).min(300_000)];
        far.read_exact(&mut buf).unwrap();
        assert!(buf == pattern(received, buf.len()), "after {received} bytes");
        received += buf.len();
    }
    near.set_write_deadline(None).unwrap();
    near.set_write_timeout(None).unwrap();
    let reader = place.start(move || {
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).unwrap();
        rest
    });
    near.write_all(b"end").unwrap();
    drop(near);
    let rest = reader.join();
    let (body, end) = rest.split_at(rest.len() - 3);
    assert_eq!((missed, received + body.len(), end), (ROUNDS, sent, &b"end"[..]));
    assert!(body == pattern(received, body.len()));
}

#[test]
fn a_full_buffer_meets_a_write_deadline() {
    everywhere(|place| assert_writes_count(place, |near| near.set_write_deadline(after(ms(15))).unwrap()));
}

#[test]
fn a_full_buffer_meets_a_write_timeout() {
    everywhere(|place| assert_writes_count(place, |near| near.set_write_timeout(Some(ms(5))).unwrap()));
}

#[test]
fn a_deadline_reaches_a_write_that_waits_already() {
    everywhere(|place| {
        let (near, far) = pair();
        let clone = near.try_clone().unwrap();
        let writer = place.start(move || (write_until_error(&clone), Instant::now()));
        writer.until_waiting(WaitReason::IoWrite);
        let deadline = Instant::now() + ms(30);
        near.set_write_deadline(Some(deadline)).unwrap();
        let (e, ended) = writer.join();
        assert_ended_at(deadline, Err::<(), _>(e), ended);
        drop(far);
    });
}

#[test]
fn accept_has_a_deadline() {
    everywhere(|place| {
        let listener = listener();
        let deadline = Instant::now() + ms(40);
        listener.set_deadline(Some(deadline)).unwrap();
        assert_ends_at(deadline, || listener.accept());
        assert_fails(ErrorKind::TimedOut, listener.accept());

        // One that is there already is not accepted after the deadline, and not lost.
        let _near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_fails(ErrorKind::TimedOut, listener.accept());
        listener.set_deadline(None).unwrap();
        listener.accept().unwrap();

        let clone = listener.try_clone().unwrap();
        let server = place.start(move || clone.accept().map(drop));
        server.until_waiting(WaitReason::IoRead);
        listener.set_deadline(past()).unwrap();
        assert_fails(ErrorKind::TimedOut, server.join());
    });
}

#[test]
fn the_earlier_of_timeout_and_deadline_counts() {
    everywhere(|_| {
        let (mut near, _far) = pair();
        near.set_read_timeout(Some(ms(30))).unwrap();
        near.set_read_deadline(after(ms(50_000))).unwrap();
        assert_times_out(ms(30), || near.read(&mut [0; 8]));
        near.set_read_timeout(Some(ms(50_000))).unwrap();
        let deadline = Instant::now() + ms(30);
        near.set_read_deadline(Some(deadline)).unwrap();
        assert_ends_at(deadline, || near.read(&mut [0; 8]));
        near.set_read_deadline(None).unwrap();
        near.set_read_timeout(Some(ms(20))).unwrap();
        assert_times_out(ms(20), || near.read(&mut [0; 8]));
    });
}

#[test]
fn a_timeout_begins_anew_with_each_read() {
    everywhere(|place| {
        const READS: u32 = 8;
        let (mut near, mut far) = pair();
        near.set_read_timeout(Some(LATE)).unwrap();
        let writer = place.start(move || {
            for _ in 0..READS {
                marmot::sleep(ms(20));
                far.write_all(b".").unwrap();
            }
            far
        });
        for _ in 0..READS {
            assert_eq!(near.read(&mut [0]).unwrap(), 1);
        }
        let _far = writer.join();

        // What is left of the last timeout is not what the next read gets.
        near.set_read_timeout(Some(ms(30))).unwrap();
        for _ in 0..3 {
            assert_times_out(ms(30), || near.read(&mut [0; 8]));
        }
    });
}

#[test]
fn thousands_of_reads_with_a_timeout_that_never_passes() {
    everywhere(|place| {
        let (mut near, mut far) = pair();
        near.set_read_timeout(Some(LATE * 10)).unwrap();
        far.set_read_timeout(Some(LATE * 20)).unwrap();
        let echo = place.start(move || {
            let mut byte = [0];
            while far.read(&mut byte).unwrap() != 0 {
                far.write_all(&byte).unwrap();
            }
        });
        for i in 0..5000 {
            near.write_all(&[i as u8]).unwrap();
            let mut byte = [0];
            near.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], i as u8);
        }
        drop(near);
        echo.join();
    });
}

/// Reads whose timeouts race with what comes: each byte is read once, in order.
#[test]
fn timeouts_that_race_with_bytes() {
    const BYTES: usize = 3000;
    everywhere(|place| {
        let (mut near, mut far) = pair();
        let writer = place.start(move || {
            for i in 0..BYTES {
                far.write_all(&[i as u8]).unwrap();
                if i % 4 == 0 {
                    marmot::sleep(Duration::from_micros(i as u64 % 7 * 100));
                }
            }
        });
        let (mut got, mut timed_out) = (0, 0);
        while got < BYTES {
            let timeout = Duration::from_micros(50 + got as u64 % 5 * 100);
            near.set_read_timeout(Some(timeout)).unwrap();
            let mut buf = [0; 16];
            let begun = Instant::now();
            match near.read(&mut buf) {
                Ok(n) => {
                    assert!(buf[..n].iter().enumerate().all(|(i, &b)| b == (got + i) as u8), "after {got}");
                    got += n;
                }
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::TimedOut);
                    assert!(begun.elapsed() >= timeout);
                    timed_out += 1;
                }
            }
            assert!(timed_out < 1_000_000, "only {got} bytes came");
        }
        writer.join();
    });
}

#[test]
fn hundreds_of_waits_end_each_at_its_own_time() {
    for procs in [1, 2, 4] {
        with_procs(procs, || {
            let waits: Vec<_> = (0..300u64)
                .map(|i| {
                    marmot::go(move || {
                        let (mut near, _far) = pair();
                        let timeout = ms(1 + i * 37 % 100);
                        near.set_read_timeout(Some(timeout)).unwrap();
                        assert_times_out(timeout, || near.read(&mut [0; 8]));
                    })
                })
                .collect();
            waits.into_iter().for_each(|wait| wait.join().unwrap());
        });
    }
}
