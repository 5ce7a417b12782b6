//! `TcpStream` and `TcpListener`: every method does what `std`'s does.

mod common;

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use common::{
    LATE, Place, assert_fails, assert_times_out, bounded, everywhere, listener, ms, pair, reset, until, with_procs,
    write_until_error,
};
use marmot::WaitReason;
use marmot::net::{TcpListener, TcpStream, ToSocketAddrs};
use rustix::event::{PollFd, PollFlags, poll};

/// The local and the remote address of what connects to `to`, and the other end's.
fn connect_to(listener: &TcpListener, to: impl ToSocketAddrs) {
    let near = TcpStream::connect(to).unwrap();
    let (far, from) = listener.accept().unwrap();
    assert_eq!(near.local_addr().unwrap(), from);
    assert_eq!(far.peer_addr().unwrap(), from);
    assert_eq!(near.peer_addr().unwrap(), far.local_addr().unwrap());
}

#[test]
fn addresses_in_every_form() {
    everywhere(|_| {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let port = addr.port();
        assert_ne!(port, 0);
        connect_to(&listener, addr);
        let reference: &SocketAddr = &addr;
        connect_to(&listener, reference);
        connect_to(&listener, addr.to_string());
        connect_to(&listener, addr.to_string().as_str());
        connect_to(&listener, ("127.0.0.1", port));
        connect_to(&listener, ("127.0.0.1".to_owned(), port));
        connect_to(&listener, (Ipv4Addr::LOCALHOST, port));
        connect_to(&listener, (IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    });
}

#[test]
fn names_are_resolved() {
    everywhere(|_| {
        let listener = TcpListener::bind("localhost:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        connect_to(&listener, ("localhost", port));
        connect_to(&listener, format!("localhost:{port}"));
        assert_fails(ErrorKind::InvalidInput, TcpStream::connect("localhost"));
    });
}

#[test]
fn several_addresses_are_tried_in_turn() {
    everywhere(|_| {
        let gone = self::listener().local_addr().unwrap();
        let listener = listener();
        connect_to(&listener, &[gone, listener.local_addr().unwrap()][..]);
        assert_fails(ErrorKind::ConnectionRefused, TcpStream::connect(&[gone, gone][..]));
        assert_fails(ErrorKind::InvalidInput, TcpStream::connect(&[][..]));
        assert_fails(ErrorKind::InvalidInput, TcpListener::bind(&[][..]));

        let taken = listener.local_addr().unwrap();
        let second = TcpListener::bind(&[taken, SocketAddr::from(([127, 0, 0, 1], 0))][..]).unwrap();
        assert_ne!(second.local_addr().unwrap(), taken);
    });
}

#[test]
fn ipv6() {
    everywhere(|_| match TcpListener::builder().only_v6(true).bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(listener) => {
            #[expect(deprecated, reason = "it is there as long as `std` has it")]
            let only_v6 = listener.only_v6().unwrap();
            assert!(only_v6);
            let addr = listener.local_addr().unwrap();
            assert!(addr.is_ipv6());
            connect_to(&listener, addr);
            connect_to(&listener, ("::1", addr.port()));
            connect_to(&listener, format!("[::1]:{}", addr.port()));
        }
        Err(e) => {
            let missing = [ErrorKind::AddrNotAvailable, ErrorKind::Unsupported];
            assert!(missing.contains(&e.kind()) || std::net::TcpListener::bind("[::1]:0").is_err(), "{e}");
        }
    });
}

#[test]
fn connecting_and_accepting_wait_for_each_other() {
    everywhere(|place| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let server = place.start(move || {
            let mut words = String::new();
            for conn in listener.incoming().take(3) {
                conn.unwrap().read_to_string(&mut words).unwrap();
            }
            for conn in listener.into_incoming().take(2) {
                conn.unwrap().read_to_string(&mut words).unwrap();
            }
            words
        });
        for word in ["one ", "two ", "three ", "four ", "five"] {
            server.until_waiting(WaitReason::IoRead);
            TcpStream::connect(addr).unwrap().write_all(word.as_bytes()).unwrap();
        }
        assert_eq!(server.join(), "one two three four five");
    });
}

#[test]
fn several_goroutines_accept_from_one_listener() {
    everywhere(|place| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let servers: Vec<_> = (0..4)
            .map(|_| {
                let listener = listener.try_clone().unwrap();
                place.start(move || listener.accept().unwrap().0.write_all(b"!").unwrap())
            })
            .collect();
        for _ in 0..servers.len() {
            let mut word = String::new();
            TcpStream::connect(addr).unwrap().read_to_string(&mut word).unwrap();
            assert_eq!(word, "!");
        }
        servers.into_iter().for_each(|s| s.join());
    });
}

