//! Every call also works from a plain thread, on the default runtime.

mod common;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use common::{bounded, listener, ms, until};
use marmot::WaitReason;
use marmot::net::TcpStream;

/// Answers each word with the same.
fn answer(mut conn: TcpStream) {
    let mut word = [0; 4];
    while conn.read_exact(&mut word).is_ok() {
        conn.write_all(&word).unwrap();
    }
}

fn ask(addr: SocketAddr, i: u32) {
    let mut conn = TcpStream::connect(addr).unwrap();
    for round in 0..200 {
        let asked = (i * 1000 + round).to_be_bytes();
        let mut answer = [0; 4];
        conn.write_all(&asked).unwrap();
        conn.read_exact(&mut answer).unwrap();
        assert_eq!(answer, asked);
    }
}

/// Threads and goroutines serve threads and goroutines, in every combination.
#[test]
fn threads_and_goroutines_talk_to_each_other() {
    const CONNECTIONS: u32 = 24;
    bounded(|| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            for (i, conn) in listener.incoming().take(CONNECTIONS as usize).enumerate() {
                let conn = conn.unwrap();
                if i % 2 == 0 {
                    thread::spawn(move || answer(conn));
                } else {
                    marmot::go(move || answer(conn));
                }
            }
        });
        let threads: Vec<_> = (0..CONNECTIONS / 2).map(|i| thread::spawn(move || ask(addr, i))).collect();
        let goroutines: Vec<_> = (CONNECTIONS / 2..CONNECTIONS).map(|i| marmot::go(move || ask(addr, i))).collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        goroutines.into_iter().for_each(|g| g.join().unwrap());
        server.join().unwrap();
    });
}

#[test]
fn waiting_in_every_way() {
    bounded(|| {
        let begun = Instant::now();
        marmot::sleep(ms(10));
        marmot::sleep_until(begun + ms(20));
        assert!(begun.elapsed() >= ms(20));
        marmot::sleep_until(begun);
        marmot::yield_now();

        let begun = Instant::now();
        marmot::park_timeout(ms(10));
        assert!(begun.elapsed() >= ms(10));
        let me = marmot::current();
        let other = marmot::go(move || me.unpark());
        marmot::park();
        other.join().unwrap();

        // `std`'s own token is another one.
        thread::current().unpark();
        marmot::park_timeout(ms(1));
        thread::park_timeout(Duration::ZERO);

        let mut text = String::new();
        marmot::blocking(|| text.push_str("here"));
        assert_eq!(text, "here");
    });
}

#[test]
fn scopes_and_joins() {
    bounded(|| {
        let words = ["goroutines".to_owned(), "of".to_owned(), "a thread".to_owned()];
        let total = AtomicUsize::new(0);
        marmot::scope(|s| {
            for word in &words {
                s.go(|| total.fetch_add(word.len(), SeqCst));
            }
        });
        assert_eq!(total.into_inner(), 20);

        let parked = marmot::go(|| {
            marmot::park();
            5
        });
        until(|| parked.goroutine().wait_reason() == Some(WaitReason::Parked));
        assert!(!parked.is_finished());
        parked.goroutine().unpark();
        assert_eq!(parked.join().unwrap(), 5);
    });
}

#[test]
fn a_threads_handle_is_its_own() {
    bounded(|| {
        let named = thread::Builder::new().name("named".into());
        let named = named.spawn(|| marmot::current().name().map(str::to_owned)).unwrap();
        assert_eq!(named.join().unwrap().as_deref(), Some("named"));
        assert_eq!(marmot::current().id(), marmot::current().id());
        assert_ne!(thread::spawn(|| marmot::current().id()).join().unwrap(), marmot::current().id());
    });
}

/// A destructor of a thread-local may be the last to use a connection.
#[test]
fn a_connection_in_a_thread_local() {
    struct Farewell(TcpStream);
    impl Drop for Farewell {
        fn drop(&mut self) {
            self.0.write_all(b"farewell").unwrap();
            assert_eq!(self.0.read(&mut [0; 8]).unwrap(), 2);
        }
    }
    thread_local! {
        static CONN: std::cell::OnceCell<Farewell> = const { std::cell::OnceCell::new() };
    }
    bounded(|| {
        let (near, mut far) = common::pair();
        let thread = thread::spawn(move || CONN.with(|conn| assert!(conn.set(Farewell(near)).is_ok())));
        let mut text = [0; 8];
        far.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"farewell");
        far.write_all(b"ok").unwrap();
        thread.join().unwrap();
    });
}
