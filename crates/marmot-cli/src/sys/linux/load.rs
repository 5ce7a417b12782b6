//! The load: a closed loop over many connections, in one thread on epoll.
//!
//! Every connection has at most one request under way; the next one is sent when the answer to the last is complete. So
//! the load never exceeds what the server can take, and the figures show what a request costs, not where a server breaks.
//! Every byte that comes back is compared with the byte that was sent.
//!
//! Sockets are registered once, edge-triggered, for both directions. That is sound here because a request is written until
//! it is out or the socket is full, and an answer is read until it is whole or the socket is empty.

use super::pattern::Pattern;
use hdrhistogram::Histogram;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long the server may take for an answer before the run is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the loop comes up for air when nothing happens, to look at the clock and at the interrupt flag.
const TICK: Duration = Duration::from_millis(20);
/// Connections that are opened before each of them must have answered once: fewer than any accept queue holds.
const BATCH: usize = 64;
/// Connections from one source address: fewer than the 28,232 ephemeral ports that Linux has by default.
const PER_SOURCE: usize = 20_000;
/// The latencies that can be told apart, in nanoseconds.
const LONGEST_NANOS: u64 = 60_000_000_000;

/// When a run ends.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// At that time.
    Until(Instant),
    /// After so many more answers.
    Answers(u64),
}

/// Connections to a server that echoes, and what was measured on them.
pub struct Load<'a> {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    connections: Vec<Connection>,
    pattern: Pattern,
    scratch: Vec<u8>,
    interrupted: &'a AtomicBool,
    latencies: Histogram<u64>,
    window_start: Instant,
    answers: u64,
    under_way: usize,
    sending: bool,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    sequence: u64,
    written: usize,
    read: usize,
    under_way: bool,
    sent_at: Instant,
}

