//! A line-based service over `std`'s `BufReader`, with a deadline for each line and connections that hold no stack
//! between lines: `cargo run --release --example lines`, then `nc 127.0.0.1 7001`.
//!
//! It shows that what reads from a `Read` works unchanged, and how `go_when_readable` fits in: the buffer
//! travels with the connection, because it may hold the beginning of the next line.

use std::io::{self, BufRead, BufReader, Write};
use std::time::{Duration, Instant};

use marmot::net::{TcpListener, TcpStream};

/// How long a client may take to send a line that it has begun.
const LINE: Duration = Duration::from_secs(10);

/// Answers the lines that have come, and waits for more without a stack.
fn serve(conn: TcpStream) -> io::Result<()> {
    let mut writer = conn.try_clone()?;
    let mut reader = BufReader::new(conn);
    loop {
        reader.get_ref().set_read_deadline(Some(Instant::now() + LINE))?;
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        writeln!(writer, "{}", line.trim_end().chars().rev().collect::<String>())?;
        if reader.buffer().is_empty() {
            let conn = reader.into_inner();
            conn.set_read_deadline(None)?;
            conn.go_when_readable(serve);
            return Ok(());
        }
    }
}

#[marmot::main]
fn main() -> io::Result<()> {
    for conn in TcpListener::bind("127.0.0.1:7001")?.incoming() {
        conn?.go_when_readable(serve);
    }
    Ok(())
}
