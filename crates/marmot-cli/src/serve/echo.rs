//! The echo server.
//!
//! A turn reads what there is, up to a buffer's size, and writes it back. The buffer is borrowed when bytes have arrived and
//! given back when they are answered.

use super::BUFFER;
use super::drain::Session;
use marmot::buf::Lease;
use marmot::net::TcpStream;
use std::io::{self, Read, Write};

/// Serves a connection with one goroutine for all its life.
///
/// # Errors
///
/// When the connection fails.
pub fn serve(session: Session) -> io::Result<()> {
    loop {
        session.stream().wait_readable()?;
        if !(session.begin() && turn(session.stream())? && session.end()) {
            return Ok(());
        }
    }
}

/// Serves a connection with a goroutine for each turn; in between there is none.
///
/// # Errors
///
/// When the connection fails.
pub fn serve_on_readable(session: Session) -> io::Result<()> {
    session.try_clone_stream()?.go_when_readable(move |stream| -> io::Result<()> {
        if session.begin() && turn(&stream)? && session.end() { serve_on_readable(session) } else { Ok(()) }
    });
    Ok(())
}

/// Echoes once; `false` at the end of the stream.
fn turn(mut stream: &TcpStream) -> io::Result<bool> {
    let mut buffer = Lease::new(BUFFER);
    let count = stream.read(&mut buffer)?;
    stream.write_all(&buffer[..count])?;
    Ok(count > 0)
}
