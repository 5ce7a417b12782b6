//! Connections that wait without a goroutine, while their clones set deadlines and close them.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use marmot_runtime::net::TcpStream;
use marmot_runtime::{JoinHandle, go, scope, sleep};

use crate::support::{Chance, listener, on_each_size, pair, runtime, watched};

/// Echoes what there is and hands the connection back; counts how often it started.
fn serve(mut conn: TcpStream, starts: Arc<AtomicUsize>) {
    starts.fetch_add(1, Relaxed);
    let mut buf = [0; 256];
    if let Ok(n @ 1..) = conn.read(&mut buf)
        && conn.write_all(&buf[..n]).is_ok()
    {
        conn.go_when_readable(move |conn| serve(conn, starts));
    }
}

#[test]
fn requests_start_goroutines() {
    const CONNECTIONS: usize = 32;
    const REQUESTS: usize = 100;
    on_each_size("requests_start_goroutines", |rt| {
        rt.run(|| {
            let (listener, starts) = (listener(), Arc::new(AtomicUsize::new(0)));
            scope(|s| {
                for i in 0..CONNECTIONS {
                    let (mut here, there) = pair(&listener).unwrap();
                    let starts = Arc::clone(&starts);
                    there.go_when_readable(move |conn| serve(conn, starts));
                    s.go(move || {
                        let (mut chance, mut answer) = (Chance::new(i), [0; 8]);
                        for n in 0..REQUESTS as u64 {
                            here.write_all(&n.to_ne_bytes()).unwrap();
                            here.read_exact(&mut answer).unwrap();
                            assert_eq!(u64::from_ne_bytes(answer), n);
                            if chance.below(16) == 0 {
                                sleep(chance.micros(300));
                            }
                        }
                    });
                }
            });
            assert!(starts.load(Relaxed) >= CONNECTIONS * REQUESTS);
        });
    });
}

/// Waits without a goroutine until the end of the connection; returns how often it timed out.
fn outlast(conn: TcpStream, timeouts: usize) -> JoinHandle<usize> {
    conn.go_when_readable(move |mut conn| match conn.read(&mut [0; 16]) {
        Ok(0) => timeouts,
        Ok(_) => outlast(conn, timeouts).join().unwrap(),
        Err(e) if e.kind() == ErrorKind::TimedOut => outlast(conn, timeouts + 1).join().unwrap(),
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::NotConnected);
            timeouts
        }
    })
}

#[test]
fn clones_set_deadlines_and_close() {
    on_each_size("clones_set_deadlines_and_close", |rt| {
        let all: Vec<_> = (0..300)
            .map(|i| {
                rt.go(move || {
                    let (mut here, there) = pair(&listener()).unwrap();
                    let mut chance = Chance::new(i);
                    let clones = [(); 2].map(|()| there.try_clone().unwrap());
                    let waits = outlast(there, 0);
                    let [meddler, closer] = clones;
                    let (delay, mut theirs) = (chance.micros(3000), Chance::new(i + 1000));
                    let meddles = go(move || {
                        for _ in 0..10 {
                            let deadline = match theirs.below(4) {
                                0 => None,
                                1 => Some(Instant::now()),
                                2 => Some(Instant::now() + theirs.micros(500)),
                                _ => Some(Instant::now() + Duration::from_secs(3600)),
                            };
                            // It may have been closed.
                            let _ = meddler.set_read_deadline(deadline);
                            sleep(theirs.micros(300));
                        }
                        // A deadline that is past for ever would start goroutines without end.
                        let _ = meddler.set_read_deadline(None);
                    });
                    let writes = go(move || {
                        for _ in 0..10 {
                            // The other end may have been closed.
                            let _ = here.write(&[1]);
                            sleep(chance.micros(300));
                        }
                        here
                    });
                    sleep(delay);
                    closer.close().unwrap();
                    meddles.join().unwrap();
                    drop(writes.join().unwrap());
                    waits.join().unwrap();
                })
            })
            .collect();
        all.into_iter().for_each(|handle| handle.join().unwrap());
    });
}

#[test]
fn timeouts_start_them_once_each() {
    on_each_size("timeouts_start_them_once_each", |rt| {
        rt.run(|| {
            let listener = listener();
            let all: Vec<_> = (0..100)
                .map(|i| {
                    let (here, there) = pair(&listener).unwrap();
                    there.set_read_timeout(Some(Duration::from_micros(1 + 50 * i))).unwrap();
                    let waits = there.go_when_readable(|mut conn| conn.read(&mut [0]).unwrap_err().kind());
                    (here, waits)
                })
                .collect();
            for (_here, waits) in all {
                assert_eq!(waits.join().unwrap(), ErrorKind::TimedOut);
            }
        });
    });
}

#[test]
fn a_reader_gets_its_turn_when_the_one_before_never_starts() {
    watched("a_reader_gets_its_turn_when_the_one_before_never_starts", || {
        for _ in 0..200 {
            let (rt, readers) = (runtime(2), runtime(1));
            let (here, mut clone) = rt.run(|| {
                let (here, there) = pair(&listener()).unwrap();
                let clone = there.try_clone().unwrap();
                there.go_when_readable(|mut conn| conn.read(&mut [0]).map(drop));
                (here, clone)
            });
            let reads = readers.go(move || clone.read(&mut [0; 1]));
            drop(rt);
            drop(here);
            // What matters is that it ends; how depends on who came first.
            let _ = reads.join().unwrap();
            readers.shutdown(Duration::from_secs(120)).unwrap();
        }
    });
}
