//! How a copy between connections waits and ends: deadlines, resets, closing, shutting down; and what has been counted then.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Instant;

use common::{
    LATE, LIMIT, Place, Started, bounded, contents, everywhere, file, ms, noise, pair, reset, runtime, until,
};
use marmot::WaitReason;
use marmot::io::{Partial, copy, copy_counted};
use marmot::net::TcpStream;

/// A copy under way between two connections, with handles to both and the peers that they are to.
struct Copying {
    from: TcpStream,
    to: TcpStream,
    source: TcpStream,
    sink: TcpStream,
    copy: Started<Result<u64, Partial>>,
}

/// Begins to copy, after `prepare` has seen the two ends.
fn copying(place: Place, prepare: impl FnOnce(&TcpStream, &TcpStream)) -> Copying {
    let ((from, source), (to, sink)) = (pair(), pair());
    prepare(&from, &to);
    let copy = {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        place.start(move || copy_counted(&mut from, &mut to))
    };
    Copying { from, to, source, sink, copy }
}

impl Copying {
    /// Sends some bytes through.
    #[track_caller]
    fn pass(&mut self, bytes: &[u8]) {
        self.source.write_all(bytes).unwrap();
        let mut arrived = vec![0; bytes.len()];
        self.sink.read_exact(&mut arrived).unwrap();
        assert!(arrived == bytes);
    }

    /// How it ended, if by an error: how many bytes it has moved, and the kind.
    #[track_caller]
    fn failure(self) -> (u64, ErrorKind) {
        let partial = self.copy.join().unwrap_err();
        (partial.moved, partial.kind())
    }
}

/// Sends more than connections and pipes have room for, until that fails: at the latest when nobody has the other end any
/// more.
fn flood(place: Place, source: &TcpStream) -> Started<()> {
    let source = source.try_clone().unwrap();
    place.start(move || while (&source).write_all(&[7; 1 << 16]).is_ok() {})
}

/// How many bytes there are up to the end.
fn count_to_the_end(mut conn: &TcpStream) -> u64 {
    std::io::copy(&mut conn, &mut std::io::sink()).unwrap()
}

#[test]
fn a_byte_at_a_time_passes_at_once() {
    everywhere(|place| {
        let mut copying = copying(place, |_, _| {});
        for byte in 0..200 {
            copying.pass(&[byte]);
        }
        copying.source.shutdown(Shutdown::Write).unwrap();
        assert_eq!(copying.copy.join().unwrap(), 200);
    });
}

#[test]
fn little_and_much_pass_by_turns() {
    everywhere(|place| {
        let mut copying = copying(place, |_, _| {});
        let lengths = [1, 300_000, 5, 16_383, 16_384, 16_385, 1, 16_384, 16_384, 2, 100_000, 100_000, 1];
        for (seed, &length) in lengths.iter().enumerate() {
            copying.pass(&noise(length, seed as u64));
        }
        copying.source.shutdown(Shutdown::Write).unwrap();
        assert_eq!(copying.copy.join().unwrap(), lengths.iter().sum::<usize>() as u64);
    });
}

#[test]
fn two_directions_pass_at_once_and_end_apart() {
    everywhere(|place| {
        let ((near, client), (far, server)) = (pair(), pair());
        let direction = |from: &TcpStream, to: &TcpStream| {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            place.start(move || {
                let count = copy(&mut from, &mut to).unwrap();
                to.shutdown(Shutdown::Write).unwrap();
                count
            })
        };
        let (up, down) = (direction(&near, &far), direction(&far, &near));
        let send = |conn: &TcpStream, bytes: Vec<u8>| {
            let mut conn = conn.try_clone().unwrap();
            place.start(move || conn.write_all(&bytes).unwrap())
        };
        let receive = |conn: &TcpStream, count: usize| {
            let mut conn = conn.try_clone().unwrap();
            place.start(move || {
                let mut bytes = vec![0; count];
                conn.read_exact(&mut bytes).unwrap();
                bytes
            })
        };
        const MANY: usize = 5 << 20;
        let (there, back) = (noise(MANY, 1), noise(MANY, 2));
        let senders = [send(&client, there.clone()), send(&server, back.clone())];
        let (at_server, at_client) = (receive(&server, MANY), receive(&client, MANY));
        assert!(at_server.join() == there && at_client.join() == back);
        senders.into_iter().for_each(Started::join);

        // One direction ends; the other goes on.
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(count_to_the_end(&server), 0);
        assert_eq!(up.join(), MANY as u64);
        (&server).write_all(b"still here").unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(count_to_the_end(&client), 10);
        assert_eq!(down.join(), MANY as u64 + 10);
    });
}

#[test]
fn a_reset_of_the_source_comes_after_its_bytes() {
    everywhere(|place| {
        let mut copying = copying(place, |_, _| {});
        copying.pass(&noise(1000, 3));
        let (gone, _) = pair();
        reset(std::mem::replace(&mut copying.source, gone));
        assert_eq!(copying.failure(), (1000, ErrorKind::ConnectionReset));
    });
}

#[test]
fn a_reset_of_the_sink_ends_the_copy() {
    everywhere(|place| {
        let mut copying = copying(place, |_, _| {});
        copying.pass(&noise(1000, 4));
        let (gone, _) = pair();
        reset(std::mem::replace(&mut copying.sink, gone));
        let flood = flood(place, &copying.source);
        let (moved, kind) = copying.failure();
        assert!(moved >= 1000, "{moved} bytes");
        assert!([ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&kind), "{kind:?}");
        flood.join();
    });
}

