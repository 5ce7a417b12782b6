//! Closing: who waits is woken, nothing works afterwards, and the descriptor goes with the last handle.
//!
//! The tests count the descriptors of the process, so each has the process for itself.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;

use common::{
    LIMIT, Place, alone, assert_fails, bounded, everywhere, listener, open_descriptors, open_sockets, pair, runtime,
    until, with_procs, write_until_error,
};
use marmot::WaitReason;
use marmot::net::{TcpListener, TcpStream};

/// Something that waits.
type Wait = fn(&TcpStream) -> std::io::Result<()>;

const WAITS: [(Wait, WaitReason); 5] = [
    (|mut conn| conn.read(&mut [0; 8]).map(drop), WaitReason::IoRead),
    (|mut conn| conn.read_vectored(&mut [std::io::IoSliceMut::new(&mut [0; 8])]).map(drop), WaitReason::IoRead),
    (|conn| conn.peek(&mut [0; 8]).map(drop), WaitReason::IoRead),
    (|conn| conn.wait_readable(), WaitReason::IoRead),
    (|conn| Err(write_until_error(conn)), WaitReason::IoWrite),
];

#[test]
fn close_wakes_whatever_waits() {
    let _alone = alone();
    everywhere(|place| {
        for (wait, reason) in WAITS {
            let (near, far) = pair();
            let clone = near.try_clone().unwrap();
            let waiter = place.start(move || wait(&clone));
            waiter.until_waiting(reason);
            near.close().unwrap();
            assert_fails(ErrorKind::NotConnected, waiter.join());
            drop(far);
        }
    });
}

#[test]
fn close_wakes_both_directions_and_those_who_wait_for_their_turn() {
    let _alone = alone();
    everywhere(|place| {
        let (near, far) = pair();
        let waiters: Vec<_> = (0..20)
            .map(|i| {
                let clone = near.try_clone().unwrap();
                let (wait, reason) = WAITS[i % WAITS.len()];
                let first = i == 0 || i == WAITS.len() - 1;
                let waiter = place.start(move || wait(&clone));
                waiter.until_waiting(if first { reason } else { WaitReason::IoTurn });
                waiter
            })
            .collect();
        near.close().unwrap();
        for waiter in waiters {
            assert_fails(ErrorKind::NotConnected, waiter.join());
        }
        drop(far);
    });
}

#[test]
fn close_wakes_all_who_accept() {
    let _alone = alone();
    everywhere(|place| {
        let listener = listener();
        let waiters: Vec<_> = (0..4)
            .map(|i| {
                let clone = listener.try_clone().unwrap();
                let waiter = place.start(move || clone.accept());
                waiter.until_waiting(if i == 0 { WaitReason::IoRead } else { WaitReason::IoTurn });
                waiter
            })
            .collect();
        listener.close().unwrap();
        for waiter in waiters {
            assert_fails(ErrorKind::NotConnected, waiter.join());
        }
        assert_fails(ErrorKind::NotConnected, listener.accept());
        assert_fails(ErrorKind::NotConnected, listener.close());
    });
}

#[test]
fn a_closed_listener_refuses_and_its_address_is_free() {
    let _alone = alone();
    everywhere(|_| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let pending = TcpStream::connect(addr).unwrap();
        listener.close().unwrap();
        assert_fails(ErrorKind::ConnectionRefused, TcpStream::connect(addr));
        // Nobody will ever serve it, and it is told so.
        assert!(!matches!((&pending).read(&mut [0; 8]), Ok(1..)));
        drop(listener);
        TcpListener::bind(addr).unwrap();
    });
}

