//! Connections that several goroutines use at a time, and close or time out under each other.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use marmot_runtime::net::TcpStream;
use marmot_runtime::{scope, sleep, yield_now};

use crate::support::{Chance, listener, on_each_size, pair};

/// Writes `n` bytes with chance lengths, and returns their sum.
fn write_bytes(mut conn: &TcpStream, mut n: usize, mut chance: Chance) -> u64 {
    let (mut buf, mut sum) = ([0; 700], 0);
    while n > 0 {
        let part = n.min(1 + chance.below(buf.len() as u64) as usize);
        buf[..part].fill_with(|| chance.below(256) as u8);
        let wrote = conn.write(&buf[..part]).unwrap();
        sum += buf[..wrote].iter().copied().map(u64::from).sum::<u64>();
        n -= wrote;
    }
    sum
}

/// Reads to the end with chance lengths, and returns how many bytes there were and their sum.
fn read_bytes(mut conn: &TcpStream, mut chance: Chance) -> (usize, u64) {
    let (mut buf, mut n, mut sum) = ([0; 900], 0, 0);
    loop {
        let asked = 1 + chance.below(buf.len() as u64) as usize;
        match conn.read(&mut buf[..asked]).unwrap() {
            0 => return (n, sum),
            got => {
                n += got;
                sum += buf[..got].iter().copied().map(u64::from).sum::<u64>();
            }
        }
    }
}

#[test]
fn readers_and_writers_share_a_connection() {
    const EACH: usize = 1_000_000;
    on_each_size("readers_and_writers_share_a_connection", |rt| {
        rt.run(|| {
            let (here, there) = pair(&listener()).unwrap();
            let [wrote, read_n, read_sum] = [(); 3].map(|()| AtomicU64::new(0));
            scope(|s| {
                for i in 0..3 {
                    let (there, read_n, read_sum) = (&there, &read_n, &read_sum);
                    s.go(move || {
                        let (n, sum) = read_bytes(there, Chance::new(i));
                        read_n.fetch_add(n as u64, Relaxed);
                        read_sum.fetch_add(sum, Relaxed);
                    });
                }
                scope(|writers| {
                    for i in 0..3 {
                        let (here, wrote) = (&here, &wrote);
                        writers.go(move || wrote.fetch_add(write_bytes(here, EACH, Chance::new(i)), Relaxed));
                    }
                });
                here.shutdown(Shutdown::Write).unwrap();
            });
            assert_eq!((read_n.into_inner(), read_sum.into_inner()), (3 * EACH as u64, wrote.into_inner()));
        });
    });
}

#[test]
fn requests_and_answers_of_all_sizes() {
    on_each_size("requests_and_answers_of_all_sizes", |rt| {
        rt.run(|| {
            let listener = listener();
            scope(|s| {
                for i in 0..8 {
                    let (mut here, mut there) = pair(&listener).unwrap();
                    s.go(move || {
                        let mut buf = [0; 512];
                        // A buffer that is sometimes just filled, sometimes not.
                        while let Ok(n @ 1..) = there.read(&mut buf) {
                            there.write_all(&buf[..n]).unwrap();
                        }
                    });
                    s.go(move || {
                        let (mut chance, mut answer) = (Chance::new(i), [0; 1024]);
                        for _ in 0..300 {
                            let request = &[i as u8; 1024][..1 + chance.below(1024) as usize];
                            here.write_all(request).unwrap();
                            here.read_exact(&mut answer[..request.len()]).unwrap();
                            assert_eq!(&answer[..request.len()], request);
                        }
                    });
                }
            });
        });
    });
}