#[test]
fn vectored_reads_and_writes() {
    everywhere(|place| {
        let (mut near, mut far) = pair();
        let reader = place.start(move || {
            let (mut a, mut b, mut empty) = ([0; 4], [0; 8], []);
            let mut bufs = [&mut a[..], &mut empty, &mut b].map(IoSliceMut::new);
            let n = far.read_vectored(&mut bufs).unwrap();
            (n, a, b)
        });
        reader.until_waiting(WaitReason::IoRead);
        let n = near.write_vectored(&[&b"vec"[..], b"", b"tored"].map(IoSlice::new)).unwrap();
        assert_eq!(n, 8);
        assert_eq!(reader.join(), (8, *b"vect", *b"ored\0\0\0\0"));
        near.flush().unwrap();
        assert_eq!(near.write_vectored(&[]).unwrap(), 0);
        assert_eq!(near.write(&[]).unwrap(), 0);
    });
}

#[test]
fn peek_leaves_the_bytes() {
    everywhere(|place| {
        let (mut near, mut far) = pair();
        let reader = place.start(move || {
            let mut buf = [0; 8];
            assert_eq!((far.peek(&mut buf).unwrap(), &buf[..4]), (4, &b"peek"[..]));
            assert_eq!(far.peek(&mut buf[..2]).unwrap(), 2);
            assert_eq!(far.read(&mut buf).unwrap(), 4);
            // The short read has drained it, so this waits for the end.
            assert_eq!(far.peek(&mut buf).unwrap(), 0);
            assert_eq!(far.read(&mut buf).unwrap(), 0);
        });
        reader.until_waiting(WaitReason::IoRead);
        near.write_all(b"peek").unwrap();
        drop(near);
        reader.join();
    });
}

#[test]
fn an_empty_buffer_is_filled_at_once() {
    everywhere(|_| {
        let (mut near, mut far) = pair();
        for drained in [false, true] {
            assert_eq!(far.read(&mut []).unwrap(), 0, "drained: {drained}");
            assert_eq!(far.read_vectored(&mut []).unwrap(), 0);
            assert_eq!(far.read_vectored(&mut [IoSliceMut::new(&mut [])]).unwrap(), 0);
            assert_eq!(far.peek(&mut []).unwrap(), 0);
            near.write_all(b"word").unwrap();
            assert_eq!(far.read(&mut [0; 16]).unwrap(), 4);
        }
    });
}

#[test]
fn waiting_until_readable_takes_nothing() {
    everywhere(|place| {
        let (mut near, mut far) = pair();
        let reader = place.start(move || {
            let mut buf = [0; 8];
            for _ in 0..3 {
                far.wait_readable().unwrap();
                far.wait_readable().unwrap();
                assert_eq!(far.read(&mut buf).unwrap(), 2);
                far.write_all(b"!").unwrap();
            }
            far.wait_readable().unwrap();
            assert_eq!(far.read(&mut buf).unwrap(), 0);
        });
        for _ in 0..3 {
            reader.until_waiting(WaitReason::IoRead);
            near.write_all(b"go").unwrap();
            near.read_exact(&mut [0]).unwrap();
        }
        reader.until_waiting(WaitReason::IoRead);
        drop(near);
        reader.join();
    });
}

