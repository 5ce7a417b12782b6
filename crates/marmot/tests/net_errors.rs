//! What errors of connecting, listening and looking up say: what failed and where. Their kinds, and the system's numbers, are
//! those that `std` has.

mod common;

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use common::{everywhere, listener, ms};
use marmot::context::{self, Context};
use marmot::net::{TcpListener, TcpStream, ToSocketAddrs};

/// An address of this machine where nobody listens.
fn closed() -> SocketAddr {
    listener().local_addr().unwrap()
}

/// The system's error, wherever it is.
fn of_system(error: &io::Error) -> &io::Error {
    error.source().and_then(|source| source.downcast_ref()).unwrap_or(error)
}

/// Asserts that ours is the error of `std`, but for what it says before and after it.
#[track_caller]
fn assert_same<T, U>(ours: io::Result<T>, theirs: io::Result<U>, operation: &str) {
    let (ours, theirs) = (ours.map(drop).unwrap_err(), theirs.map(drop).unwrap_err());
    assert_eq!(ours.kind(), theirs.kind());
    assert_eq!(of_system(&ours).raw_os_error(), theirs.raw_os_error());
    assert_eq!(ours.to_string(), format!("{operation}: {theirs}"));
}

#[test]
fn a_refused_connection_says_where() {
    everywhere(|_| {
        let addr = closed();
        let operation = format!("connect to {addr}");
        assert_same(TcpStream::connect(addr), std::net::TcpStream::connect(addr), &operation);
        let limit = Duration::from_secs(60);
        assert_same(
            TcpStream::connect_timeout(&addr, limit),
            std::net::TcpStream::connect_timeout(&addr, limit),
            &operation,
        );
    });
}

#[test]
fn a_connection_to_several_addresses_tells_of_all() {
    everywhere(|_| {
        let addrs = [closed(), closed(), closed()];
        let error = TcpStream::connect(&addrs[..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let refused = of_system(&error).to_string();
        let [a, b, c] = addrs.map(|addr| format!("connect to {addr}: {refused}"));
        assert_eq!(error.to_string(), format!("{c}; before that, {a}; {b}"));
        // One that answers is enough.
        let listener = listener();
        TcpStream::connect(&[addrs[0], listener.local_addr().unwrap()][..]).unwrap();
    });
}

#[test]
fn an_address_in_use_says_which_and_advises_nothing() {
    everywhere(|_| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        assert_same(TcpListener::bind(addr), std::net::TcpListener::bind(addr), &format!("bind to {addr}"));
        assert_eq!(TcpListener::bind(addr).unwrap_err().kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn an_address_of_another_machine_cannot_be_bound() {
    everywhere(|_| {
        // TEST-NET-1 (RFC 5737) is nobody's.
        let error = TcpListener::bind("192.0.2.1:0").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        let text = error.to_string();
        assert!(text.starts_with("bind to 192.0.2.1:0: "), "{text}");
        assert!(!text.contains("ip_local_port_range"), "no range of ports helps: {text}");
    });
}

#[test]
fn a_host_that_cannot_be_looked_up_is_named() {
    everywhere(|_| {
        // Neither needs a resolver to be refused.
        for (host, kind) in [("127.0.0.1", ErrorKind::InvalidInput), ("localhost:no-port", ErrorKind::InvalidInput)] {
            let operation = format!("look up {host}");
            assert_same(TcpStream::connect(host), std::net::TcpStream::connect(host), &operation);
            assert_same(TcpListener::bind(host), std::net::TcpListener::bind(host), &operation);
            assert_eq!(host.to_socket_addrs().unwrap_err().kind(), kind);
        }
        // A name with a zero byte is no name for any resolver.
        let host = "no\0name";
        let error = TcpStream::connect((host, 80)).unwrap_err();
        assert_eq!(error.kind(), std::net::TcpStream::connect((host, 80)).unwrap_err().kind());
        assert!(error.to_string().starts_with("look up no\0name:80: "), "{error}");
    });
}

#[test]
fn the_end_of_a_context_stays_what_it_is() {
    everywhere(|_| {
        let (ctx, cancel) = Context::background().with_cancel();
        cancel.cancel();
        let error = ctx.run(|| TcpStream::connect(closed())).unwrap_err();
        assert!(context::Error::of(&error).is_some(), "{error}");
        let error = ctx.run(|| "localhost:80".to_socket_addrs()).unwrap_err();
        assert!(context::Error::of(&error).is_some(), "{error}");
    });
}

#[test]
fn a_connection_that_is_not_made_in_time_says_where() {
    everywhere(|_| {
        // A full queue of a listener that nobody accepts from: what comes then is not answered.
        let listener = TcpListener::builder().backlog(1).bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let error = (0..20)
            .map(|_| TcpStream::connect_timeout(&addr, ms(20)))
            .scan(Vec::new(), |open, result| Some(result.map(|conn| open.push(conn)).err()))
            .flatten()
            .next()
            .expect("a queue of one is full after twenty");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.to_string(), format!("connect to {addr}: timed out"));
    });
}
