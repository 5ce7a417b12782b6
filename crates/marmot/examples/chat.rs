//! A chat server: what one says, all others get, line by line; and who does not keep up is put out.
//!
//! `cargo run --release --example chat`, then `nc 127.0.0.1 7002` in several terminals. The first line is one's name.
//!
//! A member has two goroutines: one reads and tells the room, the other writes what the room says. Between them is a mailbox that
//! holds some bytes, however many lines that makes. Who says something to a member whose mailbox is full waits a moment: a burst
//! is read by quick clients in that time. A member whose mailbox has been full for longer, without being half emptied, does not
//! read; his context is cancelled, and with it whatever he waits for.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use marmot::GoroutineId;
use marmot::context::{self, Cancel, Context};
use marmot::net::{TcpListener, TcpStream};
use marmot::sync::chan::{self, Receiver, Sender};
use marmot::sync::{Mutex, OwnedPermit, Semaphore};

/// How many bytes may wait for a member who reads slowly.
const BEHIND: usize = 256 * 1024;

/// How long a member may stay behind.
const GRACE: Duration = Duration::from_secs(5);

/// How many bytes a line may have.
const LONG: u64 = 4096;

/// Serves one room, until the listener fails or the caller's context ends. Members may stay behind for as long as `grace`.
pub fn serve(listener: &TcpListener, grace: Duration) -> io::Result<()> {
    let room = Room { members: Mutex::default(), grace };
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

fn write_lines(inbox: &Receiver<Mail>, mut conn: &TcpStream) -> io::Result<()> {
    for mail in inbox {
        conn.write_all(mail.line.as_bytes())?;
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

struct Room {
    members: Mutex<HashMap<GoroutineId, Arc<Member>>>,
    grace: Duration,
}

struct Member {
    name: String,
    inbox: Sender<Mail>,
    /// The bytes that his mailbox has room for.
    room: Arc<Semaphore>,
    /// When his mailbox was full first, and has not been half emptied since.
    behind_since: Mutex<Option<Instant>>,
    put_out: Cancel,
}

/// A line in a mailbox, and its room there, which is free again when the line has been written.
struct Mail {
    line: Arc<str>,
    _room: OwnedPermit,
}

impl Member {
    /// Puts a line into his mailbox, and waits for room in it; false if he has been behind for longer than `grace`.
    fn hear(&self, line: &Arc<str>, grace: Duration) -> bool {
        // One that is longer takes it all.
        let size = line.len().min(BEHIND);
        let room = match self.room.try_acquire_many_owned(size) {
            Some(room) => {
                if self.room.available_permits() >= BEHIND / 2 {
                    *self.behind_since.lock().unwrap() = None;
                }
                room
            }
            None => {
                let since = *self.behind_since.lock().unwrap().get_or_insert_with(Instant::now);
                let (context, _cancel) = Context::current().with_deadline(since + grace);
                match context.run(|| self.room.acquire_many_owned(size)) {
                    Ok(room) => room,
                    // It may be the one who speaks whose time is over.
                    Err(_) => return context::check().is_err(),
                }
            }
        };
        // If he has left, his mailbox is gone.
        let _ = self.inbox.send(Mail { line: Arc::clone(line), _room: room });
        true
    }
}

impl Room {
    fn enter(&self, name: &str, put_out: Cancel) -> (Seat<'_>, Receiver<Mail>) {
        let (inbox, mails) = chan::unbounded();
        let seat = Seat { room: self, name: name.to_owned(), number: marmot::current().id() };
        seat.say(&format!("* {name} has come\n"));
        let (room, behind_since) = (Arc::new(Semaphore::new(BEHIND)), Mutex::default());
        let member = Arc::new(Member { name: name.to_owned(), inbox, room, behind_since, put_out });
        let mut members = self.members.lock().unwrap();
        let others: Vec<_> = members.values().map(|member| member.name.as_str()).collect();
        // The first line of all: nobody else knows the member yet, and nothing waits with the lock.
        let greeting = format!("* you are here with [{}]\n", others.join(", "));
        member.hear(&greeting.into(), self.grace);
        members.insert(seat.number, member);
        drop(members);
        (seat, mails)
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
    /// Tells all others, and waits for those who are behind.
    fn say(&self, line: &str) {
        let line = Arc::from(line);
        let members: Vec<_> = {
            let members = self.room.members.lock().unwrap();
            members.iter().filter(|&(number, _)| *number != self.number).map(|(_, member)| Arc::clone(member)).collect()
        };
        for member in members {
            if !member.hear(&line, self.room.grace) {
                member.put_out.cancel_with_cause("it did not keep up with the room");
            }
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.room.members.lock().unwrap().remove(&self.number);
        // Also of one whose context has ended, the others hear that he has left.
        context::shield(|| self.say(&format!("* {} has left\n", self.name)));
    }
}

#[marmot::main]
fn main() -> io::Result<()> {
    serve(&TcpListener::bind("127.0.0.1:7002")?, GRACE)
}