#[test]
fn the_count_is_of_what_arrives_when_the_sink_stalls() {
    everywhere(|place| {
        let copying = copying(place, |_, to| to.set_write_timeout(Some(ms(100))).unwrap());
        let flood = flood(place, &copying.source);
        let to = copying.to.try_clone().unwrap();
        let sink = copying.sink.try_clone().unwrap();
        let (moved, kind) = copying.failure();
        assert_eq!(kind, ErrorKind::TimedOut);
        assert!(moved > 0);
        to.shutdown(Shutdown::Write).unwrap();
        assert_eq!(count_to_the_end(&sink), moved);
        flood.join();
    });
}

#[test]
fn a_deadline_of_the_sink_ends_a_copy_that_waits() {
    everywhere(|place| {
        let mut copying = copying(place, |_, _| {});
        copying.pass(b"x");
        let flood = flood(place, &copying.source);
        copying.copy.until_waiting(WaitReason::IoWrite);
        copying.to.set_write_deadline(Some(Instant::now())).unwrap();
        let (moved, kind) = copying.failure();
        assert_eq!(kind, ErrorKind::TimedOut);
        assert!(moved > 0);
        flood.join();
    });
}

#[test]
fn nothing_is_lost_by_a_deadline_of_the_source() {
    everywhere(|place| {
        let mut copying = copying(place, |_, _| {});
        copying.pass(b"before");
        copying.copy.until_waiting(WaitReason::IoRead);
        copying.from.set_read_deadline(Some(Instant::now())).unwrap();
        let ((mut from, mut to), (mut source, mut sink)) = (
            (copying.from.try_clone().unwrap(), copying.to.try_clone().unwrap()),
            (copying.source.try_clone().unwrap(), copying.sink.try_clone().unwrap()),
        );
        assert_eq!(copying.failure(), (6, ErrorKind::TimedOut));
        // Already past: nothing is taken.
        source.write_all(b" and after").unwrap();
        let partial = copy_counted(&mut from, &mut to).unwrap_err();
        assert_eq!((partial.moved, partial.kind()), (0, ErrorKind::TimedOut));

        from.set_read_deadline(None).unwrap();
        source.shutdown(Shutdown::Write).unwrap();
        assert_eq!(copy(&mut from, &mut to).unwrap(), 10);
        let mut arrived = [0; 10];
        sink.read_exact(&mut arrived).unwrap();
        assert_eq!(&arrived, b" and after");
    });
}

#[test]
fn closing_either_end_ends_a_copy_that_waits() {
    everywhere(|place| {
        let mut source_closed = copying(place, |_, _| {});
        source_closed.pass(b"x");
        source_closed.copy.until_waiting(WaitReason::IoRead);
        source_closed.from.close().unwrap();
        assert_eq!(source_closed.failure(), (1, ErrorKind::NotConnected));

        let sink_closed = copying(place, |_, _| {});
        let flood = flood(place, &sink_closed.source);
        sink_closed.copy.until_waiting(WaitReason::IoWrite);
        sink_closed.to.close().unwrap();
        assert_eq!(sink_closed.failure().1, ErrorKind::NotConnected);
        flood.join();
    });
}

#[test]
fn who_does_not_want_to_wait_does_not() {
    everywhere(|place| {
        let copying = copying(place, |from, _| from.set_nonblocking(true).unwrap());
        assert_eq!(copying.failure(), (0, ErrorKind::WouldBlock));
    });
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    everywhere(|place| {
        let ((mut from, source), to) = (pair(), std::fs::File::open("/dev/null").unwrap());
        (&source).write_all(b"x").unwrap();
        source.shutdown(Shutdown::Write).unwrap();
        let copy = place.start(move || copy_counted(&mut from, &mut &to));
        assert_eq!(copy.join().unwrap_err().moved, 0);
    });
}

#[test]
fn bytes_of_a_reset_source_are_in_the_file() {
    everywhere(|place| {
        let ((mut from, mut source), to) = (pair(), file(b""));
        let mut handle = to.try_clone().unwrap();
        let copy = place.start(move || copy_counted(&mut from, &mut handle));
        source.write_all(b"all of it").unwrap();
        until(|| to.metadata().unwrap().len() == 9);
        reset(source);
        let partial = copy.join().unwrap_err();
        assert_eq!((partial.moved, partial.kind()), (9, ErrorKind::ConnectionReset));
        assert_eq!(contents(&to), b"all of it");
    });
}

#[test]
fn a_runtime_that_shuts_down_ends_its_copies() {
    bounded(|| {
        let rt = runtime(2);
        let ((mut from, mut source), (mut to, mut sink)) = (pair(), pair());
        let copy = rt.go(move || copy_counted(&mut from, &mut to));
        source.write_all(b"x").unwrap();
        sink.read_exact(&mut [0]).unwrap();
        until(|| copy.goroutine().wait_reason() == Some(WaitReason::IoRead));
        let begun = Instant::now();
        rt.shutdown(LIMIT).unwrap();
        assert!(begun.elapsed() < LATE);
        assert_eq!(copy.join().unwrap().unwrap_err().moved, 1);
    });
}
