//! Copying in both directions at the same time.

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::{kind, within_bound};
use marmot_io::{
    BothWays, CloseWrite, Duplex, Half, Partial, copy_bidirectional, copy_bidirectional_by, copy_counted, duplex,
    read_all, read_full,
};

/// The two ends of a connection.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// A proxy between two connections: its client, its server, and what comes of it.
fn proxied() -> (Duplex, Duplex, JoinHandle<io::Result<BothWays>>) {
    let ((client, inside), (outside, server)) = (duplex(), duplex());
    (client, server, thread::spawn(move || copy_bidirectional(&inside, &outside)))
}

#[test]
fn each_direction_says_how_much_and_how_it_ended() {
    within_bound(|| {
        let (mut client, mut server, proxy) = proxied();
        client.write_all(b"question").unwrap();
        client.close_write().unwrap();
        assert_eq!(read_all(&mut server).unwrap(), b"question");
        // The other direction is still open.
        server.write_all(b"long answer").unwrap();
        drop(server);
        assert_eq!(read_all(&mut client).unwrap(), b"long answer");
        let both = proxy.join().unwrap().unwrap();
        assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (8, 11));
        both.a_to_b.result.unwrap();
        both.b_to_a.result.unwrap();
    });
}

#[test]
fn the_end_is_passed_on_in_either_direction() {
    within_bound(|| {
        let (mut client, mut server, proxy) = proxied();
        server.close_write().unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        client.write_all(b"still here").unwrap();
        let mut word = [0; 10];
        read_full(&mut server, &mut word).unwrap();
        assert_eq!(&word, b"still here");
        drop(client);
        assert_eq!(server.read(&mut word).unwrap(), 0);
        let both = proxy.join().unwrap().unwrap();
        assert!(both.a_to_b.result.is_ok() && both.b_to_a.result.is_ok());
    });
}

#[test]
fn an_error_of_one_direction_ends_the_other() {
    within_bound(|| {
        let (client, mut server, proxy) = proxied();
        client.writer().close_with_error(io::Error::new(ErrorKind::InvalidData, "torn"));
        let both = proxy.join().unwrap().unwrap();
        assert_eq!((both.a_to_b.bytes, kind(both.a_to_b.result)), (0, ErrorKind::InvalidData));
        // That waited for the server, which is still there and finds its connection closed.
        assert_eq!(both.b_to_a.bytes, 0);
        assert_eq!(kind(both.b_to_a.result), ErrorKind::BrokenPipe);
        assert_eq!(server.read(&mut [0]).unwrap(), 0);
        assert_eq!(kind(server.write(b"x")), ErrorKind::BrokenPipe);
    });
}

#[test]
fn an_error_comes_with_what_had_arrived() {
    within_bound(|| {
        let (mut client, mut server, proxy) = proxied();
        client.write_all(b"hello").unwrap();
        let mut part = [0; 5];
        read_full(&mut server, &mut part).unwrap();
        drop(server);
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        // Nobody reads this any more.
        let _ = client.write_all(b"lost");
        let both = proxy.join().unwrap().unwrap();
        assert_eq!((both.a_to_b.bytes, kind(both.a_to_b.result)), (5, ErrorKind::BrokenPipe));
        assert!(both.b_to_a.result.is_ok());
    });
}

#[test]
fn sockets_are_proxied() {
    within_bound(|| {
        let ((mut client, inside), (outside, mut server)) = (connection(), connection());
        let proxy = thread::spawn(move || copy_bidirectional(&inside, &outside));
        let echo = thread::spawn(move || {
            let all = read_all(&mut server).unwrap();
            server.write_all(&all).unwrap();
        });
        let question: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        client.write_all(&question).unwrap();
        client.close_write().unwrap();
        assert!(read_all(&mut client).unwrap() == question);
        echo.join().unwrap();
        let both = proxy.join().unwrap().unwrap();
        assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (400_000, 400_000));
        assert!(both.a_to_b.result.is_ok() && both.b_to_a.result.is_ok());
    });
}

#[test]
fn different_kinds_of_connections_are_proxied() {
    within_bound(|| {
        let ((mut client, inside), (outside, mut server)) = (connection(), duplex());
        let proxy = thread::spawn(move || copy_bidirectional(&inside, &outside));
        client.write_all(b"over a socket").unwrap();
        client.close_write().unwrap();
        assert_eq!(read_all(&mut server).unwrap(), b"over a socket");
        server.close_both().unwrap();
        assert_eq!(read_all(&mut client).unwrap(), b"");
        assert!(proxy.join().unwrap().is_ok());
    });
}

#[test]
fn a_peer_that_has_gone_does_not_mind_to_be_closed() {
    within_bound(|| {
        let (mut here, there) = connection();
        there.close_both().unwrap();
        assert_eq!(here.read(&mut [0]).unwrap(), 0);
        for _ in 0..2 {
            here.close_write().unwrap();
            here.close_both().unwrap();
        }
        assert_eq!(kind(here.shutdown(Shutdown::Write)), ErrorKind::NotConnected);
    });
}

#[test]
fn connections_are_closed_through_pointers() {
    let (client, mut server) = duplex();
    let client = Arc::new(client);
    Box::new(&client).close_write().unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    (&mut &*client as &mut dyn CloseWrite).close_both().unwrap();
    assert_eq!(kind(server.write(b"x")), ErrorKind::BrokenPipe);
}

