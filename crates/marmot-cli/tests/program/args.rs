//! What is said about options that will not do.

use crate::common::{self, BOUND, Server, read_all, send_all};
use std::net::{Ipv4Addr, TcpStream};

/// What the program says to arguments that it refuses.
fn refusal(args: &[&str]) -> String {
    let output = common::output(args, BOUND);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(2), &b""[..]), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_address_has_a_port() {
    for addr in ["foo", "127.0.0.1", "::1", "8080", "localhost:http", "127.0.0.1:65536", "127.0.0.1:-1"] {
        for args in [
            ["serve", "http", "--addr", addr].as_slice(),
            &["serve", "echo", "--pprof", addr],
            &["serve", "proxy", "--to", addr],
        ] {
            let said = refusal(args);
            assert!(said.contains("expected HOST:PORT") && said.contains(addr), "{args:?}: {said}");
        }
    }
}

#[test]
fn without_a_host_all_interfaces_are_listened_on() {
    let server = Server::start_at(":0", &["echo"]);
    assert!(server.addr.ip().is_unspecified(), "{}", server.addr);
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.addr.port())).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    send_all(&stream, b"hello".to_vec()).join().unwrap();
    assert_eq!(read_all(&stream), b"hello");
}

#[test]
fn numbers_out_of_range_are_refused() {
    let huge = "99999999999999999999999";
    for (args, zero_is_fine) in [
        (["serve", "frames", "--size"].as_slice(), false),
        (&["serve", "echo", "--procs"], false),
        (&["serve", "echo", "--max-conns"], false),
        (&["serve", "echo", "--stack-size"], false),
        (&["serve", "echo", "--grace"], true),
        (&["bench", "switch", "--count"], false),
        (&["bench", "switch", "--procs"], false),
        (&["eras", "--conns"], false),
        (&["eras", "--size"], false),
        (&["eras", "--seconds"], false),
        (&["profile", "advise", "nothing", "--seconds"], false),
        (&["profile", "advise", "nothing", "--top"], true),
    ] {
        for value in ["-1", "x", "", huge].into_iter().chain((!zero_is_fine).then_some("0")) {
            let said = refusal(&[args, &[value]].concat());
            let expected = ["expected a whole number from", "expected a number of seconds from"];
            assert!(expected.iter().any(|text| said.contains(text)), "{args:?} {value}: {said}");
            assert!(said.contains(args.last().unwrap()), "{args:?} {value}: {said}");
        }
    }
}

#[test]
fn the_servers_are_named() {
    let text = String::from_utf8(common::output(&["serve", "--help"], BOUND).stdout).unwrap();
    let first = text.lines().next().unwrap();
    assert!(["echo", "frames", "HTTP/1.1", "proxy"].iter().all(|name| first.contains(name)), "{first}");
}
