//! `channel`: sending messages to another goroutine. One operation is a message.
//!
//! `rendezvous` has no room, so that each message is handed over; `buffered` has room for 128; `unbounded` is sent to by one that yields
//! after every 128 messages; and with `select`, each message may come out of either of two channels, of which the
//! other is never sent to. `threads` goes from one plain thread to another, with room for 128, beside `std`'s channel.

use super::rows::{Label, Rows};
use marmot::Runtime;
use marmot::sync::chan::{self, Receiver, Sender};
use std::io;
use std::sync::mpsc;
use std::thread;

const RENDEZVOUS: Label = Label { own: "channel.rendezvous", peer: "channel_unbuffered" };
const BUFFERED: Label = Label { own: "channel.buffered", peer: "channel_buffered" };
const UNBOUNDED: Label = Label { own: "channel.unbounded", peer: "channel_unbounded" };
const SELECT: Label = Label { own: "channel.select", peer: "channel_select" };
const THREADS: Label = Label { own: "channel.threads", peer: "channel_threads" };
const THREADS_STD: Label = Label { own: "channel.threads.std", peer: "channel_threads_std" };
const MESSAGES: u64 = 1_000_000;
const ROOM: usize = 128;

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    rows.time(runtime, RENDEZVOUS, MESSAGES, rendezvous)?;
    rows.time(runtime, BUFFERED, MESSAGES, |count| one_way(chan::bounded(ROOM), count))?;
    rows.time(runtime, UNBOUNDED, MESSAGES, unbounded)?;
    rows.time(runtime, SELECT, MESSAGES, select)?;
    rows.time(runtime, THREADS, MESSAGES, threads)?;
    rows.time(runtime, THREADS_STD, MESSAGES, threads_std)
}

/// So many messages to a new goroutine, each handed over.
pub fn rendezvous(count: u64) {
    one_way(chan::rendezvous(), count);
}

fn one_way((sender, receiver): (Sender<u64>, Receiver<u64>), count: u64) {
    let sums = marmot::go(move || receiver.iter().sum::<u64>());
    for message in 0..count {
        sender.send(message).expect("the receiver stays");
    }
    drop(sender);
    assert_eq!(sums.join().expect("receiving does not panic"), sum_of(count));
}

fn unbounded(count: u64) {
    let (sender, receiver) = chan::unbounded();
    let sums = marmot::go(move || receiver.iter().sum::<u64>());
    for message in 0..count {
        sender.send(message).expect("the receiver stays");
        if message % ROOM as u64 == 0 {
            marmot::yield_now();
        }
    }
    drop(sender);
    assert_eq!(sums.join().expect("receiving does not panic"), sum_of(count));
}

fn select(count: u64) {
    let (sender, receiver) = chan::rendezvous();
    let (_idle, other) = chan::rendezvous::<u64>();
    let sums = marmot::go(move || {
        let mut sum = 0;
        loop {
            marmot::select! {
                recv(receiver) -> message => match message {
                    Ok(message) => sum += message,
                    Err(_) => break sum,
                },
                recv(other) -> message => sum += message.expect("its sender stays"),
            }
        }
    });
    for message in 0..count {
        sender.send(message).expect("the receiver stays");
    }
    drop(sender);
    assert_eq!(sums.join().expect("receiving does not panic"), sum_of(count));
}

fn threads(count: u64) {
    let (sender, receiver) = chan::bounded(ROOM);
    let sums = thread::spawn(move || receiver.iter().sum::<u64>());
    on_a_thread(move || (0..count).for_each(|message| sender.send(message).expect("the receiver stays")));
    assert_eq!(sums.join().expect("receiving does not panic"), sum_of(count));
}

fn threads_std(count: u64) {
    let (sender, receiver) = mpsc::sync_channel(ROOM);
    let sums = thread::spawn(move || receiver.iter().sum::<u64>());
    on_a_thread(move || (0..count).for_each(|message| sender.send(message).expect("the receiver stays")));
    assert_eq!(sums.join().expect("receiving does not panic"), sum_of(count));
}

fn on_a_thread(f: impl FnOnce() + Send + 'static) {
    thread::spawn(f).join().expect("sending does not panic");
}

fn sum_of(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}
