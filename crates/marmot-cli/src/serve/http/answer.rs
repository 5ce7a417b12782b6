//! Answers, gathered so that those to pipelined requests go out in one write.

use super::super::BUFFER;
use super::date;
use super::status::Status;
use marmot::buf::Lease;
use marmot::net::TcpStream;
use std::io::{self, Write};

/// What every GET is answered with.
const TEXT: &str = "Hello, World!";
/// Answers are written out when less than this is free, which is more than any one of them takes.
const ROOM: usize = 512;

/// What an answer says about the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It stays open, as HTTP/1.1 has it anyway.
    Open,
    /// It stays open, which HTTP/1.0 has to be told.
    KeepAlive,
    /// It is closed.
    Close,
}

impl After {
    fn field(self) -> &'static str {
        match self {
            After::Open => "",
            After::KeepAlive => "Connection: keep-alive\r\n",
            After::Close => "Connection: close\r\n",
        }
    }
}

/// Answers that have not been sent.
#[derive(Debug)]
pub struct Answers {
    buffer: Lease,
    length: usize,
}

impl Answers {
    /// None yet.
    pub fn new() -> Answers {
        Answers { buffer: Lease::new(BUFFER), length: 0 }
    }

    /// The answer to a GET, or with `is_head` to a HEAD.
    ///
    /// # Errors
    ///
    /// When others had to be sent first to make room, and that failed.
    pub fn ok(&mut self, stream: &TcpStream, is_head: bool, after: After) -> io::Result<()> {
        let (connection, text) = (after.field(), if is_head { "" } else { TEXT });
        let date = date::now();
        self.put(
            stream,
            &[
                "HTTP/1.1 200 OK\r\nServer: marmot\r\nDate: ",
                date.as_str(),
                "\r\n",
                connection,
                "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\n",
                text,
            ],
        )
    }

    /// A refusal, whose text is its status line.
    ///
    /// # Errors
    ///
    /// As [`ok`](Answers::ok).
    pub fn refuse(&mut self, stream: &TcpStream, status: Status, after: After) -> io::Result<()> {
        let (connection, line) = (after.field(), status.line());
        let allow = if status == Status::MethodNotAllowed { "Allow: GET, HEAD\r\n" } else { "" };
        let length = (line.len() + 1).to_string();
        let date = date::now();
        self.put(
            stream,
            &[
                "HTTP/1.1 ",
                line,
                "\r\nServer: marmot\r\nDate: ",
                date.as_str(),
                "\r\n",
                connection,
                allow,
                "Content-Type: text/plain\r\nContent-Length: ",
                &length,
                "\r\n\r\n",
                line,
                "\n",
            ],
        )
    }

    /// The interim answer that has the client send its body.
    ///
    /// # Errors
    ///
    /// As [`ok`](Answers::ok).
    pub fn go_on(&mut self, stream: &TcpStream) -> io::Result<()> {
        self.put(stream, &["HTTP/1.1 100 Continue\r\n\r\n"])
    }

    /// Sends what there is.
    ///
    /// # Errors
    ///
    /// When the connection fails.
    pub fn send(&mut self, mut stream: &TcpStream) -> io::Result<()> {
        let length = std::mem::take(&mut self.length);
        if length > 0 { stream.write_all(&self.buffer[..length]) } else { Ok(()) }
    }

    fn put(&mut self, stream: &TcpStream, parts: &[&str]) -> io::Result<()> {
        if self.buffer.len() - self.length < ROOM {
            self.send(stream)?;
        }
        for part in parts {
            self.buffer[self.length..][..part.len()].copy_from_slice(part.as_bytes());
            self.length += part.len();
        }
        Ok(())
    }
}
