//! How the iterators over connections end.

use std::io::ErrorKind;
use std::time::Duration;

use marmot::Runtime;
use marmot::context::{Context, Error};
use marmot::net::{TcpListener, TcpStream};

#[marmot::test]
fn a_closed_listener_ends_them_after_one_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let theirs = listener.try_clone().unwrap();
    let accepting = marmot::go(move || theirs.incoming().map(|c| c.unwrap_err().kind()).collect::<Vec<_>>());
    while accepting.goroutine().wait_reason().is_none() {
        marmot::yield_now();
    }
    listener.close().unwrap();
    assert_eq!(accepting.join().unwrap(), [ErrorKind::NotConnected]);
    assert_eq!(listener.into_incoming().count(), 1);
}

/// The usual loop of a server, which passes errors over, must not keep a runtime from ending.
#[test]
fn a_server_ends_with_its_runtime() {
    let runtime = Runtime::builder().procs(2).build().unwrap();
    let listener = runtime.run(|| TcpListener::bind("127.0.0.1:0")).unwrap();
    let accepting = runtime.go(move || listener.incoming().flatten().count());
    while accepting.goroutine().wait_reason().is_none() {
        std::thread::yield_now();
    }
    runtime.shutdown(Duration::from_secs(120)).unwrap();
    assert_eq!(accepting.join().unwrap(), 0);
}

/// Nor may it keep a scope from ending: every call that it would make fails at once.
#[marmot::test]
fn a_server_ends_with_its_context() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    marmot::scope(|s| {
        let accepting = s.go(|| listener.incoming().flatten().count());
        let _conn = TcpStream::connect(addr).unwrap();
        while accepting.goroutine().wait_reason().is_none() {
            marmot::yield_now();
        }
        s.cancel();
        assert_eq!(accepting.join().unwrap(), 1);
    });
    // Who looks for a while only goes on afterwards.
    let mut incoming = listener.incoming();
    let (ctx, _cancel) = Context::current().with_timeout(Duration::from_millis(1));
    let error = ctx.run(|| incoming.next()).unwrap().unwrap_err();
    assert!(Error::of(&error).unwrap().is_deadline_exceeded());
    let _conn = TcpStream::connect(addr).unwrap();
    assert!(incoming.next().unwrap().is_ok());
    ctx.run(|| {
        assert!(incoming.next().unwrap().is_err());
        assert!(incoming.next().is_none());
    });
    assert!(incoming.next().is_none(), "it is over for good");
}
