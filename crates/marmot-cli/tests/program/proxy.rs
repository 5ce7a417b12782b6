//! `marmot serve proxy`, end to end.

use crate::common::{BOUND, Server, noise, read_all, send_all};
use rustix::process::Signal;
use socket2::SockRef;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// An upstream listener, and a proxy in front of it.
fn pair() -> (TcpListener, Server) {
    let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let to = upstream.local_addr().unwrap().to_string();
    let proxy = Server::start(&["proxy", "--to", &to]);
    (upstream, proxy)
}

/// A connection through the proxy: the client's end and the upstream's. A byte has passed, so it is known to be copied, and
/// not only to be accepted.
fn through(upstream: &TcpListener, proxy: &Server) -> (TcpStream, TcpStream) {
    let mut client = proxy.connect();
    let (mut server, _) = upstream.accept().unwrap();
    server.set_read_timeout(Some(BOUND)).unwrap();
    client.write_all(b"x").unwrap();
    server.read_exact(&mut [0]).unwrap();
    (client, server)
}

/// Has the connection reset when it is dropped.
fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn each_direction_ends_by_itself() {
    let (upstream, proxy) = pair();
    thread::scope(|scope| {
        for seed in 0..4 {
            let (client, server) = through(&upstream, &proxy);
            scope.spawn(move || {
                let (up, down) = (noise(3 << 20, seed), noise(2 << 20, seed + 100));
                // The client's side ends first; the other one goes on for all its length.
                let sender = send_all(&client, up.clone());
                assert!(read_all(&server) == up, "the bytes upstream differ");
                sender.join().unwrap();
                let sender = send_all(&server, down.clone());
                assert!(read_all(&client) == down, "the bytes downstream differ");
                sender.join().unwrap();
            });
        }
    });
}

#[test]
fn the_upstream_may_end_first() {
    let (upstream, proxy) = pair();
    let (mut client, mut server) = through(&upstream, &proxy);
    server.write_all(b"bye").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&client), b"bye");
    client.write_all(b"still here").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&server), b"still here");
}

#[test]
fn both_directions_at_once() {
    let (upstream, proxy) = pair();
    let (client, server) = through(&upstream, &proxy);
    let (up, down) = (noise(4 << 20, 1), noise(4 << 20, 2));
    let senders = [send_all(&client, up.clone()), send_all(&server, down.clone())];
    let reader = thread::spawn(move || read_all(&server));
    assert!(read_all(&client) == down);
    assert!(reader.join().unwrap() == up);
    for sender in senders {
        sender.join().unwrap();
    }
}

#[test]
fn resets_are_passed_on() {
    let (upstream, proxy) = pair();
    let (mut client, server) = through(&upstream, &proxy);
    reset(server);
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);

    let (client, mut server) = through(&upstream, &proxy);
    reset(client);
    assert_eq!(server.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

/// Whether the kernel will ask after this connection's peer, whose port is the second.
fn is_asked_after(from: u16, to: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let (from, to) = (format!(":{from:04X}"), format!(":{to:04X}"));
    table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).any(|fields| {
        // The addresses, the state, the queues, and the timer, of which 2 is that of keep-alive (proc_net_tcp.rst).
        matches!(&fields[..], [_, near, far, _, _, timer, ..]
            if near.ends_with(&from) && far.ends_with(&to) && timer.starts_with("02:"))
    })
}

#[test]
fn silent_peers_are_asked_after() {
    let (upstream, proxy) = pair();
    let (client, server) = through(&upstream, &proxy);
    let client_side = (proxy.addr.port(), client.local_addr().unwrap().port());
    let upstream_side = (server.peer_addr().unwrap().port(), server.local_addr().unwrap().port());
    for (from, to) in [client_side, upstream_side] {
        // Until everything is acknowledged, the timer is another one.
        let begun = Instant::now();
        while !is_asked_after(from, to) {
            assert!(begun.elapsed() < BOUND, "port {from} does not ask after port {to}");
            thread::park_timeout(Duration::from_millis(10));
        }
    }
}

#[test]
fn without_an_upstream_the_client_is_closed() {
    let (upstream, proxy) = pair();
    drop(upstream);
    let mut client = proxy.connect();
    // Closed or reset, depending on what the client had sent by then.
    match client.read(&mut [0]) {
        Ok(count) => assert_eq!(count, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn a_signal_lets_connections_finish() {
    let (upstream, proxy) = pair();
    let (client, server) = through(&upstream, &proxy);
    proxy.signal(Signal::TERM);
    let sent = noise(1 << 20, 9);
    let sender = send_all(&client, sent.clone());
    assert!(read_all(&server) == sent);
    sender.join().unwrap();
    drop(server);
    assert_eq!(read_all(&client), b"");
    assert!(proxy.end().success());
}