/// A read that was short, an event that nobody waited for, and a look: the next read must not take the socket for drained.
#[test]
fn what_a_look_has_found_is_there_for_the_read() {
    everywhere(|place| {
        let (mut near, mut far) = pair();
        let mut buf = [0; 8];
        place.start(|| {}).join();
        near.write_all(b"1").unwrap();
        assert_eq!(far.read(&mut buf).unwrap(), 1);
        far.set_read_timeout(Some(ms(20))).unwrap();
        assert_times_out(ms(20), || far.read(&mut buf));
        near.write_all(b"2").unwrap();
        // Let the poller see the event while nobody waits for it.
        marmot::sleep(ms(20));
        far.set_read_timeout(Some(LATE)).unwrap();
        far.wait_readable().unwrap();
        assert_eq!(far.read(&mut buf).unwrap(), 1);
        near.write_all(b"3").unwrap();
        marmot::sleep(ms(20));
        assert_eq!(far.peek(&mut buf).unwrap(), 1);
        assert_eq!(far.read(&mut buf).unwrap(), 1);
    });
}

#[test]
fn each_half_is_shut_down_by_itself() {
    everywhere(|place| {
        let (near, mut far) = pair();
        let writer = near.try_clone().unwrap();
        let server = place.start(move || {
            let mut text = String::new();
            far.read_to_string(&mut text).unwrap();
            far.write_all(text.to_uppercase().as_bytes()).unwrap();
            drop(far);
        });
        (&writer).write_all(b"half").unwrap();
        server.until_waiting(WaitReason::IoRead);
        writer.shutdown(Shutdown::Write).unwrap();
        assert_fails(ErrorKind::BrokenPipe, (&writer).write(b"more"));
        let mut answer = String::new();
        (&near).read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "HALF");
        server.join();
    });
}

#[test]
fn shutting_the_reading_half_down_ends_a_read_that_waits() {
    everywhere(|place| {
        for how in [Shutdown::Read, Shutdown::Both] {
            let (near, mut far) = pair();
            let other = far.try_clone().unwrap();
            let reader = place.start(move || far.read(&mut [0; 8]).unwrap());
            reader.until_waiting(WaitReason::IoRead);
            other.shutdown(how).unwrap();
            assert_eq!(reader.join(), 0);
            drop(near);
        }
    });
}

#[test]
fn clones_are_one_connection() {
    everywhere(|_| {
        let (near, mut far) = pair();
        let mut clone = near.try_clone().unwrap();
        clone.set_read_timeout(Some(ms(30))).unwrap();
        assert_eq!(near.read_timeout().unwrap(), Some(ms(30)));
        assert_times_out(ms(30), || (&near).read(&mut [0; 8]));
        near.set_nonblocking(true).unwrap();
        assert_fails(ErrorKind::WouldBlock, clone.read(&mut [0; 8]));
        near.set_nodelay(true).unwrap();
        assert!(clone.nodelay().unwrap());
        drop(near);
        clone.write_all(b"still here").unwrap();
        drop(clone);
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        assert_eq!(text, "still here");
    });
}

/// Numbers that tell where in the stream they are.
fn pattern(at: usize) -> u8 {
    (at % 251) as u8
}

#[test]
fn one_reads_while_another_writes() {
    const BYTES: usize = 4 << 20;
    fn send(mut to: TcpStream) {
        let (mut sent, mut size) = (0, 1);
        while sent < BYTES {
            let piece: Vec<u8> = (sent..BYTES.min(sent + size)).map(pattern).collect();
            to.write_all(&piece).unwrap();
            sent += piece.len();
            size = size * 3 % 100_003;
        }
        to.shutdown(Shutdown::Write).unwrap();
    }
    fn receive(mut from: TcpStream) -> usize {
        let mut buf = vec![0; 30_000];
        let mut got = 0;
        loop {
            match from.read(&mut buf).unwrap() {
                0 => return got,
                n => {
                    assert!(buf[..n].iter().enumerate().all(|(i, &b)| b == pattern(got + i)), "after {got} bytes");
                    got += n;
                }
            }
        }
    }
    everywhere(|place| {
        let (near, far) = pair();
        let senders = [&near, &far].map(|end| {
            let end = end.try_clone().unwrap();
            place.start(move || send(end))
        });
        let receivers = [near, far].map(|end| place.start(move || receive(end)));
        senders.into_iter().for_each(|s| s.join());
        assert_eq!(receivers.map(|r| r.join()), [BYTES; 2]);
    });
}

