//! After the profile was read: what a request needs is borrowed from a pool, and its parts are written where they end up.

use std::io::{self, Write};

use marmot::io::bufio::Reader;
use marmot::net::TcpStream;
use marmot::{Pool, pool::Reset};

use crate::request::rows;

/// What one request needs.
#[derive(Default)]
struct Exchange {
    body: Vec<u8>,
    answer: Vec<u8>,
}

impl Reset for Exchange {
    fn reset(&mut self) {
        self.body.clear();
        self.answer.clear();
    }
}

static EXCHANGES: Pool<Exchange> = Pool::new(Exchange::default).named("exchanges");

/// Answers a connection's requests until it ends.
pub fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = Reader::new(stream);
    while let Some(rows) = read_head(&mut reader)? {
        let mut exchange = EXCHANGES.get();
        let Exchange { body, answer } = &mut *exchange;
        report(rows, body)?;
        write!(answer, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
        answer.extend_from_slice(body);
        stream.write_all(answer)?;
    }
    Ok(())
}

/// How many rows a request asks for; `None` if the connection has ended instead. Its lines are looked at in the reader's buffer.
fn read_head(reader: &mut Reader<&TcpStream>) -> io::Result<Option<u32>> {
    let mut asked = None;
    loop {
        match reader.read_slice(b'\n')?.trim_ascii_end() {
            [] => return Ok(asked),
            line => asked = asked.or(Some(rows(line))),
        }
    }
}

/// A table of squares.
fn report(rows: u32, body: &mut Vec<u8>) -> io::Result<()> {
    for row in 0..rows {
        writeln!(body, "{row:>8} {:>16}", u64::from(row).pow(2))?;
    }
    writeln!(body, "end")
}
