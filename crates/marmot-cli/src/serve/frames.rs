//! The frame server: sends every frame of a fixed size back.
//!
//! Buffered, it reads all that has arrived by one system call and sends all answers by another. Directly, it makes two for
//! each frame, which shows what the buffers are for.

use super::drain::Session;
use marmot::buffered::codec::Fixed;
use marmot::buffered::{Conn, Framed};
use std::io::{self, BufRead, Read, Write};

/// Serves a connection through buffers.
///
/// # Errors
///
/// When the connection fails, or ends in the middle of a frame.
pub fn serve(session: Session, size: usize) -> io::Result<()> {
    let mut frames = Framed::new(Conn::new(session.try_clone_stream()?)?, Fixed::new(size));
    loop {
        if frames.get_mut().fill_buf()?.is_empty() || !session.begin() {
            return Ok(());
        }
        while frames.get_ref().readable() > 0 {
            let Some(frame) = frames.read()? else { break };
            frames.write(frame)?;
        }
        // They are answered when the answers have been sent.
        frames.flush()?;
        if !session.end() {
            return Ok(());
        }
    }
}

/// Serves a connection frame by frame, straight off it.
///
/// # Errors
///
/// As [`serve`].
pub fn serve_directly(session: Session, size: usize) -> io::Result<()> {
    let mut stream = session.stream();
    let mut frame = vec![0; size];
    loop {
        let count = stream.read(&mut frame)?;
        if count == 0 || !session.begin() {
            return Ok(());
        }
        stream.read_exact(&mut frame[count..])?;
        stream.write_all(&frame)?;
        if !session.end() {
            return Ok(());
        }
    }
}