#[test]
fn readers_of_one_connection_take_turns() {
    everywhere(|place| {
        let (mut near, far) = pair();
        let readers: Vec<_> = (0..8)
            .map(|_| {
                let mut far = far.try_clone().unwrap();
                place.start(move || {
                    let mut four = [0; 4];
                    let mut sum = 0;
                    while far.read_exact(&mut four[..1]).is_ok() {
                        sum += u64::from(four[0]);
                    }
                    sum
                })
            })
            .collect();
        let bytes: Vec<u8> = (0..5000).map(pattern).collect();
        near.write_all(&bytes).unwrap();
        drop(near);
        let sum: u64 = readers.into_iter().map(|r| r.join()).sum();
        assert_eq!(sum, bytes.iter().map(|&b| u64::from(b)).sum::<u64>());
    });
}

#[test]
fn options_are_set_and_read_back() {
    everywhere(|_| {
        let (near, _far) = pair();
        assert!(!near.nodelay().unwrap());
        near.set_nodelay(true).unwrap();
        assert!(near.nodelay().unwrap());
        near.set_ttl(47).unwrap();
        assert_eq!(near.ttl().unwrap(), 47);
        assert!(near.take_error().unwrap().is_none());

        let listener = listener();
        listener.set_ttl(48).unwrap();
        assert_eq!(listener.ttl().unwrap(), 48);
        assert!(listener.take_error().unwrap().is_none());
    });
}

#[test]
fn take_error_hands_a_reset_out() {
    everywhere(|_| {
        let (near, far) = pair();
        reset(far);
        let mut taken = None;
        until(|| {
            taken = near.take_error().unwrap();
            taken.is_some()
        });
        assert_eq!(taken.unwrap().kind(), ErrorKind::ConnectionReset);
        assert!(near.take_error().unwrap().is_none());
    });
}

#[test]
fn nonblocking_fails_instead_of_waiting() {
    everywhere(|place| {
        let listener = listener();
        listener.set_nonblocking(true).unwrap();
        assert_fails(ErrorKind::WouldBlock, listener.accept());
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut accepted = None;
        until(|| match listener.accept() {
            Ok((far, _)) => accepted.insert(far).nodelay().is_ok(),
            Err(e) => e.kind() != ErrorKind::WouldBlock,
        });
        let mut far = accepted.unwrap();

        far.set_nonblocking(true).unwrap();
        assert_fails(ErrorKind::WouldBlock, far.read(&mut [0; 8]));
        assert_fails(ErrorKind::WouldBlock, far.peek(&mut [0; 8]));
        assert_fails(ErrorKind::WouldBlock, far.wait_readable());
        near.write_all(b"now").unwrap();
        until(|| far.peek(&mut [0; 8]).is_ok());
        far.wait_readable().unwrap();
        assert_eq!(far.read(&mut [0; 8]).unwrap(), 3);
        assert_fails(ErrorKind::WouldBlock, far.read(&mut [0; 8]));

        assert_eq!(write_until_error(&far).kind(), ErrorKind::WouldBlock);

        // Waiting again, it waits.
        far.set_nonblocking(false).unwrap();
        let reader = place.start(move || far.read(&mut [0; 8]).unwrap());
        reader.until_waiting(WaitReason::IoRead);
        near.write_all(b"then").unwrap();
        assert_eq!(reader.join(), 4);
    });
}

#[test]
fn nonblocking_does_not_wait_for_its_turn_either() {
    everywhere(|place| {
        let (near, far) = pair();
        let mut other = far.try_clone().unwrap();
        let reader = place.start(move || other.read(&mut [0; 8]).unwrap());
        reader.until_waiting(WaitReason::IoRead);
        far.set_nonblocking(true).unwrap();
        assert_fails(ErrorKind::WouldBlock, (&far).read(&mut [0; 8]));
        drop(near);
        assert_eq!(reader.join(), 0);
    });
}

