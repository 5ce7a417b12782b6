//! `marmot serve --max-conns`: what is too much waits, and is served later.

use crate::common::{Server, read_all};
use rustix::process::Signal;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Whether a byte comes back.
fn is_served(mut stream: &TcpStream) -> bool {
    stream.write_all(b"x").unwrap();
    match stream.read(&mut [0]) {
        Ok(count) => count == 1,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_connection_too_many_waits_for_another_to_end() {
    let server = Server::start(&["echo", "--max-conns", "2"]);
    let served: Vec<TcpStream> = (0..2).map(|_| server.connect()).collect();
    assert!(served.iter().all(is_served));
    // They are accepted in this order.
    let waiting = [server.connect(), server.connect()];
    let bound = waiting[0].read_timeout().unwrap();
    waiting[0].set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(!is_served(&waiting[0]), "a third one is served");
    waiting[0].set_read_timeout(bound).unwrap();
    for (ends, comes) in served.into_iter().zip(&waiting) {
        drop(ends);
        assert!(is_served(comes));
    }
}

#[test]
fn a_signal_ends_a_server_that_is_full() {
    let server = Server::start(&["echo", "--max-conns", "1"]);
    let stream = server.connect();
    assert!(is_served(&stream));
    server.signal(Signal::TERM);
    assert_eq!(read_all(&stream), b"");
    assert!(server.end().success());
}
