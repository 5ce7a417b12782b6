//! `marmot serve frames`, end to end.

use crate::common;
use crate::common::{Server, noise, read_all};
use rustix::process::Signal;
use std::io::{Read, Write};

const WAYS: [&[&str]; 2] = [&["frames", "--size", "64"], &["frames", "--size", "64", "--direct"]];

#[test]
fn frames_come_back_however_they_are_sent() {
    for way in WAYS {
        common::assert_echoes_to_many(&Server::start(way), 64 * 5000);
    }
}

#[test]
fn a_frame_is_answered_when_it_is_whole() {
    for way in WAYS {
        let server = Server::start(way);
        let mut stream = server.connect();
        let sent = noise(64 * 3, 1);
        // A frame and a half, then the other half, and one more.
        stream.write_all(&sent[..96]).unwrap();
        let mut answer = vec![0; 64];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, sent[..64], "{way:?}");
        stream.write_all(&sent[96..]).unwrap();
        let mut answer = vec![0; 128];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, sent[64..], "{way:?}");
    }
}

#[test]
fn a_signal_lets_the_frame_under_way_be_finished() {
    for way in WAYS {
        let server = Server::start(&[way, &["--grace", "30"]].concat());
        let mut idle = server.connect();
        idle.write_all(&[1; 64]).unwrap();
        idle.read_exact(&mut [0; 64]).unwrap();
        let mut stream = server.connect();
        // The first frame's answer tells that the server has what came with it.
        stream.write_all(&[7; 96]).unwrap();
        stream.read_exact(&mut [0; 64]).unwrap();
        server.signal(Signal::TERM);
        assert_eq!(read_all(&idle), b"", "{way:?}");
        // Read straight off the connection, what has come of the second one is not known before it is read.
        if way.contains(&"--direct") {
            continue;
        }
        stream.write_all(&[7; 32]).unwrap();
        assert_eq!(read_all(&stream), [7; 64], "{way:?}");
        assert!(server.end().success(), "{way:?}");
    }
}
