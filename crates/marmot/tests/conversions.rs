//! From `std`'s types and from descriptors, and back: what was blocking parks, and what comes back blocks again.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::{net, thread};

use common::{
    LATE, LIMIT, Place, assert_fails, assert_times_out, bounded, everywhere, listener, ms, pair, runtime, until,
    with_procs,
};
use marmot::WaitReason;
use marmot::net::{TcpListener, TcpStream};
use rustix::fs::{OFlags, fcntl_getfl};

fn is_nonblocking(fd: impl AsFd) -> bool {
    fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

/// The two ends of a connection of `std`.
fn std_pair() -> (net::TcpStream, net::TcpStream) {
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let near = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Sees that `far` waits for what `near` sends, and lets others run meanwhile.
#[track_caller]
fn assert_parks(place: Place, mut near: TcpStream, mut far: TcpStream) -> (TcpStream, TcpStream) {
    let reader = place.start(move || {
        let mut word = [0; 4];
        far.read_exact(&mut word).unwrap();
        (word, far)
    });
    reader.until_waiting(WaitReason::IoRead);
    near.write_all(b"word").unwrap();
    let (word, far) = reader.join();
    assert_eq!(&word, b"word");
    (near, far)
}

/// Sees that a read of `far` blocks the thread until `near` sends.
#[track_caller]
fn assert_blocks(near: &TcpStream, far: net::TcpStream) {
    assert!(!is_nonblocking(&far));
    let mut near = near.try_clone().unwrap();
    let reader = thread::spawn(move || {
        let mut word = [0; 4];
        (&far).read_exact(&mut word).map(|()| word)
    });
    near.write_all(b"word").unwrap();
    assert_eq!(&reader.join().unwrap().unwrap(), b"word");
}

#[test]
fn a_std_stream_learns_to_park() {
    everywhere(|place| {
        let (near, far) = std_pair();
        far.set_read_timeout(Some(LATE)).unwrap();
        far.set_nodelay(true).unwrap();
        let number = far.as_raw_fd();
        let (near, far) = assert_parks(place, near.into(), far.into());
        assert_eq!(far.as_raw_fd(), number);
        assert!(is_nonblocking(&far) && far.nodelay().unwrap());
        assert_parks(place, far, near);
    });
}

#[test]
fn a_std_listener_learns_to_park() {
    everywhere(|place| {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (addr, number) = (listener.local_addr().unwrap(), listener.as_raw_fd());
        let listener = TcpListener::from(listener);
        assert_eq!(listener.as_raw_fd(), number);
        let server = place.start(move || listener.accept().map(|(_, from)| (from, listener)).unwrap());
        server.until_waiting(WaitReason::IoRead);
        let near = TcpStream::connect(addr).unwrap();
        let (from, listener) = server.join();
        assert_eq!(from, near.local_addr().unwrap());

        let listener = net::TcpListener::from(listener);
        assert!(!is_nonblocking(&listener));
        let server = thread::spawn(move || listener.accept().unwrap().1);
        let near = TcpStream::connect(addr).unwrap();
        assert_eq!(server.join().unwrap(), near.local_addr().unwrap());
    });
}

#[test]
fn a_stream_that_comes_back_blocks_again() {
    everywhere(|place| {
        // Never waited for; then registered with a poller, by a wait; and with a wait behind it in both directions.
        let (near, far) = pair();
        let number = far.as_raw_fd();
        let far = net::TcpStream::from(far);
        assert_eq!(far.as_raw_fd(), number);
        assert_blocks(&near, far);

        let (near, far) = pair();
        let (near, far) = assert_parks(place, near, far);
        assert_blocks(&near, far.into());

        let (near, far) = pair();
        let (far, near) = assert_parks(place, far, near);
        let (near, far) = assert_parks(place, near, far);
        assert_blocks(&near, far.into());
    });
}

#[test]
fn set_nonblocking_is_kept() {
    everywhere(|_| {
        let (near, far) = pair();
        far.set_nonblocking(true).unwrap();
        let mut far = net::TcpStream::from(far);
        assert!(is_nonblocking(&far));
        assert_fails(ErrorKind::WouldBlock, far.read(&mut [0; 8]));
        drop(near);

        let listener = listener();
        listener.set_nonblocking(true).unwrap();
        assert_fails(ErrorKind::WouldBlock, net::TcpListener::from(listener).accept());
    });
}

#[test]
fn there_and_back_again_many_times() {
    everywhere(|place| {
        let (mut near, mut far) = pair();
        for round in 0..50 {
            (near, far) = assert_parks(place, near, far);
            let std = net::TcpStream::from(far);
            far = match round % 3 {
                0 => std.into(),
                1 => OwnedFd::from(std).into(),
                // SAFETY: the number was given up just now.
                _ => unsafe { TcpStream::from_raw_fd(std.into_raw_fd()) },
            };
        }
    });
}

#[test]
fn descriptors_become_types_and_back() {
    everywhere(|place| {
        let (near, far) = std_pair();
        let (near, far) = (TcpStream::from(OwnedFd::from(near)), TcpStream::from(OwnedFd::from(far)));
        let (near, far) = assert_parks(place, near, far);
        let number = far.as_raw_fd();
        assert_eq!(far.as_fd().as_raw_fd(), number);
        let raw = far.into_raw_fd();
        assert_eq!(raw, number);
        // SAFETY: the number was given up just now.
        let far = unsafe { OwnedFd::from_raw_fd(raw) };
        assert_blocks(&near, far.into());

        let listener = OwnedFd::from(listener());
        let number = listener.as_raw_fd();
        let listener = TcpListener::from(listener);
        assert_eq!((listener.as_raw_fd(), listener.as_fd().as_raw_fd()), (number, number));
        // SAFETY: the number was given up just now.
        let listener = unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) };
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn a_shared_handle_is_duplicated_and_the_others_still_park() {
    everywhere(|place| {
        let (near, far) = pair();
        let kept = far.try_clone().unwrap();
        let std = net::TcpStream::from(far);
        assert_ne!(std.as_raw_fd(), kept.as_raw_fd());
        // Were the open file blocking now, a read of `kept` would block its M.
        assert!(is_nonblocking(&kept));
        let (mut near, kept) = assert_parks(place, near, kept);
        near.write_all(b"for std").unwrap();
        kept.wait_readable().unwrap();
        let mut buf = [0; 16];
        assert_eq!((&std).read(&mut buf).unwrap(), 7);
        assert_fails(ErrorKind::WouldBlock, (&std).read(&mut buf));
        // The connection ends with the last of them.
        drop(kept);
        (&std).write_all(b"alive").unwrap();
        assert_eq!(near.read(&mut buf).unwrap(), 5);
        drop(std);
        assert_eq!(near.read(&mut buf).unwrap(), 0);

        let listener = listener();
        let kept = listener.try_clone().unwrap();
        let std = net::TcpListener::from(listener);
        assert_ne!(std.as_raw_fd(), kept.as_raw_fd());
        assert!(is_nonblocking(&kept));
        drop(kept);
        assert_fails(ErrorKind::WouldBlock, std.accept());
    });
}

/// A poller's entry lasts as long as the open file: it outlives a descriptor that has a duplicate.
#[test]
fn a_duplicate_may_get_the_number_that_a_poller_still_knows() {
    everywhere(|place| {
        let (near, far) = pair();
        let (mut near, far) = assert_parks(place, near, far);
        let mut spare = far.as_fd().try_clone_to_owned().unwrap();
        drop(far);
        for _ in 0..20 {
            let lowest = spare.try_clone().unwrap();
            let (n, far) = assert_parks(place, near, lowest.into());
            near = n;
            // Keeps the number's entry in the poller, and perhaps takes its number next.
            spare = far.as_fd().try_clone_to_owned().unwrap();
        }
        // Events for those that are gone wake nobody and harm nothing.
        near.write_all(b"last").unwrap();
        drop(near);
        let mut text = String::new();
        TcpStream::from(spare).read_to_string(&mut text).unwrap();
        assert_eq!(text, "last");
    });
}

#[test]
fn what_cannot_be_polled_says_so() {
    everywhere(|_| {
        let file = std::fs::File::open("/dev/null").unwrap();
        let conn = TcpStream::from(OwnedFd::from(file));
        // It is no socket, so the first try fails; and it cannot be watched either.
        assert!((&conn).read(&mut [0; 8]).is_err());
        assert!(conn.wait_readable().is_err());
        conn.go_when_readable(|mut conn| assert!(conn.read(&mut [0; 8]).is_err())).join().unwrap();
    });
}

#[test]
fn a_connection_moves_between_runtimes() {
    bounded(|| {
        let (mut near, mut far) = pair();
        for round in 0..6u8 {
            let reader = with_reader(round, far);
            near.write_all(&[round]).unwrap();
            far = reader.join().unwrap();
        }
    });

    /// Reads one byte in a runtime of its own, or on this kind of thread, and gives the stream back.
    fn with_reader(round: u8, mut far: TcpStream) -> thread::JoinHandle<TcpStream> {
        let read = move || {
            let mut byte = [0];
            far.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], round);
            far
        };
        thread::spawn(move || if round.is_multiple_of(2) { with_procs(1, read) } else { read() })
    }
}

/// The timeout that a wait in one runtime has left armed does no harm to a wait in the next one.
#[test]
fn a_timeout_outlives_the_runtime_where_it_was_first_used() {
    bounded(|| {
        let (mut near, mut far) = pair();
        // Longer than the bytes need on a busy machine.
        far.set_read_timeout(Some(ms(2000))).unwrap();
        let rt = runtime(1);
        let reader = rt.go(move || far.read(&mut [0; 8]).map(|_| far).unwrap());
        until(|| reader.goroutine().wait_reason() == Some(WaitReason::IoRead));
        near.write_all(b"x").unwrap();
        let mut far = reader.join().unwrap();
        rt.shutdown(LIMIT).unwrap();
        with_procs(1, move || assert_times_out(ms(2000), || far.read(&mut [0; 8])));
    });
}
