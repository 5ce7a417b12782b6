//! How the iterators over connections end.

use std::io::ErrorKind;
use std::time::Duration;

use marmot::Runtime;
use marmot::net::TcpListener;

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
    runtime.shutdown(Duration::from_secs(10)).unwrap();
    assert_eq!(accepting.join().unwrap(), 0);
}
