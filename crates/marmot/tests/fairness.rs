//! A goroutine whose operations never wait does not hold up the others of its M.

use std::io::Read;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use marmot::net::{TcpListener, TcpStream};

/// Long enough for a loaded machine; only a failure takes that long.
const LIMIT: Duration = Duration::from_secs(120);

#[marmot::test(procs = 1)]
fn endless_reads_let_sleepers_and_other_connections_go_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let mut ended = TcpStream::connect(addr).unwrap();
    listener.accept().unwrap().0.shutdown(Shutdown::Write).unwrap();

    // At its end, a connection is always readable, so this goroutine never has to wait.
    let enough = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&enough);
    let begun = Instant::now();
    let hog = marmot::go(move || {
        while !stop.load(Relaxed) && begun.elapsed() < LIMIT {
            assert_eq!(ended.read(&mut [0; 8]).unwrap(), 0);
        }
    });

    // A plain thread answers, so that only the poller can tell the goroutine below of it.
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let peer_addr = peer.local_addr().unwrap();
    let answering = std::thread::spawn(move || std::io::copy(&mut &peer.accept().unwrap().0, &mut std::io::sink()));
    let mut other = TcpStream::connect(peer_addr).unwrap();
    for _ in 0..10 {
        marmot::sleep(Duration::from_millis(1));
        std::io::Write::write_all(&mut other, b"tick").unwrap();
    }
    other.shutdown(Shutdown::Write).unwrap();
    // The peer closes when it has seen the end: a wait for a descriptor.
    assert_eq!(other.read(&mut [0; 8]).unwrap(), 0);
    let took = begun.elapsed();
    enough.store(true, Relaxed);
    hog.join().unwrap();
    answering.join().unwrap().unwrap();
    assert!(took < LIMIT / 2, "starved for {took:?}");
}

/// Eight that compute for milliseconds at a time are not 64 turns of patience for a peer.
#[marmot::test(procs = 1)]
fn long_turns_do_not_keep_the_poller_waiting() {
    const TURN: Duration = Duration::from_millis(2);
    const ROUNDS: usize = 15;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    // A plain thread answers, so that only the poller can tell of it; and it says after how many turns of all that was.
    let (ask, asked) = std::sync::mpsc::channel::<()>();
    let turns = Arc::new(AtomicU64::new(0));
    let theirs = Arc::clone(&turns);
    let peer = std::thread::spawn(move || {
        for () in asked {
            let turn = theirs.load(Relaxed);
            std::io::Write::write_all(&mut &far, &turn.to_le_bytes()).unwrap();
        }
    });
    let enough = Arc::new(AtomicBool::new(false));
    let computing: Vec<_> = (0..8)
        .map(|_| {
            let (enough, turns) = (Arc::clone(&enough), Arc::clone(&turns));
            marmot::go(move || {
                while !enough.load(Relaxed) {
                    let begun = Instant::now();
                    while begun.elapsed() < TURN {
                        std::hint::spin_loop();
                    }
                    turns.fetch_add(1, Relaxed);
                    marmot::yield_now();
                }
            })
        })
        .collect();
    let mut waited: Vec<u64> = (0..ROUNDS)
        .map(|_| {
            ask.send(()).unwrap();
            let mut turn = [0; 8];
            near.read_exact(&mut turn).unwrap();
            turns.load(Relaxed) - u64::from_le_bytes(turn)
        })
        .collect();
    enough.store(true, Relaxed);
    computing.into_iter().for_each(|one| one.join().unwrap());
    drop(ask);
    peer.join().unwrap();
    waited.sort_unstable();
    // The poller is looked at after 10 ms, which are five turns; then each of the eight has its turn before the reader.
    let median = waited[ROUNDS / 2];
    assert!(median <= 24, "the peer was heard after {median} turns: {waited:?}");
}