#[test]
fn deadlines_race_with_bytes_and_none_is_lost() {
    const BYTES: usize = 8000;
    on_each_size("deadlines_race_with_bytes_and_none_is_lost", |rt| {
        rt.run(|| {
            let (mut here, there) = pair(&listener()).unwrap();
            scope(|s| {
                let (meddler, reader) = (&there, &there);
                let reads = s.go(move || {
                    let (mut reader, mut buf, mut n) = (reader, [0; 64], 0);
                    while n < BYTES {
                        match reader.read(&mut buf) {
                            Ok(0) => panic!("the end came after {n} bytes"),
                            Ok(got) => n += got,
                            Err(e) if e.kind() == ErrorKind::TimedOut => yield_now(),
                            Err(e) => panic!("{e}"),
                        }
                    }
                });
                s.go(move || {
                    let mut chance = Chance::new(BYTES);
                    while !reads.is_finished() {
                        let deadline = Instant::now() + chance.micros(200);
                        meddler.set_read_deadline((chance.below(3) > 0).then_some(deadline)).unwrap();
                        match chance.below(3) {
                            0 => meddler.set_read_timeout(Some(Duration::from_micros(1 + chance.below(100)))).unwrap(),
                            1 => meddler.set_read_timeout(None).unwrap(),
                            _ => {}
                        }
                        sleep(chance.micros(100));
                    }
                    reads.join().unwrap();
                });
                s.go(move || {
                    let mut chance = Chance::new(1);
                    for i in 0..BYTES {
                        here.write_all(&[i as u8]).unwrap();
                        if chance.below(8) == 0 {
                            sleep(chance.micros(100));
                        }
                    }
                });
            });
        });
    });
}

#[test]
fn close_ends_whatever_waits() {
    on_each_size("close_ends_whatever_waits", |rt| {
        rt.run(|| {
            let listener = listener();
            let mut chance = Chance::new(3);
            for _ in 0..300 {
                let (here, there) = pair(&listener).unwrap();
                let delays = [(); 5].map(|()| chance.micros(150));
                scope(|s| {
                    for delay in [delays[0], delays[1]] {
                        let there = &there;
                        s.go(move || {
                            sleep(delay);
                            let mut conn = there;
                            let ended = conn.read(&mut [0]);
                            // A read that was in the system call when the connection was shut down
                            // finds the end.
                            assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
                            assert_eq!(conn.read(&mut [0]).unwrap_err().kind(), ErrorKind::NotConnected);
                        });
                    }
                    s.go(|| {
                        sleep(delays[2]);
                        let mut conn = &there;
                        // Until the peer's buffer is full, and then until the close.
                        while conn.write(&[0; 65536]).is_ok() {}
                    });
                    s.go(|| {
                        sleep(delays[3]);
                        // It may have been closed.
                        let _ = there.set_deadline(Some(Instant::now() + Duration::from_secs(3600)));
                    });
                    s.go(|| {
                        sleep(delays[4]);
                        there.close().unwrap();
                    });
                });
                drop(here);
            }
        });
    });
}

#[test]
fn a_listener_is_closed_under_those_who_accept() {
    on_each_size("a_listener_is_closed_under_those_who_accept", |rt| {
        for i in 0..200 {
            rt.run(move || {
                let (listener, mut chance) = (listener(), Chance::new(i));
                let (delay, addr) = (chance.micros(200), listener.local_addr().unwrap());
                scope(|s| {
                    for _ in 0..4 {
                        s.go(|| while listener.accept().is_ok() {});
                    }
                    // Some get through, and some do not.
                    s.go(|| (0..4).for_each(|_| drop(TcpStream::connect(addr))));
                    s.go(|| {
                        sleep(delay);
                        listener.close().unwrap();
                    });
                });
            });
        }
    });
}

#[test]
fn plain_threads_use_connections_of_goroutines() {
    on_each_size("plain_threads_use_connections_of_goroutines", |rt| {
        let (here, there) = rt.run(|| pair(&listener()).unwrap());
        let echo = rt.go(move || {
            let (mut conn, mut buf) = (there, [0; 64]);
            while let Ok(n @ 1..) = conn.read(&mut buf) {
                conn.write_all(&buf[..n]).unwrap();
            }
        });
        std::thread::scope(|s| {
            for i in 0..4 {
                let mut conn = &here;
                s.spawn(move || {
                    for _ in 0..200 {
                        conn.write_all(&[i]).unwrap();
                        let mut byte = [0];
                        conn.read_exact(&mut byte).unwrap();
                        assert!(byte[0] < 4);
                    }
                });
            }
        });
        drop(here);
        echo.join().unwrap();
    });
}