#[test]
fn timeouts_are_set_and_read_back() {
    everywhere(|_| {
        let (mut near, _far) = pair();
        assert_eq!((near.read_timeout().unwrap(), near.write_timeout().unwrap()), (None, None));
        near.set_read_timeout(Some(ms(20))).unwrap();
        near.set_write_timeout(Some(ms(30))).unwrap();
        assert_eq!((near.read_timeout().unwrap(), near.write_timeout().unwrap()), (Some(ms(20)), Some(ms(30))));
        assert_fails(ErrorKind::InvalidInput, near.set_read_timeout(Some(ms(0))));
        assert_fails(ErrorKind::InvalidInput, near.set_write_timeout(Some(ms(0))));
        assert_eq!(near.read_timeout().unwrap(), Some(ms(20)));
        assert_times_out(ms(20), || near.read(&mut [0; 8]));
        assert_times_out(ms(20), || near.peek(&mut [0; 8]));
        assert_times_out(ms(20), || near.wait_readable());
        assert_eq!(write_until_error(&near).kind(), ErrorKind::TimedOut);
        assert_times_out(ms(30), || near.write(&[0; 65536]));
        near.set_read_timeout(None).unwrap();
        near.set_write_timeout(None).unwrap();
        assert_eq!((near.read_timeout().unwrap(), near.write_timeout().unwrap()), (None, None));
    });
}

#[test]
fn connect_timeouts() {
    everywhere(|_| {
        let gone = self::listener().local_addr().unwrap();
        assert_fails(ErrorKind::InvalidInput, TcpStream::connect_timeout(&gone, ms(0)));
        assert_fails(ErrorKind::ConnectionRefused, TcpStream::connect_timeout(&gone, LATE));
        assert_fails(ErrorKind::ConnectionRefused, TcpStream::connect(gone));

        let listener = listener();
        let addr = listener.local_addr().unwrap();
        for timeout in [LATE, std::time::Duration::MAX] {
            let mut near = TcpStream::connect_timeout(&addr, timeout).unwrap();
            let (mut far, _) = listener.accept().unwrap();
            // The timeout was the connection attempt's only.
            assert_eq!((near.read_timeout().unwrap(), near.write_timeout().unwrap()), (None, None));
            near.write_all(b"x").unwrap();
            far.read_exact(&mut [0]).unwrap();
        }
    });
}

#[test]
fn connecting_to_a_full_backlog_times_out() {
    everywhere(|_| {
        let listener = TcpListener::builder().backlog(0).bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        let begun = loop {
            assert!(waiting.len() < 16, "a backlog of none is never full");
            let begun = Instant::now();
            match TcpStream::connect_timeout(&addr, ms(60)) {
                Ok(conn) => waiting.push(conn),
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::TimedOut);
                    break begun;
                }
            }
        };
        assert!(begun.elapsed() >= ms(60));
        assert_times_out(ms(60), || TcpStream::connect_timeout(&addr, ms(60)));
    });
}

#[test]
fn an_address_in_use_is_refused() {
    everywhere(|_| {
        let listener = listener();
        assert_fails(ErrorKind::AddrInUse, TcpListener::bind(listener.local_addr().unwrap()));
    });
}

#[test]
fn an_address_is_free_again_while_connections_linger() {
    everywhere(|_| {
        let (addr, near) = {
            let listener = listener();
            let addr = listener.local_addr().unwrap();
            let near = TcpStream::connect(addr).unwrap();
            // The end that closes first is the one that lingers.
            drop(listener.accept().unwrap());
            (addr, near)
        };
        let listener = TcpListener::bind(addr).unwrap();
        assert_eq!(listener.local_addr().unwrap(), addr);
        drop(near);
    });
}

