//! A server of reports, as one writes it at first and after its profile was read.
//!
//! ```text
//! cargo run --release --example reports -- naive 127.0.0.1:8080
//! curl http://127.0.0.1:8080/1000
//! marmot profile advise http://127.0.0.1:8081/debug/pprof/allocs
//! ```
//!
//! The second address, with the port above, has the profiles. `naive` makes everything anew for every request; `pooled` is
//! what the advice leads to. Without arguments, both answer some requests, and the program says what that has allocated.

mod naive;
mod pooled;
mod request;

use std::env;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use marmot::net::{TcpListener, TcpStream};
use marmot::pprof::alloc;

#[global_allocator]
static ALLOCATOR: alloc::Allocator = alloc::Allocator::counting();

type Serve = fn(&TcpStream) -> io::Result<()>;

const SERVERS: [(&str, Serve); 2] = [("naive", naive::serve), ("pooled", pooled::serve)];

#[marmot::main]
fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some(name) = arguments.first() else { return compare() };
    let Some((_, serve)) = SERVERS.iter().find(|(known, _)| known == name) else {
        return Err(io::Error::other(format!("there is no server '{name}': it is 'naive' or 'pooled'")));
    };
    let addr: SocketAddr =
        arguments.get(1).map_or("127.0.0.1:8080", String::as_str).parse().map_err(io::Error::other)?;
    let profiles = SocketAddr::new(addr.ip(), addr.port() + 1);
    marmot::pprof::serve(profiles)?;
    println!("reports at http://{addr}/, profiles at http://{profiles}/debug/pprof/");
    accept(&TcpListener::bind(addr)?, *serve)
}

/// A goroutine for each connection.
fn accept(listener: &TcpListener, serve: Serve) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        marmot::go(move || serve(&stream));
    }
    Ok(())
}

/// Asks both servers for the same report many times.
fn compare() -> io::Result<()> {
    const REQUESTS: u64 = 1000;
    for (name, serve) in SERVERS {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        marmot::go(move || accept(&listener, serve));
        let mut answer = vec![0; 1 << 16];
        // The first request makes what the others use again.
        let length = ask(&mut client, &mut answer)?;
        let before = alloc::counts();
        for _ in 0..REQUESTS {
            client.write_all(b"GET /1000 HTTP/1.1\r\n\r\n")?;
            client.read_exact(&mut answer[..length])?;
        }
        let after = alloc::counts();
        let (count, bytes) = (after.allocations - before.allocations, after.bytes - before.bytes);
        println!("{name}: {} allocations and {} bytes for a request", count / REQUESTS, bytes / REQUESTS);
    }
    Ok(())
}

/// The length of an answer, which is all that comes before the server waits again.
fn ask(client: &mut TcpStream, answer: &mut [u8]) -> io::Result<usize> {
    client.write_all(b"GET /1000 HTTP/1.1\r\n\r\n")?;
    let mut length = 0;
    while !answer[..length].ends_with(b"\nend\n") {
        length += client.read(&mut answer[length..])?;
    }
    Ok(length)
}
