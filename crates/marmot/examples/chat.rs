//! A chat server: what one says, all others get, line by line; and who does not keep up is put out.
//!
//! `cargo run --release --example chat`, then `nc 127.0.0.1 7002` in several terminals. The first line is one's name.
//!
//! A member has two goroutines: one reads and tells the room, the other writes what the room says. Between them is a channel that
//! holds some lines. The room waits for nobody: who is so far behind that his channel is full has his context cancelled, and with
//! it whatever he waits for.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;

use marmot::GoroutineId;
use marmot::context::{Cancel, Context};
use marmot::net::{TcpListener, TcpStream};
use marmot::sync::Mutex;
use marmot::sync::chan::{self, Receiver, Sender};

/// How many lines may wait for a member who reads slowly.
const BEHIND: usize = 64;

/// How many bytes a line may have.
const LONG: u64 = 4096;

/// Serves one room, until the listener fails or the caller's context ends.
pub fn serve(listener: &TcpListener) -> io::Result<()> {
    let room = Room::default();
    marmot::group(|g| {
        loop {
            let (conn, peer) = listener.accept()?;
            let room = &room;
            g.go(move || {
                // One member's failure is not the room's.
                if let Err(error) = talk(&conn, room) {
                    eprintln!("{peer}: {error}");
                }
                Ok(())
            });
        }
    })
}

/// One member's time in the room.
fn talk(conn: &TcpStream, room: &Room) -> io::Result<()> {
    let mut reader = BufReader::new(conn);
    let Some(name) = read_line(&mut reader)? else { return Ok(()) };
    let (context, put_out) = Context::current().with_cancel();
    let (seat, inbox) = room.enter(&name, put_out);
    context.run(|| {
        marmot::group(|g| {
            g.go(|| write_lines(&inbox, conn));
            while let Some(line) = read_line(&mut reader)? {
                seat.say(&format!("{name}: {line}\n"));
            }
            // With it goes the channel's sender: the other goroutine writes what is left, and ends.
            drop(seat);
            Ok(())
        })
    })
}

fn write_lines(inbox: &Receiver<Arc<str>>, mut conn: &TcpStream) -> io::Result<()> {
    for line in inbox {
        conn.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// The next line, without its end; none after the last.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    reader.by_ref().take(LONG).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(text) => Ok(Some(text.trim_end().to_owned())),
        None if line.len() as u64 == LONG => Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long")),
        None => Ok(None),
    }
}

#[derive(Default)]
struct Room {
    members: Mutex<HashMap<GoroutineId, Member>>,
}

struct Member {
    name: String,
    inbox: Sender<Arc<str>>,
    put_out: Cancel,
}

impl Room {
    fn enter(&self, name: &str, put_out: Cancel) -> (Seat<'_>, Receiver<Arc<str>>) {
        let (inbox, lines) = chan::bounded(BEHIND);
        let seat = Seat { room: self, name: name.to_owned(), number: marmot::current().id() };
        seat.say(&format!("* {name} has come\n"));
        let mut members = self.members.lock().unwrap();
        let others: Vec<_> = members.values().map(|member| member.name.as_str()).collect();
        // The channel is empty, and so has room.
        let _ = inbox.try_send(format!("* you are here with [{}]\n", others.join(", ")).into());
        members.insert(seat.number, Member { name: name.to_owned(), inbox, put_out });
        drop(members);
        (seat, lines)
    }
}

/// A member's place in the room; dropping it leaves.
struct Seat<'a> {
    room: &'a Room,
    name: String,
    /// That of the goroutine that reads.
    number: GoroutineId,
}

impl Seat<'_> {
    /// Tells all others.
    fn say(&self, line: &str) {
        let line = Arc::from(line);
        // Nothing waits with the lock.
        self.room.members.lock().unwrap().retain(|&number, member| {
            let keeps_up = number == self.number || member.inbox.try_send(Arc::clone(&line)).is_ok();
            if !keeps_up {
                member.put_out.cancel_with_cause("it did not keep up with the room");
            }
            keeps_up
        });
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.room.members.lock().unwrap().remove(&self.number);
        self.say(&format!("* {} has left\n", self.name));
    }
}

#[marmot::main]
fn main() -> io::Result<()> {
    serve(&TcpListener::bind("127.0.0.1:7002")?)
}