#[test]
fn close_starts_what_waits_without_a_stack() {
    let _alone = alone();
    everywhere(|_| {
        let (near, _far) = pair();
        let clone = near.try_clone().unwrap();
        let handle = near.go_when_readable(|mut near| near.read(&mut [0; 8]).map_err(|e| e.kind()));
        clone.close().unwrap();
        assert_eq!(handle.join().unwrap(), Err(ErrorKind::NotConnected));

        let handle = clone.go_when_readable(|mut near| near.write(b"x").map_err(|e| e.kind()));
        assert_eq!(handle.join().unwrap(), Err(ErrorKind::NotConnected));
    });
}

#[test]
fn nothing_works_after_a_close() {
    let _alone = alone();
    everywhere(|_| {
        let (near, far) = pair();
        (&far).write_all(b"unread").unwrap();
        let clone = near.try_clone().unwrap();
        for nonblocking in [false, true] {
            let (near, far) = if nonblocking { pair() } else { (near.try_clone().unwrap(), far.try_clone().unwrap()) };
            near.set_nonblocking(nonblocking).unwrap();
            near.close().unwrap();
            for (wait, _) in WAITS {
                assert_fails(ErrorKind::NotConnected, wait(&near));
            }
            drop(far);
        }
        for (wait, _) in WAITS {
            assert_fails(ErrorKind::NotConnected, wait(&clone));
        }
        assert_fails(ErrorKind::NotConnected, clone.close());
    });
}

#[test]
fn the_peer_sees_the_end() {
    let _alone = alone();
    everywhere(|place| {
        let (near, mut far) = pair();
        let clone = near.try_clone().unwrap();
        (&near).write_all(b"last words").unwrap();
        let reader = place.start(move || {
            let mut text = String::new();
            far.read_to_string(&mut text).map(|_| text)
        });
        near.close().unwrap();
        assert_eq!(reader.join().unwrap(), "last words");
        drop(clone);
    });
}

#[test]
fn a_connection_that_the_peer_has_closed_closes_without_an_error() {
    let _alone = alone();
    everywhere(|_| {
        let (near, far) = pair();
        common::reset(far);
        assert_fails(ErrorKind::ConnectionReset, (&near).read(&mut [0; 8]));
        near.close().unwrap();
    });
}

#[test]
fn the_descriptor_goes_with_the_last_handle() {
    let _alone = alone();
    everywhere(|place| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let before = open_sockets();

        let near = TcpStream::connect(addr).unwrap();
        let (far, _) = listener.accept().unwrap();
        assert_eq!(open_sockets(), before + 2);
        let clones: Vec<_> = (0..10).map(|_| near.try_clone().unwrap()).collect();
        assert_eq!(open_sockets(), before + 2, "a clone costs a descriptor");

        let waiting = near.try_clone().unwrap();
        let waiter = place.start(move || {
            let result = (&waiting).read(&mut [0; 8]);
            // Held until the main goroutine has looked.
            (result, waiting)
        });
        waiter.until_waiting(WaitReason::IoRead);
        near.close().unwrap();
        let number = near.as_raw_fd();
        drop((near, clones));
        let (result, waiting) = waiter.join();
        assert_fails(ErrorKind::NotConnected, result);
        // The number is not given to anybody else as long as somebody has a handle.
        assert_eq!(open_sockets(), before + 2);
        let other = TcpStream::connect(addr).unwrap();
        assert_ne!(other.as_raw_fd(), number);
        assert_fails(ErrorKind::NotConnected, (&waiting).read(&mut [0; 8]));
        drop((other, waiting));
        assert_eq!(open_sockets(), before + 1);
        drop(far);
        assert_eq!(open_sockets(), before);
    });
}

