//! Listeners that are closed under those who accept from them, and under those who knock.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use marmot::net::{TcpListener, TcpStream};
use marmot::{go, scope, sleep};

use crate::counts::What;
use crate::ground::Ground;

/// How long a guest waits before it takes itself to be forgotten.
const FORGOTTEN: Duration = Duration::from_millis(100);

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "doors", |chance| {
        let door = TcpListener::bind("127.0.0.9:0").expect("a port is free");
        let addr = door.local_addr().expect("a listener has an address");
        let (delay, deadline) = (chance.micros(400), chance.micros(400));
        scope(|s| {
            for _ in 0..3 {
                s.go(|| {
                    loop {
                        match door.accept() {
                            Ok((guest, _)) => drop(guest),
                            Err(e) if e.kind() == ErrorKind::TimedOut => door.set_deadline(None).expect("it is open"),
                            Err(e) => {
                                assert_eq!(e.kind(), ErrorKind::NotConnected, "{e}");
                                break;
                            }
                        }
                    }
                });
            }
            for _ in 0..3 {
                // Some get in and find the end, some are refused, some are turned away. And some are forgotten: when a
                // listener stops in the middle of a handshake, the kernel may leave the client's end without a peer.
                s.go(|| {
                    if let Ok(mut guest) = TcpStream::connect_timeout(&addr, Duration::from_secs(10)) {
                        guest.set_read_timeout(Some(FORGOTTEN)).expect("the timeout is not zero");
                        let end = guest.read(&mut [0]).map_err(|e| e.kind());
                        assert!(!matches!(end, Ok(1..)), "a byte has come that nobody sent");
                    }
                });
            }
            s.go(|| {
                door.set_deadline(Some(Instant::now() + deadline)).expect("a deadline can be set");
                sleep(delay);
                door.close().expect("a listener can be closed");
            });
        });
        assert_eq!(door.accept().map(drop).map_err(|e| e.kind()), Err(ErrorKind::NotConnected));
        // One that shares nothing with the bout's goroutines any more is dropped like any other.
        go(move || drop(door)).join().expect("a drop does not panic");
        ground.count(What::Doors, 1);
    });
}
