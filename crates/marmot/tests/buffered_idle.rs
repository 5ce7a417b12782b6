//! What an idle buffered connection holds: no node. Each test has the process for itself, because the count of nodes is the
//! process's.

mod common;

use std::io::{self, BufRead, Read, Write};
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{alone, listener, pair_at, until, with_procs};
use marmot::buf::linked::NODE_SIZE;
use marmot::buffered::codec::Fixed;
use marmot::buffered::{Conn, Framed};
use marmot::{Goroutine, WaitReason};
use marmot_runtime::profile::{self, Status};
use socket2::SockRef;

/// Waits until no buffer has a node, and no goroutine waits in a read with its stack.
#[track_caller]
fn until_idle() {
    until(|| marmot::buf::nodes_in_use() == 0);
    let reads = |g: &profile::Goroutine| g.status == Status::Waiting(WaitReason::IoRead);
    until(|| !profile::goroutines().goroutines.iter().any(reads));
}

#[test]
fn an_idle_connection_holds_no_node() {
    let _alone = alone();
    with_procs(2, || {
        let listener = listener();
        let idle: Vec<_> = (0..500)
            .map(|_| {
                let (near, mut far) = pair_at(&listener);
                // Nothing of them shall stay behind in the system.
                SockRef::from(&near).set_linger(Some(Duration::ZERO)).unwrap();
                let server = marmot::go(move || -> io::Result<()> {
                    let mut frames = Framed::new(Conn::new(near)?, Fixed::new(64));
                    while let Some(frame) = frames.read()? {
                        frames.write(frame)?;
                    }
                    Ok(())
                });
                far.write_all(&[9; 64]).unwrap();
                let mut answer = [0; 64];
                far.read_exact(&mut answer).unwrap();
                assert_eq!(answer, [9; 64]);
                (server, far)
            })
            .collect();
        until_idle();
        for (server, far) in idle {
            drop(far);
            server.join().unwrap().unwrap();
        }
        // The reading goroutine tells of the end first, and then gives back what it has read with.
        until_idle();
    });
}

#[test]
fn nor_after_a_read_that_just_filled_its_room() {
    let _alone = alone();
    with_procs(2, || {
        let (near, mut far) = pair_at(&listener());
        let mut conn = Conn::new(near).unwrap();
        for _ in 0..3 {
            far.write_all(&[7; NODE_SIZE]).unwrap();
            assert_eq!(conn.wait(NODE_SIZE).unwrap(), NODE_SIZE);
            assert_eq!(conn.skip(NODE_SIZE), NODE_SIZE);
            until_idle();
        }
        drop(far);
        assert!(conn.fill_buf().unwrap().is_empty());
    });
}

#[test]
fn nor_if_what_an_event_told_of_is_gone_when_its_goroutine_starts() {
    const CONNECTIONS: usize = 20;
    let _alone = alone();
    // On one M, so that all events come from one look of the poller, and what they ready runs one after the other.
    with_procs(1, || {
        let listener = listener();
        let (conns, mut fars): (Vec<_>, Vec<_>) = (0..CONNECTIONS)
            .map(|_| {
                let (near, far) = pair_at(&listener);
                (Arc::new(Mutex::new(Conn::new(near).unwrap())), far)
            })
            .unzip();
        let theirs = conns.clone();
        let (mut told, mut tell) = pair_at(&listener);
        let thief = marmot::go(move || {
            told.read_exact(&mut [0]).unwrap();
            let stolen = |conn: &&Arc<Mutex<Conn>>| {
                let conn = conn.lock().unwrap();
                // Past the runtime, which would let it wait for its turn.
                matches!(SockRef::from(conn.get_ref()).recv(&mut [MaybeUninit::uninit(); 8]), Ok(1))
            };
            theirs.iter().filter(stolen).count()
        });
        let waits = |g: &Goroutine| g.wait_reason() == Some(WaitReason::IoRead);
        until(|| waits(thief.goroutine()));
        // In a turn of its own, which is long enough for all of it.
        marmot::yield_now();
        for far in &mut fars {
            far.write_all(b"1").unwrap();
        }
        tell.write_all(b"!").unwrap();
        let stolen = thief.join().unwrap();
        assert!(stolen > 0, "every goroutine has read before the thief came");
        let mut left = CONNECTIONS - stolen;
        until(|| {
            left -= conns.iter().map(|conn| conn.lock().unwrap().skip(1)).sum::<usize>();
            left == 0
        });
        until_idle();
        for (conn, far) in conns.iter().zip(&mut fars) {
            far.write_all(b"2").unwrap();
            let mut conn = conn.lock().unwrap();
            assert_eq!(conn.fill_buf().unwrap(), b"2");
            conn.consume(1);
        }
        until_idle();
    });
}
