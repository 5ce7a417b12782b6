//! Copying in both directions between stream sockets that have a path.

#![cfg(unix)]

mod common;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

use common::within_bound;
use marmot_io::{CloseWrite, copy_bidirectional, read_all};

#[test]
fn unix_sockets_are_proxied() {
    within_bound(|| {
        let ((mut client, inside), (outside, mut server)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        let proxy = thread::spawn(move || copy_bidirectional(&inside, &outside));
        client.write_all(b"question").unwrap();
        client.close_write().unwrap();
        assert_eq!(read_all(&mut server).unwrap(), b"question");
        server.write_all(b"answer").unwrap();
        server.close_both().unwrap();
        assert_eq!(read_all(&mut client).unwrap(), b"answer");
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        let both = proxy.join().unwrap().unwrap();
        assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (8, 6));
        assert!(both.a_to_b.result.is_ok() && both.b_to_a.result.is_ok());
    });
}
