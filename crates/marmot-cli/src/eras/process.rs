//! The first era: a process for each connection, as `inetd` and the early web servers had it.
//!
//! The server runs its own program again for each connection it accepts, with the socket as standard input and output.

use super::{BUFFER, LOOPBACK};
use rustix::process::{WaitOptions, wait};
use std::io::{self, Read, Write, stdin};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, id};

// handler: begin
pub fn serve(ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    ready(listener.local_addr()?);
    for stream in listener.incoming() {
        let socket = OwnedFd::from(stream?);
        Command::new("/proc/self/exe")
            .args(["era-connection", &id().to_string()])
            .stdin(socket.try_clone()?)
            .stdout(socket)
            .spawn()?;
        // Those that have ended meanwhile are reaped.
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    }
    Ok(())
}

/// What runs in the process of a connection.
pub fn connection() -> io::Result<()> {
    let mut stream = TcpStream::from(stdin().as_fd().try_clone_to_owned()?);
    let mut buffer = [0; BUFFER];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count])?,
        }
    }
}
// handler: end
