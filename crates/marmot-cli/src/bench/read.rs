//! `read`: two goroutines of one thread send 64 bytes back and forth over a loopback connection.
//!
//! One operation is a round trip: twice a write, a read that parks, and the poll that readies it. Both ends are on one
//! machine, so that nothing depends on when another one wakes, and the kernel delivers what is written before the write
//! returns.

use super::rows::{Label, Rows};
use marmot::Runtime;
use marmot::net::{TcpListener, TcpStream};
use std::io::{self, Read, Write};

const LABEL: Label = Label { own: "read", peer: "read_roundtrip" };
const ROUND_TRIPS: u64 = 50_000;
const MESSAGE: usize = 64;
/// Larger than a message, as buffers are: a read that does not fill its buffer has seen all that there was.
const BUFFER: usize = 4096;

pub fn run(runtime: &Runtime, rows: &mut Rows) -> io::Result<()> {
    rows.time(runtime, LABEL, ROUND_TRIPS, round_trips)
}

/// So many round trips over a new connection.
pub fn round_trips(count: u64) {
    let (near, far) = connection().expect("the loopback interface takes one more connection");
    let echo = marmot::go_local(move || trips(&far, count, false));
    let sent = trips(&near, count, true);
    let echoed = echo.join().expect("failing is no panic");
    sent.and(echoed).expect("neither end closes before the last round trip");
}

/// One end of `count` round trips: the one that sends first, or the one that answers.
fn trips(mut stream: &TcpStream, count: u64, sends_first: bool) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    for _ in 0..count {
        if sends_first {
            stream.write_all(&buffer[..MESSAGE])?;
        }
        let mut received = 0;
        while received < MESSAGE {
            match stream.read(&mut buffer[received..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                bytes => received += bytes,
            }
        }
        if !sends_first {
            stream.write_all(&buffer[..MESSAGE])?;
        }
    }
    Ok(())
}

fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    for end in [&near, &far] {
        end.set_nodelay(true)?;
    }
    Ok((near, far))
}
