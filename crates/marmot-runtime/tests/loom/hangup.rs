//! The short-read hint: a read that got less than it asked for lets the next one wait without
//! trying. The steps are those of `fd` and `netpoll::desc`.

use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::slot::Slot;
use crate::support::{Bell, explore};

const WAITER: usize = 8;

/// A socket, and its place in an edge-triggered poller.
#[derive(Default)]
struct Socket {
    bytes: usize,
    ended: bool,
    /// Something has happened since the last poll.
    edge: bool,
}

/// Something that the peer does.
type Change = fn(&mut Socket);
const BYTE: Change = |socket| socket.bytes += 1;
const END: Change = |socket| socket.ended = true;
const BYTE_AND_END: Change = |socket| {
    socket.bytes += 1;
    socket.ended = true;
};

struct Conn {
    socket: Mutex<Socket>,
    news: Condvar,
    slot: Slot,
    hangup: AtomicBool,
    reader: Bell,
}

impl Conn {
    fn new() -> Arc<Conn> {
        Arc::new(Conn {
            socket: Mutex::default(),
            news: Condvar::new(),
            slot: Slot::new(),
            hangup: AtomicBool::new(false),
            reader: Bell::new(),
        })
    }

    fn change(&self, change: Change) {
        let mut socket = self.socket.lock().unwrap();
        change(&mut socket);
        socket.edge = true;
        self.news.notify_one();
    }

    /// Polls once and hands on what is reported. True if that was the end.
    fn poll(&self) -> bool {
        let mut socket = self.socket.lock().unwrap();
        while !socket.edge {
            socket = self.news.wait(socket).unwrap();
        }
        socket.edge = false;
        let (readable, ended) = (socket.bytes > 0 || socket.ended, socket.ended);
        drop(socket);
        if ended {
            self.hangup.store(true, Relaxed);
        }
        if readable && let Some(waiter) = self.slot.notify() {
            assert_eq!(waiter, WAITER);
            self.reader.ready();
        }
        ended
    }

    /// The system call: `None` is that it would block.
    fn try_read(&self, asked: usize) -> Option<usize> {
        let mut socket = self.socket.lock().unwrap();
        let n = socket.bytes.min(asked);
        socket.bytes -= n;
        (n > 0 || socket.ended).then_some(n)
    }

    fn read(&self, asked: usize, drained: &mut bool) -> usize {
        loop {
            if !*drained || self.slot.is_ready() || self.hangup.load(Relaxed) {
                self.slot.take_ready();
                if let Some(n) = self.try_read(asked) {
                    *drained = n != 0 && n < asked;
                    return n;
                }
            }
            self.wait();
            *drained = false;
        }
    }

    fn wait(&self) {
        while self.slot.publish(WAITER) {
            self.reader.wait();
            if self.slot.take_ready() {
                return;
            }
        }
    }
}

/// A peer that does `changes` one after the other, the last of which ends the connection; a poller;
/// and a reader, who must find `bytes` and the end.
fn read_to_the_end(bytes: usize, changes: &'static [Change]) {
    let conn = Conn::new();
    let peer = {
        let conn = Arc::clone(&conn);
        thread::spawn(move || changes.iter().for_each(|&change| conn.change(change)))
    };
    let poller = {
        let conn = Arc::clone(&conn);
        thread::spawn(move || while !conn.poll() {})
    };
    let (mut drained, mut total) = (false, 0);
    loop {
        match conn.read(4, &mut drained) {
            0 => break,
            n => total += n,
        }
    }
    peer.join().unwrap();
    poller.join().unwrap();
    assert_eq!(total, bytes);
    assert!(!conn.reader.is_pending());
}

#[test]
fn the_end_comes_after_a_short_read() {
    explore(3, || read_to_the_end(1, &[BYTE, END]));
}

#[test]
fn the_end_comes_with_the_last_bytes() {
    explore(3, || read_to_the_end(2, &[BYTE, BYTE_AND_END]));
}

#[test]
fn bytes_come_after_a_short_read() {
    explore(2, || read_to_the_end(2, &[BYTE, BYTE, END]));
}
