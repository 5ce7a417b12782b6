//! An echo server, as in the README: `cargo run --release --example echo`, then `nc 127.0.0.1 7000`.

use std::io::{self, Read, Write};

use marmot::net::{TcpListener, TcpStream};

fn echo(mut conn: TcpStream) -> io::Result<()> {
    let mut buf = [0; 4096];
    loop {
        match conn.read(&mut buf)? {
            0 => return Ok(()),
            n => conn.write_all(&buf[..n])?,
        }
    }
}

#[marmot::main]
fn main() -> io::Result<()> {
    for conn in TcpListener::bind("127.0.0.1:7000")?.incoming() {
        let conn = conn?;
        marmot::go(move || echo(conn));
    }
    Ok(())
}