#[test]
fn the_means_are_the_callers() {
    within_bound(|| {
        let ((mut client, inside), (outside, mut server)) = (duplex(), duplex());
        let copies = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&copies);
        let proxy = thread::spawn(move || {
            let copy = |mut from: &Duplex, mut to: &Duplex| {
                counting.fetch_add(1, SeqCst);
                copy_counted(&mut from, &mut to)
            };
            let run_both = |first: Half<'_>, second: Half<'_>| {
                thread::scope(|scope| {
                    scope.spawn(first);
                    scope.spawn(second);
                });
                Ok(())
            };
            copy_bidirectional_by(&inside, &outside, run_both, copy, copy)
        });
        client.write_all(b"hello").unwrap();
        client.close_write().unwrap();
        assert_eq!(read_all(&mut server).unwrap(), b"hello");
        drop(server);
        assert_eq!(proxy.join().unwrap().unwrap().a_to_b.bytes, 5);
        assert_eq!(copies.load(SeqCst), 2);
    });
}

fn copies_nothing(_: &Duplex, _: &Duplex) -> Result<u64, Partial> {
    Ok(0)
}

#[test]
fn who_cannot_run_both_says_so() {
    let (a, b) = duplex();
    let cannot = |_: Half<'_>, _: Half<'_>| Err(ErrorKind::OutOfMemory.into());
    assert_eq!(kind(copy_bidirectional_by(&a, &b, cannot, copies_nothing, copies_nothing)), ErrorKind::OutOfMemory);
}

#[test]
#[should_panic = "runs both directions"]
fn who_forgets_one_is_found_out() {
    let (a, b) = duplex();
    let forgets = |first: Half<'_>, _: Half<'_>| {
        first();
        Ok(())
    };
    let _ = copy_bidirectional_by(&a, &b, forgets, copies_nothing, copies_nothing);
}

#[test]
fn a_direction_that_panics_ends_the_other() {
    within_bound(|| {
        let ((_client, inside), (outside, mut server)) = (duplex(), duplex());
        let proxy = thread::spawn(move || {
            let panics = |_: &Duplex, _: &Duplex| -> Result<u64, Partial> { panic!("a reader that panics") };
            let copies = |mut from: &Duplex, mut to: &Duplex| copy_counted(&mut from, &mut to);
            let run_both = |first: Half<'_>, second: Half<'_>| {
                thread::scope(|scope| {
                    scope.spawn(first);
                    second();
                });
                Ok(())
            };
            copy_bidirectional_by(&inside, &outside, run_both, panics, copies)
        });
        assert!(proxy.join().is_err());
        assert_eq!(server.read(&mut [0]).unwrap(), 0);
    });
}

/// Counts how it is closed.
#[derive(Default)]
struct Closes {
    write: AtomicUsize,
    both: AtomicUsize,
}

impl CloseWrite for Closes {
    fn close_write(&self) -> io::Result<()> {
        self.write.fetch_add(1, SeqCst);
        Ok(())
    }

    fn close_both(&self) -> io::Result<()> {
        self.both.fetch_add(1, SeqCst);
        Ok(())
    }
}

#[test]
fn who_has_got_everything_is_not_closed_when_the_opposite_direction_fails() {
    let (client, server) = (Closes::default(), Closes::default());
    // The answer first, and then the rest of the question, which nobody wants any more.
    let one_by_one = |question: Half<'_>, answer: Half<'_>| {
        answer();
        question();
        Ok(())
    };
    let question = |_: &Closes, _: &Closes| Err(Partial { moved: 3, error: ErrorKind::BrokenPipe.into() });
    let answer = |_: &Closes, _: &Closes| Ok(11);
    let both = copy_bidirectional_by(&client, &server, one_by_one, question, answer).unwrap();
    assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (3, 11));
    assert_eq!((client.write.into_inner(), client.both.into_inner()), (1, 0));
    assert_eq!((server.write.into_inner(), server.both.into_inner()), (0, 1));
}

/// One whose half-close takes so long that the opposite direction fails meanwhile.
struct Slow {
    closes: Closes,
    /// The opposite direction, and the half-close.
    both_there: Barrier,
    other: Arc<Closes>,
}

impl CloseWrite for Slow {
    fn close_write(&self) -> io::Result<()> {
        self.both_there.wait();
        // The other one is closed first. This one would be closed at once after that; it is given some time to go wrong.
        let begun = Instant::now();
        while self.closes.both.load(SeqCst) == 0
            && (self.other.both.load(SeqCst) == 0 || begun.elapsed() < Duration::from_millis(50))
        {
            thread::yield_now();
        }
        self.closes.close_write()
    }

    fn close_both(&self) -> io::Result<()> {
        self.closes.close_both()
    }
}

#[test]
fn nor_while_the_end_is_being_passed_on_to_it() {
    within_bound(|| {
        let server = Arc::new(Closes::default());
        let client = Slow { closes: Closes::default(), both_there: Barrier::new(2), other: Arc::clone(&server) };
        let run_both = |question: Half<'_>, answer: Half<'_>| {
            thread::scope(|scope| {
                scope.spawn(question);
                answer();
            });
            Ok(())
        };
        let question = |client: &Slow, _: &Arc<Closes>| {
            client.both_there.wait();
            Err(Partial { moved: 3, error: ErrorKind::BrokenPipe.into() })
        };
        let answer = |_: &Arc<Closes>, _: &Slow| Ok(11);
        let both = copy_bidirectional_by(&client, &server, run_both, question, answer).unwrap();
        assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (3, 11));
        assert_eq!((client.closes.write.into_inner(), client.closes.both.into_inner()), (1, 0));
        assert_eq!((server.write.load(SeqCst), server.both.load(SeqCst)), (0, 1));
    });
}
