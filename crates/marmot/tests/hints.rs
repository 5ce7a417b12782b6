//! Reads that look short and are not: the next one must not wait for an event that never comes.

use std::io::{IoSliceMut, Read, Write};
use std::time::Duration;

use marmot::net::{TcpListener, TcpStream};

/// Only a failure takes that long.
const LIMIT: Duration = Duration::from_secs(60);

fn pair() -> (TcpStream, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (conn, _) = listener.accept().unwrap();
    conn.set_read_timeout(Some(LIMIT)).unwrap();
    (conn, peer)
}

/// The system fills at most so many buffers at a time, however many it is given.
#[marmot::test(procs = 1)]
fn more_buffers_than_the_system_takes() {
    const BYTES: usize = 1500;
    let (mut conn, mut peer) = pair();
    peer.write_all(&[7; BYTES]).unwrap();
    let mut bytes = [0; BYTES];
    let mut read = 0;
    while read < BYTES {
        let mut bufs: Vec<_> = bytes[read..].chunks_mut(1).map(IoSliceMut::new).collect();
        read += conn.read_vectored(&mut bufs).unwrap();
    }
    assert_eq!(bytes, [7; BYTES]);
}

/// A read stops at urgent data (tcp(7)), although there is more behind it.
#[marmot::test(procs = 1)]
fn urgent_data_in_the_middle() {
    let (mut conn, peer) = pair();
    // The goroutine waits first, so that the descriptor is watched when all of it comes.
    let reader = marmot::go(move || {
        let mut all = Vec::new();
        let mut buf = [0; 64];
        while all.len() < 6 {
            let n = conn.read(&mut buf).unwrap();
            all.extend_from_slice(&buf[..n]);
        }
        all
    });
    while reader.goroutine().wait_reason().is_none() {
        marmot::yield_now();
    }
    let socket = socket2::SockRef::from(&peer);
    socket.send(b"abc").unwrap();
    socket.send_out_of_band(b"!").unwrap();
    socket.send(b"def").unwrap();
    assert_eq!(reader.join().unwrap(), b"abcdef");
}