#[test]
fn listeners_share_a_port_that_may_be_reused() {
    everywhere(|place| {
        let first = TcpListener::builder().reuse_port(true).bind("127.0.0.1:0").unwrap();
        let addr = first.local_addr().unwrap();
        let second = TcpListener::builder().reuse_port(true).bind(addr).unwrap();
        assert_fails(ErrorKind::AddrInUse, TcpListener::bind(addr));
        let listeners = [first, second].map(|listener| {
            let served = Arc::new(AtomicUsize::new(0));
            let (closer, count) = (listener.try_clone().unwrap(), Arc::clone(&served));
            let server = place.start(move || {
                for _ in listener.incoming().take_while(|conn| conn.is_ok()) {
                    count.fetch_add(1, Relaxed);
                }
            });
            (closer, served, server)
        });
        for _ in 0..64 {
            TcpStream::connect(addr).unwrap();
        }
        let served = || [0, 1].map(|i: usize| listeners[i].1.load(Relaxed));
        until(|| served().iter().sum::<usize>() == 64);
        // One of them gets none with a chance of 1 in 10^19.
        assert!(served().iter().all(|&n| n > 0), "{:?}", served());
        for (closer, _, server) in listeners {
            closer.close().unwrap();
            server.join();
        }
    });
}

#[test]
fn debug_shows_what_std_shows() {
    everywhere(|_| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let near = TcpStream::connect(addr).unwrap();
        let (text, local) = (format!("{near:?}"), near.local_addr().unwrap());
        let number = std::os::fd::AsRawFd::as_raw_fd(&near);
        assert_eq!(text, format!("TcpStream {{ addr: {local}, peer: {addr}, fd: {number} }}"));
        let number = std::os::fd::AsRawFd::as_raw_fd(&listener);
        assert_eq!(format!("{listener:?}"), format!("TcpListener {{ addr: {addr}, fd: {number} }}"));
    });
}

#[test]
fn types_are_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    check::<TcpStream>();
    check::<TcpListener>();
    check::<marmot::net::IntoIncoming>();
}

/// On one P, a call that blocked its thread instead of parking the goroutine would never come back.
#[test]
fn nothing_blocks_the_only_thread() {
    with_procs(1, || {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let server = marmot::go(move || {
            let (mut conn, _) = listener.accept().unwrap();
            let mut seen = vec![0; 1 << 20];
            conn.read_exact(&mut seen).unwrap();
            conn.write_all(&seen).unwrap();
        });
        let mut near = TcpStream::connect(("localhost", addr.port())).unwrap();
        near.write_all(&vec![7; 1 << 20]).unwrap();
        let mut back = Vec::new();
        near.read_to_end(&mut back).unwrap();
        assert!(back.len() == 1 << 20 && back.iter().all(|&b| b == 7));
        server.join().unwrap();
    });
}

/// What an operation came to, to be compared.
fn outcome(result: io::Result<usize>) -> Result<usize, (ErrorKind, Option<i32>)> {
    result.map_err(|e| (e.kind(), e.raw_os_error()))
}

/// A program for `std::net` and for `marmot::net`, which differ in the `use` line only, and come to the same.
macro_rules! as_std_does {
    ($(#[$meta:meta])* $name:ident, $program:block) => {
        #[test]
        fn $name() {
            let theirs = bounded(|| {
                #[allow(unused_imports, reason = "not every program needs both")]
                use std::net::{TcpListener, TcpStream};
                $program
            });
            everywhere_same(&theirs, || {
                #[allow(unused_imports, reason = "as above")]
                use marmot::net::{TcpListener, TcpStream};
                $program
            });
        }
    };
}

type Outcomes = Vec<Result<usize, (ErrorKind, Option<i32>)>>;

#[track_caller]
fn everywhere_same(theirs: &Outcomes, ours: fn() -> Outcomes) {
    for procs in [1, 2, 4] {
        assert_eq!(&with_procs(procs, ours), theirs, "on {procs} Ps");
    }
    assert_eq!(&bounded(ours), theirs, "on a plain thread");
}

/// Waits, without taking anything, until a stream without bytes has something to read: its end, or a reset.
fn until_ended(stream: &impl std::os::fd::AsFd) {
    until(|| {
        let mut polled = [PollFd::new(stream, PollFlags::IN)];
        poll(&mut polled, Some(&Default::default())).unwrap() == 1
    });
}

as_std_does!(the_end_is_zero_bytes_again_and_again, {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut far, _) = listener.accept().unwrap();
    far.write_all(b"bye").unwrap();
    drop(far);
    let mut buf = [0; 8];
    (0..4).map(|_| outcome(near.read(&mut buf))).collect()
});

