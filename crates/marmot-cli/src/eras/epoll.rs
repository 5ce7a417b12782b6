//! The third era: one thread, an event loop, and a callback object with a state machine for each connection.
//!
//! What a blocking handler says in its control flow is spelled out here as data: what a connection waits for, what of
//! its answer is still unsent, and who is to be called when it can go on.

use super::{BUFFER, LOOPBACK};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

// handler: begin
/// Something that the loop calls when its descriptor is ready.
trait Callback: AsFd {
    fn ready(&mut self, buffer: &mut [u8]) -> io::Result<Next>;
}

/// What a callback asks of the loop.
enum Next {
    /// Call it again when its descriptor is ready for this.
    Wait(EventFlags),
    /// Take this connection on, and call it again for the next one.
    Accepted(TcpStream),
    /// Call it never again.
    Close,
}

struct EventLoop {
    epoll: OwnedFd,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    buffer: [u8; BUFFER],
}

struct Slot {
    callback: Box<dyn Callback>,
    interest: EventFlags,
}

impl EventLoop {
    fn new() -> io::Result<EventLoop> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(EventLoop { epoll, slots: Vec::new(), free: Vec::new(), buffer: [0; BUFFER] })
    }

    fn add(&mut self, callback: Box<dyn Callback>) -> io::Result<()> {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        epoll::add(&self.epoll, &callback, EventData::new_u64(index as u64), EventFlags::IN)?;
        self.slots[index] = Some(Slot { callback, interest: EventFlags::IN });
        Ok(())
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(256);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in events.drain(..) {
                self.dispatch(event.data.u64() as usize)?;
            }
        }
    }

    fn dispatch(&mut self, index: usize) -> io::Result<()> {
        let Some(slot) = &mut self.slots[index] else { return Ok(()) };
        match slot.callback.ready(&mut self.buffer) {
            Ok(Next::Wait(interest)) if interest == slot.interest => {}
            Ok(Next::Wait(interest)) => {
                epoll::modify(&self.epoll, &slot.callback, EventData::new_u64(index as u64), interest)?;
                slot.interest = interest;
            }
            Ok(Next::Accepted(stream)) => self.add(Box::new(Connection { stream, state: State::Reading }))?,
            Ok(Next::Close) | Err(_) => {
                // Dropping the callback closes its descriptor, and epoll forgets a descriptor that is closed.
                self.slots[index] = None;
                self.free.push(index);
            }
        }
        Ok(())
    }
}

struct Listener(TcpListener);

impl Callback for Listener {
    fn ready(&mut self, _: &mut [u8]) -> io::Result<Next> {
        match self.0.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                Ok(Next::Accepted(stream))
            }
            Err(_) => Ok(Next::Wait(EventFlags::IN)),
        }
    }
}

struct Connection {
    stream: TcpStream,
    state: State,
}

enum State {
    /// Nothing is owed to the peer.
    Reading,
    /// The peer has not yet taken what is behind the position.
    Writing { unsent: Vec<u8>, position: usize },
}

impl Callback for Connection {
    fn ready(&mut self, buffer: &mut [u8]) -> io::Result<Next> {
        match &mut self.state {
            State::Reading => self.read(buffer),
            State::Writing { unsent, position } => {
                match self.stream.write(&unsent[*position..]) {
                    Ok(count) => *position += count,
                    Err(error) if again(&error) => {}
                    Err(error) => return Err(error),
                }
                if *position < unsent.len() {
                    return Ok(Next::Wait(EventFlags::OUT));
                }
                self.state = State::Reading;
                Ok(Next::Wait(EventFlags::IN))
            }
        }
    }
}

impl Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Next> {
        let read = match self.stream.read(buffer) {
            Ok(0) => return Ok(Next::Close),
            Ok(count) => &buffer[..count],
            Err(error) if again(&error) => return Ok(Next::Wait(EventFlags::IN)),
            Err(error) => return Err(error),
        };
        let sent = match self.stream.write(read) {
            Ok(count) => count,
            Err(error) if again(&error) => 0,
            Err(error) => return Err(error),
        };
        if sent == read.len() {
            return Ok(Next::Wait(EventFlags::IN));
        }
        self.state = State::Writing { unsent: read[sent..].to_vec(), position: 0 };
        Ok(Next::Wait(EventFlags::OUT))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

pub fn serve(ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    listener.set_nonblocking(true)?;
    ready(listener.local_addr()?);
    let mut event_loop = EventLoop::new()?;
    event_loop.add(Box::new(Listener(listener)))?;
    event_loop.run()
}
// handler: end
