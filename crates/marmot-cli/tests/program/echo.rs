//! `marmot serve echo`, end to end.

use crate::common;
use crate::common::{Server, read_all, send_all};
use rustix::process::Signal;
use std::io::{Read, Write};

const WAYS: [&[&str]; 2] = [&["echo"], &["echo", "--on-readable"]];

#[test]
fn echoes_much_from_many() {
    for way in WAYS {
        common::assert_echoes_to_many(&Server::start(way), 1 << 20);
    }
}

#[test]
fn answers_turn_by_turn() {
    for way in WAYS {
        let server = Server::start(way);
        let mut stream = server.connect();
        for turn in 0..100_u8 {
            stream.write_all(&[turn; 3]).unwrap();
            let mut answer = [0; 3];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, [turn; 3]);
        }
    }
}

#[test]
fn the_options_are_taken() {
    let server = Server::start(&["echo", "--procs", "1", "--stack-size", "65536"]);
    let stream = server.connect();
    send_all(&stream, b"hello".to_vec()).join().unwrap();
    assert_eq!(read_all(&stream), b"hello");
}

#[test]
fn a_signal_closes_idle_connections_and_ends_the_server() {
    for way in WAYS {
        for signal in [Signal::TERM, Signal::INT] {
            let server = Server::start(way);
            let mut connections: Vec<_> = (0..20).map(|_| server.connect()).collect();
            for stream in &mut connections {
                stream.write_all(b"x").unwrap();
                stream.read_exact(&mut [0]).unwrap();
            }
            server.signal(signal);
            for stream in &connections {
                assert_eq!(read_all(stream), b"", "{way:?}");
            }
            assert!(server.end().success(), "{way:?}");
        }
    }
}

#[test]
fn an_address_in_use_is_an_error() {
    let server = Server::start(&["echo"]);
    let output = common::output(&["serve", "echo", "--addr", &server.addr.to_string()], common::BOUND);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&server.addr.to_string()), "{text}");
}
