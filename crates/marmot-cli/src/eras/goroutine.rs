//! The fourth era: a goroutine for each connection. Compare `thread.rs`: the code is the same.

use super::{BUFFER, LOOPBACK};
use marmot::net::{TcpListener, TcpStream};
use std::io::{self, Read, Write};
use std::net::SocketAddr;

// handler: begin
pub fn serve(ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    ready(listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        marmot::go(move || echo(stream));
    }
    Ok(())
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count])?,
        }
    }
}
// handler: end