impl<'a> Load<'a> {
    /// Opens `count` connections and has each of them answer once, so that the server has accepted them all.
    ///
    /// # Errors
    ///
    /// When a connection fails or answers wrongly, and [`io::ErrorKind::Interrupted`] once `interrupted` is set.
    pub fn connect(addr: SocketAddr, count: usize, size: usize, interrupted: &'a AtomicBool) -> io::Result<Load<'a>> {
        let mut load = Load {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(1024),
            connections: Vec::with_capacity(count),
            pattern: Pattern::new(size),
            // One byte more than an answer has, to notice an answer that is too long.
            scratch: vec![0; size.min(256 * 1024) + 1],
            interrupted,
            latencies: Histogram::new_with_bounds(1, LONGEST_NANOS, 3).expect("the bounds and the precision are valid"),
            window_start: Instant::now(),
            answers: 0,
            under_way: 0,
            sending: false,
        };
        while load.connections.len() < count {
            let first = load.connections.len();
            for index in first..count.min(first + BATCH) {
                load.open(addr, index)?;
            }
            for index in first..load.connections.len() {
                load.send_request(index)?;
            }
            load.settle()?;
        }
        Ok(load)
    }

    /// Runs the closed loop until the goal is reached; requests that are under way then stay so.
    ///
    /// `tick` is called now and then with the answers so far.
    ///
    /// # Errors
    ///
    /// When a connection fails or answers wrongly or not at all, and [`io::ErrorKind::Interrupted`] on an interrupt.
    pub fn run(&mut self, goal: Goal, mut tick: impl FnMut(u64)) -> io::Result<()> {
        let target = match goal {
            Goal::Until(_) => u64::MAX,
            Goal::Answers(more) => self.answers.saturating_add(more),
        };
        self.sending = true;
        for index in 0..self.connections.len() {
            if !self.connections[index].under_way {
                self.send_request(index)?;
            }
        }
        let mut last_answer = Instant::now();
        let mut last_tick = last_answer;
        loop {
            let now = Instant::now();
            if self.answers >= target || matches!(goal, Goal::Until(end) if now >= end) {
                return Ok(());
            }
            if now - last_tick > TICK {
                last_tick = now;
                tick(self.answers);
            }
            let before = self.answers;
            self.turn()?;
            if self.answers > before {
                last_answer = now;
            } else if now - last_answer > PATIENCE {
                return Err(no_answer());
            }
        }
    }

    /// Waits for the answers to all requests under way without sending another. The server is idle afterwards.
    ///
    /// # Errors
    ///
    /// As [`run`](Load::run).
    pub fn settle(&mut self) -> io::Result<()> {
        self.sending = false;
        let deadline = Instant::now() + PATIENCE;
        while self.under_way > 0 {
            if Instant::now() > deadline {
                return Err(no_answer());
            }
            self.turn()?;
        }
        Ok(())
    }

    /// Forgets what was measured: the window begins now. A request that was sent before it is counted if its answer falls
    /// into the window, but its latency is not.
    pub fn begin_window(&mut self) {
        self.latencies.reset();
        self.answers = 0;
        self.window_start = Instant::now();
    }

    /// The time since the window began.
    pub fn elapsed(&self) -> Duration {
        self.window_start.elapsed()
    }

    /// The answers since the window began.
    pub fn answers(&self) -> u64 {
        self.answers
    }

    /// The latencies of the window in nanoseconds.
    pub fn latencies(&self) -> &Histogram<u64> {
        &self.latencies
    }

    fn open(&mut self, addr: SocketAddr, index: usize) -> io::Result<()> {
        let stream = dial(addr, index / PER_SOURCE)
            .map_err(|error| io::Error::new(error.kind(), format!("connection {index}: {error}")))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let interest = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
        epoll::add(&self.epoll, &stream, epoll::EventData::new_u64(index as u64), interest)?;
        let sent_at = Instant::now();
        self.connections.push(Connection { stream, sequence: 0, written: 0, read: 0, under_way: false, sent_at });
        Ok(())
    }

    /// One wait, and whatever it reports.
    fn turn(&mut self) -> io::Result<()> {
        // Relaxed: the flag says only that it was set; nothing is read on the strength of it.
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let timeout = Timespec::try_from(TICK).expect("20 ms fit into a timespec");
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let mut events = std::mem::take(&mut self.events);
        let outcome = events.drain(..).try_for_each(|event| self.progress(event.data.u64() as usize));
        self.events = events;
        outcome
    }

    /// Writes as far as the socket allows, and reads up to the end of the answer. What comes after that is the answer to a
    /// request that was sent later, so there will be an event for it; and no connection holds up the others.
    fn progress(&mut self, index: usize) -> io::Result<()> {
        let failed = |error: io::Error| io::Error::new(error.kind(), format!("connection {index}: {error}"));
        self.write(index).map_err(failed)?;
        while self.connections[index].under_way && self.read(index).map_err(failed)? {}
        Ok(())
    }

    fn send_request(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        connection.sequence += 1;
        connection.written = 0;
        connection.read = 0;
        connection.under_way = true;
        connection.sent_at = Instant::now();
        self.under_way += 1;
        self.write(index)
    }

    fn write(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let request = self.pattern.request(index, connection.sequence);
        while connection.under_way && connection.written < request.len() {
            match connection.stream.write(&request[connection.written..]) {
                Ok(count) => connection.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once; `false` when the socket is empty or the answer is whole.
    fn read(&mut self, index: usize) -> io::Result<bool> {
        let connection = &mut self.connections[index];
        let count = match connection.stream.read(&mut self.scratch) {
            Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed it")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error),
        };
        let request = self.pattern.request(index, connection.sequence);
        // Only what was sent can come back, so an answer that is ahead of the request is wrong, too.
        let expected = &request[connection.read..connection.written];
        if expected.get(..count) != Some(&self.scratch[..count]) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the answer to request {} differs from it after byte {}", connection.sequence, connection.read),
            ));
        }
        connection.read += count;
        if connection.read < request.len() {
            return Ok(true);
        }
        self.answered(index)?;
        Ok(false)
    }

    fn answered(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        connection.under_way = false;
        self.under_way -= 1;
        self.answers += 1;
        if connection.sent_at >= self.window_start {
            let nanos = connection.sent_at.elapsed().as_nanos() as u64;
            self.latencies.saturating_record(nanos.max(1));
        }
        if self.sending { self.send_request(index) } else { Ok(()) }
    }
}

/// Connects from a loopback address of its own for each `source`, so that the ephemeral ports suffice.
fn dial(addr: SocketAddr, source: usize) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    if source > 0 {
        let host = u32::from(Ipv4Addr::LOCALHOST) + source as u32;
        socket.bind(&SockAddr::from(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(host)), 0)))?;
    }
    socket.connect(&SockAddr::from(addr))?;
    Ok(socket.into())
}

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the server gave no answer for {} s", PATIENCE.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    static NEVER: AtomicBool = AtomicBool::new(false);

    /// A server that answers each read with what `answer` makes of it.
    fn server(answer: fn(&mut Vec<u8>)) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || -> io::Result<()> {
                    let mut stream = stream?;
                    let mut buffer = [0; 4096];
                    loop {
                        let count = stream.read(&mut buffer)?;
                        if count == 0 {
                            return Ok(());
                        }
                        let mut bytes = buffer[..count].to_vec();
                        answer(&mut bytes);
                        stream.write_all(&bytes)?;
                    }
                });
            }
        });
        addr
    }

    #[test]
    fn counts_the_answers_that_it_was_asked_for() {
        let mut load = Load::connect(server(|_| {}), 5, 100, &NEVER).unwrap();
        load.begin_window();
        load.run(Goal::Answers(200), |_| {}).unwrap();
        load.settle().unwrap();
        // The last turn may bring an answer on each connection, and so may the requests that are still under way.
        assert!((200..=210).contains(&load.answers()), "{}", load.answers());
        assert_eq!(load.latencies().len(), load.answers());
        assert_eq!(load.under_way, 0);
    }

    #[test]
    fn requests_larger_than_the_socket_buffers_pass() {
        let mut load = Load::connect(server(|_| {}), 2, 3 << 20, &NEVER).unwrap();
        load.run(Goal::Answers(4), |_| {}).unwrap();
        load.settle().unwrap();
    }

    #[test]
    fn a_wrong_byte_is_noticed() {
        let flipped =
            Load::connect(server(|bytes| bytes[7] ^= 1), 1, 64, &NEVER).err().expect("the flipped bit is an error");
        assert_eq!(flipped.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_byte_too_many_is_noticed() {
        let extra =
            Load::connect(server(|bytes| bytes.push(0)), 1, 64, &NEVER).err().expect("the extra byte is an error");
        assert_eq!(extra.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn an_interrupt_ends_the_run() {
        let flag = AtomicBool::new(false);
        let mut load = Load::connect(server(|_| {}), 1, 64, &flag).unwrap();
        flag.store(true, Ordering::Relaxed);
        let error = load.run(Goal::Until(Instant::now() + PATIENCE), |_| {}).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    }
}
