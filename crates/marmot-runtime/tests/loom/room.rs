//! A writer that looks at the slot only when there was no room, and events of room that nobody needs to hear. The steps are
//! those of `fd` and `netpoll::desc`.

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::slot::Slot;
use crate::support::{Bell, explore};

const WAITER: usize = 8;

/// A socket, and its place in an edge-triggered poller.
#[derive(Default)]
struct Socket {
    room: usize,
    /// Room has come since the last poll.
    edge: bool,
    /// The poller is to end.
    stopped: bool,
}

struct Conn {
    socket: Mutex<Socket>,
    news: Condvar,
    slot: Slot,
    writer: Bell,
}

impl Conn {
    fn new(room: usize) -> Arc<Conn> {
        Arc::new(Conn {
            socket: Mutex::new(Socket { room, ..Socket::default() }),
            news: Condvar::new(),
            slot: Slot::new(),
            writer: Bell::new(),
        })
    }

    /// The peer reads.
    fn make_room(&self) {
        let mut socket = self.socket.lock().unwrap();
        socket.room += 1;
        socket.edge = true;
        self.news.notify_one();
    }

    fn stop(&self) {
        self.socket.lock().unwrap().stopped = true;
        self.news.notify_one();
    }

    /// Polls once and hands on what is reported. Each report is one of room and of nothing else. False if the poller is to
    /// end.
    fn poll(&self) -> bool {
        let mut socket = self.socket.lock().unwrap();
        while !socket.edge {
            if socket.stopped {
                return false;
            }
            socket = self.news.wait(socket).unwrap();
        }
        socket.edge = false;
        drop(socket);
        if !self.slot.knows_room()
            && let Some(waiter) = self.slot.notify()
        {
            assert_eq!(waiter, WAITER);
            self.writer.ready();
        }
        true
    }

    /// The system call: false is that it would block.
    fn try_write(&self) -> bool {
        let mut socket = self.socket.lock().unwrap();
        let room = socket.room > 0;
        socket.room -= usize::from(room);
        room
    }

    fn write(&self) {
        while !self.try_write() {
            if self.slot.take_ready() {
                continue;
            }
            self.wait();
        }
    }

    fn wait(&self) {
        while self.slot.publish(WAITER) {
            self.writer.wait();
            if self.slot.take_ready() {
                return;
            }
        }
    }
}

/// A peer that makes room so many times more, and a writer that needs it all.
fn write_all(room: usize, more: usize) {
    let conn = Conn::new(room);
    let peer = {
        let conn = Arc::clone(&conn);
        thread::spawn(move || (0..more).for_each(|_| conn.make_room()))
    };
    let poller = {
        let conn = Arc::clone(&conn);
        thread::spawn(move || while conn.poll() {})
    };
    (0..room + more).for_each(|_| conn.write());
    peer.join().unwrap();
    conn.stop();
    poller.join().unwrap();
    assert!(!conn.writer.is_pending());
}

#[test]
fn a_writer_finds_the_room_that_it_waits_for() {
    explore(3, || write_all(0, 1));
}

#[test]
fn room_that_comes_after_the_last_of_it_was_used_is_found() {
    explore(3, || write_all(1, 1));
}

#[test]
fn an_event_that_nobody_needed_to_hear_is_not_missed() {
    explore(3, || write_all(0, 2));
}