#[test]
fn descriptors_go_with_what_holds_them() {
    let _alone = alone();
    everywhere(|place| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let before = open_sockets();

        // An attempt that fails, and one that nobody accepts.
        let gone = common::listener().local_addr().unwrap();
        assert_fails(ErrorKind::ConnectionRefused, TcpStream::connect(gone));
        drop(TcpStream::connect(addr).unwrap());
        drop(listener.accept().unwrap());
        assert_eq!(open_sockets(), before);

        // A goroutine that panics.
        if place == Place::Goroutines {
            let handle = marmot::go(move || {
                let _near = TcpStream::connect(addr).unwrap();
                panic!("with a connection (this is part of the test)");
            });
            handle.join().unwrap_err();
            drop(listener.accept().unwrap());
            assert_eq!(open_sockets(), before);
        }

        // What goes by way of `std`.
        let near = TcpStream::connect(addr).unwrap();
        let clone = near.try_clone().unwrap();
        let (far, _) = listener.accept().unwrap();
        drop(std::net::TcpStream::from(near));
        assert_eq!(open_sockets(), before + 2);
        drop((std::net::TcpStream::from(clone), std::os::fd::OwnedFd::from(far)));
        assert_eq!(open_sockets(), before);
    });
}

#[test]
fn a_shutdown_ends_every_wait_and_closes_what_the_runtime_opened() {
    let _alone = alone();
    bounded(|| {
        marmot::go(|| {}).join().unwrap();
        for procs in [1, 2, 4] {
            let before = open_descriptors();
            let rt = runtime(procs);
            let (errors, kept) = rt.run(|| {
                let listener = listener();
                let mut waiters = vec![];
                let mut kept = vec![];
                for (wait, reason) in WAITS {
                    let (near, far) = pair();
                    let waiter = marmot::go(move || wait(&near).map_err(|e| e.kind()));
                    until(|| waiter.goroutine().wait_reason() == Some(reason));
                    waiters.push(waiter);
                    kept.push(far);
                }
                let (near, far) = pair();
                waiters.push(near.go_when_readable(|mut near| near.read(&mut [0]).map(drop).map_err(|e| e.kind())));
                kept.push(far);
                let waiter = marmot::go(move || listener.accept().map(drop).map_err(|e| e.kind()));
                until(|| waiter.goroutine().wait_reason() == Some(WaitReason::IoRead));
                waiters.push(waiter);
                (waiters, kept)
            });
            rt.shutdown(LIMIT).unwrap();
            for handle in errors {
                // Whatever it says, it is no success; and what had not started may say that it never did.
                assert!(!matches!(handle.join(), Ok(Ok(()))));
            }
            drop(kept);
            // The Ms close their pollers when they end, each in its own time.
            until(|| open_descriptors() <= before);
        }
    });
}

/// The turn to read goes with the goroutine that held it, started or not.
#[test]
fn a_runtime_that_goes_away_lets_go_of_its_turns() {
    let _alone = alone();
    bounded(|| {
        for _ in 0..50 {
            let rt = runtime(2);
            let (mut near, far) = pair();
            let mut kept = far.try_clone().unwrap();
            let handle = rt.run(move || far.go_when_readable(drop));
            drop(rt);
            near.write_all(b"x").unwrap();
            assert_eq!(kept.read(&mut [0; 8]).unwrap(), 1);
            drop(handle);
        }
    });
}

#[test]
fn closing_races_with_reading_and_writing() {
    let _alone = alone();
    fn churn(place: Place, rounds: usize) {
        for i in 0..rounds {
            let (near, far) = pair();
            let mut users = vec![];
            for (wait, _) in WAITS {
                let clone = near.try_clone().unwrap();
                users.push(place.start(move || {
                    let mut kind = wait(&clone).map_err(|e| e.kind());
                    while kind.is_ok() {
                        kind = wait(&clone).map_err(|e| e.kind());
                    }
                    assert_eq!(kind, Err(ErrorKind::NotConnected));
                }));
            }
            (&far).write_all(&[1; 100]).unwrap();
            for _ in 0..i % 4 {
                marmot::yield_now();
            }
            near.close().unwrap();
            users.into_iter().for_each(|user| user.join());
        }
    }
    for procs in [1, 2, 4] {
        with_procs(procs, || churn(Place::Goroutines, 200));
    }
    bounded(|| churn(Place::Threads, 50));
}
