//! One that has the turn to read or to write a connection does not give others theirs in the middle of it, unless it waits. On one P another
//! goroutine runs only when the first one yields, and finds out whether a turn is taken by trying without waiting.

mod common;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use common::{listener, pair_at, with_procs};
use marmot::buffered::Writer;
use marmot::net::TcpStream;

/// How many of the cheapest calls a goroutine may make in a turn.
const TURN: usize = 16 * 1024;

/// Calls `f` again and again while another goroutine of the same M calls `try_once`, whenever it has its turn; says how often that was
/// refused. `f` is called with so much left of the budget as it is told.
fn refusals(
    rounds: impl Iterator<Item = usize>,
    mut f: impl FnMut(),
    try_once: impl Fn() -> std::io::Result<()> + Send + 'static,
) -> usize {
    let (is_over, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (over, count) = (Arc::clone(&is_over), Arc::clone(&refused));
    let tries = marmot::go(move || {
        while !over.load(Relaxed) {
            match try_once() {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => drop(count.fetch_add(1, Relaxed)),
                Err(e) => panic!("{e}"),
            }
            marmot::yield_now();
        }
    });
    for left in rounds {
        marmot::yield_now();
        (left..TURN).for_each(|_| marmot::context::check().unwrap());
        f();
    }
    is_over.store(true, Relaxed);
    tries.join().unwrap();
    refused.load(Relaxed)
}

fn pair() -> (TcpStream, TcpStream) {
    let (near, far) = pair_at(&listener());
    near.set_nonblocking(true).unwrap();
    (near, far)
}

#[test]
fn what_has_gathered_is_sent_without_a_yield() {
    with_procs(1, || {
        let (near, _far) = pair();
        let mut writer = Writer::new(near.try_clone().unwrap());
        let send = || {
            writer.write_all(b"x").unwrap();
            writer.flush().unwrap();
        };
        assert_eq!(refusals(0..64, send, move || (&near).write(b"").map(drop)), 0);
    });
}

#[test]
fn a_buffer_is_borrowed_without_a_yield() {
    with_procs(1, || {
        let (near, mut far) = pair();
        let (rounds, from) = (3000, near.try_clone().unwrap());
        far.write_all(&vec![7; 2 * rounds]).unwrap();
        let mut null = File::create("/dev/null").unwrap();
        // What the pools charge, they charge for many buffers at a time.
        let copy = || assert_eq!(marmot::io::copy_n(&mut &from, &mut null, 1).unwrap(), 1);
        let peek = move || near.peek(&mut [0]).map(drop);
        assert_eq!(refusals(std::iter::repeat_n(24, rounds), copy, peek), 0);
    });
}