as_std_does!(a_reset_is_reported_once, {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut far, _) = listener.accept().unwrap();
    let mut buf = [0; 8];
    near.write_all(b"unread").unwrap();
    far.write_all(b"lost").unwrap();
    assert_eq!(near.read(&mut buf).unwrap(), 4);
    socket2::SockRef::from(&far).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(far);
    until_ended(&near);
    vec![
        outcome(near.read(&mut buf)),
        outcome(near.read(&mut buf)),
        outcome(near.write(&buf)),
        outcome(near.peek(&mut buf)),
        outcome(near.peer_addr().map(|_| 0)),
    ]
});

as_std_does!(a_reset_meets_a_write, {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    socket2::SockRef::from(&far).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(far);
    until_ended(&near);
    vec![
        outcome(near.write(b"x")),
        outcome(near.write(b"x")),
        outcome(near.read(&mut [0; 8])),
        outcome(near.shutdown(std::net::Shutdown::Write).map(|()| 0)),
    ]
});

as_std_does!(writing_after_the_peer_has_gone_breaks_the_pipe, {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    drop(listener.accept().unwrap());
    until_ended(&near);
    // The first write is answered with a reset.
    let mut outcomes = vec![outcome(near.read(&mut [0; 8])), outcome(near.write(b"x"))];
    until(|| near.write(b"x").is_err());
    outcomes.extend([outcome(near.write(b"x")), outcome(near.read(&mut [0; 8])), outcome(near.write_vectored(&[]))]);
    outcomes
});

as_std_does!(halves_that_are_shut_down, {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut far, _) = listener.accept().unwrap();
    far.write_all(b"there").unwrap();
    near.peek(&mut [0]).unwrap();
    let mut outcomes = vec![outcome(near.shutdown(std::net::Shutdown::Read).map(|()| 0))];
    let mut buf = [0; 8];
    outcomes.extend((0..2).map(|_| outcome(near.read(&mut buf))));
    outcomes.push(outcome(near.write(b"still")));
    outcomes.push(outcome(near.shutdown(std::net::Shutdown::Write).map(|()| 0)));
    outcomes.push(outcome(near.write(b"no more")));
    outcomes.push(outcome(near.shutdown(std::net::Shutdown::Both).map(|()| 0)));
    outcomes.push(outcome(far.read(&mut buf)));
    outcomes.push(outcome(far.read(&mut buf)));
    outcomes
});

as_std_does!(connections_that_wait_for_an_accept_are_served_after_their_peer_has_gone, {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    TcpStream::connect(addr).unwrap().write_all(b"early").unwrap();
    let (mut far, _) = listener.accept().unwrap();
    let mut buf = [0; 8];
    vec![outcome(far.read(&mut buf)), outcome(far.read(&mut buf))]
});

as_std_does!(timeouts_and_their_errors, {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let zero = Some(std::time::Duration::ZERO);
    // `std` adds the system's number to none of these.
    [near.set_read_timeout(zero), near.set_write_timeout(zero), near.set_read_timeout(None)]
        .into_iter()
        .map(|result| outcome(result.map(|()| 0)))
        .collect()
});

#[test]
fn places_differ() {
    // `everywhere` is only worth its name if the second kind of place is no goroutine.
    everywhere(|place| {
        let in_goroutine = marmot::current().wait_reason().is_none() && place == Place::Goroutines;
        assert_eq!(in_goroutine, std::thread::current().name().is_some_and(|n| n.starts_with("marmot-m")));
    });
}

#[test]
fn a_reset_is_an_error_also_for_a_read_after_a_wait() {
    everywhere(|_| {
        let (mut near, far) = pair();
        // The descriptor is in a poller from now on.
        near.set_read_timeout(Some(ms(5))).unwrap();
        assert_fails(ErrorKind::TimedOut, near.read(&mut [0]));
        near.set_read_timeout(None).unwrap();
        reset(far);
        until(|| poll(&mut [PollFd::new(&near, PollFlags::IN)], None).is_ok_and(|n| n > 0));
        near.wait_readable().unwrap();
        near.wait_readable().unwrap();
        assert_fails(ErrorKind::ConnectionReset, near.read(&mut [0]));
    });
}
