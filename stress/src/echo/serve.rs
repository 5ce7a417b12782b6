//! How the server serves a connection: in each of the ways that a program may.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use marmot::go;
use marmot::net::TcpStream;

use super::client::shrink_buffer;
use super::ends::reset;
use super::order::{self, Kind, Order, Then};
use super::pipe::Pipe;
use super::server::Guest;
use crate::contents;

/// The most that is read at once. Messages are shorter and longer.
const BUFFER: usize = 4096;

/// How long a connection of [`Kind::Impatient`] waits for a request.
const IMPATIENCE: Duration = Duration::from_millis(5);

/// A connection with its order.
struct Visit {
    order: Order,
    echoed: u64,
    /// Another goroutine is about to close the connection.
    closing: bool,
    _guest: Guest,
}

/// Learns how the connection is to be served, and serves it.
pub fn greet(mut conn: TcpStream, guest: Guest) {
    let mut bytes = [0; order::LENGTH];
    if conn.read_exact(&mut bytes).is_err() {
        // Who goes away without a word is a client's business: it counts them.
        return;
    }
    let visit = Visit { order: Order::decode(&bytes), echoed: 0, closing: false, _guest: guest };
    let prepared = conn.set_nodelay(true).and_then(|()| match visit.order.snug {
        true => shrink_buffer(&conn),
        false => Ok(()),
    });
    prepared.expect("an open connection has options");
    serve(conn, visit);
}

fn serve(conn: TcpStream, mut visit: Visit) {
    let echoed = match visit.order.kind {
        Kind::Plain => plain(&conn, &mut visit),
        Kind::Waiting => waiting(&conn, &mut visit),
        Kind::Split => split(&conn, &mut visit),
        Kind::HandedBack => return hand_back(conn, visit),
        Kind::Impatient => {
            conn.set_read_timeout(Some(IMPATIENCE)).expect("the timeout is not zero");
            return hand_back(conn, visit);
        }
    };
    finish(conn, visit, echoed);
}

impl Visit {
    /// How much is to be read next. Zero when everything has been echoed and the client must see that first.
    fn wanted(&self) -> usize {
        match self.order.then {
            _ if self.closing => BUFFER,
            Then::End | Then::Torn => BUFFER,
            Then::HalfClose { .. } | Then::Reset | Then::Close => {
                (self.order.bytes - self.echoed).min(BUFFER as u64) as usize
            }
        }
    }

    /// Echoes what there is. False at the end, or when enough is echoed.
    fn echo_once(&mut self, mut conn: &TcpStream, buffer: &mut [u8]) -> io::Result<bool> {
        // Nothing is read into no room.
        let n = conn.read(&mut buffer[..self.wanted()])?;
        conn.write_all(&buffer[..n])?;
        self.echoed += n as u64;
        Ok(n > 0)
    }
}

fn plain(conn: &TcpStream, visit: &mut Visit) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    while visit.echo_once(conn, &mut buffer)? {}
    Ok(())
}

fn waiting(conn: &TcpStream, visit: &mut Visit) -> io::Result<()> {
    loop {
        if visit.wanted() > 0 {
            conn.wait_readable()?;
        }
        if !visit.echo_once(conn, &mut vec![0; BUFFER])? {
            return Ok(());
        }
    }
}

/// Serves one request, and hands the connection back.
fn hand_back(conn: TcpStream, mut visit: Visit) {
    // The next bytes may never come when everything has been echoed.
    if visit.wanted() == 0 {
        return finish(conn, visit, Ok(()));
    }
    conn.go_when_readable(|conn| match visit.echo_once(&conn, &mut [0; BUFFER]) {
        Ok(true) => hand_back(conn, visit),
        Err(e) if e.kind() == ErrorKind::TimedOut && visit.order.kind == Kind::Impatient => hand_back(conn, visit),
        ended => finish(conn, visit, ended.map(drop)),
    });
}

/// Reads here, and lets another goroutine write.
fn split(mut conn: &TcpStream, visit: &mut Visit) -> io::Result<()> {
    let pipe = Arc::new(Pipe::default());
    let (theirs, mut clone) = (Arc::clone(&pipe), conn.try_clone()?);
    let writer = go(move || {
        let mut write_all = || {
            while let Some(chunk) = theirs.pop() {
                clone.write_all(&chunk)?;
            }
            Ok(())
        };
        let result: io::Result<()> = write_all();
        theirs.close();
        result
    });
    let mut buffer = [0; BUFFER];
    let read = loop {
        match conn.read(&mut buffer[..visit.wanted()]) {
            Ok(0) => break Ok(()),
            Ok(n) if pipe.push(&buffer[..n]) => visit.echoed += n as u64,
            // The writer knows why.
            Ok(_) => break Ok(()),
            Err(e) => break Err(e),
        }
    };
    pipe.close();
    writer.join().expect("the writer has not panicked").and(read)
}

/// Ends the connection as its order says.
fn finish(conn: TcpStream, visit: Visit, ended: io::Result<()>) {
    let Order { key, then, bytes, .. } = visit.order;
    if then == Then::Torn {
        return;
    }
    if visit.closing {
        // A read that was in the system call at the time finds the end.
        let kind = ended.map_err(|e| e.kind());
        assert!(matches!(kind, Ok(()) | Err(ErrorKind::NotConnected)), "what a server sees of a close is {kind:?}");
        assert_eq!(visit.echoed, bytes, "bytes have come that nobody sent");
        return;
    }
    ended.unwrap_or_else(|e| panic!("a connection that nobody tears has failed: {e}; it was {:?}", visit.order));
    assert_eq!(visit.echoed, bytes, "bytes that were echoed, and should have been, of {:?}", visit.order);
    let left = match then {
        Then::HalfClose { more } => swallow(&conn, key, bytes, more),
        Then::Reset => reset(conn),
        Then::Close => return wait_for_a_close(conn, visit),
        Then::End | Then::Torn => Ok(()),
    };
    left.unwrap_or_else(|e| panic!("the end of a connection has failed: {e}; it was {:?}", visit.order));
}

/// Says that no more comes, and finds exactly what the client has to say after that.
fn swallow(mut conn: &TcpStream, key: u64, from: u64, more: u64) -> io::Result<()> {
    conn.set_read_timeout(None)?;
    conn.shutdown(Shutdown::Write)?;
    let (mut buffer, mut seen) = ([0; BUFFER], 0);
    loop {
        let n = conn.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        contents::check(key, from + seen, &buffer[..n]);
        seen += n as u64;
    }
    assert_eq!(seen, more, "bytes after the server's half-close");
    Ok(())
}

/// Waits for bytes that never come, in the connection's own way, until another goroutine closes it.
fn wait_for_a_close(conn: TcpStream, mut visit: Visit) {
    let clone = conn.try_clone().expect("a clone costs nothing");
    let delay = Duration::from_micros(visit.order.key % 2000);
    go(move || {
        marmot::sleep(delay);
        clone.close().expect("an open connection can be closed");
    });
    visit.closing = true;
    serve(conn, visit);
}
