//! As one writes it at first: everything is made for one request.

use std::io::{self, Write};

use marmot::io::bufio::Reader;
use marmot::net::TcpStream;

use crate::request::rows;

/// Answers a connection's requests until it ends.
pub fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = Reader::new(stream);
    while let Some(head) = read_head(&mut reader)? {
        let body = report(rows(head[0].as_bytes()));
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// The lines of a request up to the empty one; `None` if the connection has ended instead.
fn read_head(reader: &mut Reader<&TcpStream>) -> io::Result<Option<Vec<String>>> {
    let mut head = Vec::new();
    loop {
        let line = reader.read_string(b'\n')?;
        match line.trim_end() {
            "" => return Ok((!head.is_empty()).then_some(head)),
            _ => head.push(line),
        }
    }
}

/// A table of squares.
fn report(rows: u32) -> String {
    let mut lines = Vec::new();
    for row in 0..rows {
        lines.push(format!("{row:>8} {:>16}\n", u64::from(row).pow(2)));
    }
    lines.push("end\n".to_owned());
    lines.concat()
}
