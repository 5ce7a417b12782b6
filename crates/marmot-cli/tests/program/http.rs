//! `marmot serve http`, end to end: what is answered, and what is refused and how.

use crate::common::Server;
use rustix::process::Signal;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// A client's connection.
struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn new(server: &Server) -> Client {
        Client { reader: BufReader::new(server.connect()) }
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.reader.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// The next answer; its body is as long as it says, unless it answers a HEAD.
    fn answer_to(&mut self, is_head: bool) -> Answer {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.reader.read_line(&mut line).unwrap(), 0, "the connection ended within {lines:?}");
            let line = line.strip_suffix("\r\n").expect("lines end with CRLF");
            if line.is_empty() {
                break;
            }
            lines.push(line.to_string());
        }
        let status = lines[0].strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).expect("a status line");
        let split = |line: &String| {
            let (name, value) = line.split_once(": ").expect("a field");
            (name.to_ascii_lowercase(), value.to_string())
        };
        let fields = lines[1..].iter().map(split).collect();
        let mut answer = Answer { status: status.parse().unwrap(), fields, body: Vec::new() };
        let length = answer.field("content-length").map_or(0, |length| length.parse().unwrap());
        if !is_head {
            answer.body.resize(length, 0);
            self.reader.read_exact(&mut answer.body).unwrap();
        }
        answer
    }

    fn answer(&mut self) -> Answer {
        self.answer_to(false)
    }

    fn expect_hello(&mut self) -> Answer {
        let answer = self.answer();
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"Hello, World!".as_slice()), "{answer:?}");
        answer
    }

    /// The connection has ended in good order, and nothing else has come.
    fn expect_end(&mut self) {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }
}

/// The status that a request is answered with as the last one of its connection.
fn refusal(server: &Server, request: impl AsRef<[u8]>) -> u16 {
    let mut client = Client::new(server);
    client.send(request);
    let answer = client.answer();
    assert_eq!(answer.field("connection"), Some("close"), "{answer:?}");
    client.expect_end();
    answer.status
}

#[test]
fn get_and_head() {
    let server = Server::start(&["http"]);
    let mut client = Client::new(&server);
    for _ in 0..3 {
        client.send(GET);
        let answer = client.expect_hello();
        assert_eq!(answer.field("content-type"), Some("text/plain"));
        assert_eq!(answer.field("connection"), None);
        assert!(httpdate::parse_http_date(answer.field("date").unwrap()).is_ok(), "{answer:?}");
        client.send("HEAD /any?thing HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = client.answer_to(true);
        assert_eq!((answer.status, answer.field("content-length")), (200, Some("13")));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(&["http"]);
    let mut client = Client::new(&server);
    // More than fits into either buffer of the server.
    let requests = format!("{GET}HEAD / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n").repeat(500);
    client.send(requests);
    for _ in 0..500 {
        client.expect_hello();
        assert_eq!(client.answer_to(true).status, 200);
        assert_eq!(client.answer().status, 405);
    }
}

#[test]
fn a_head_may_come_in_pieces() {
    let server = Server::start(&["http"]);
    let mut client = Client::new(&server);
    for byte in format!("\r\n{GET}").bytes() {
        client.send([byte]);
    }
    client.expect_hello();
    client.send(&GET[..20]);
    client.send(&GET[20..]);
    client.expect_hello();
}

#[test]
fn versions_and_connections() {
    let server = Server::start(&["http"]);
    let mut client = Client::new(&server);
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.expect_hello().field("connection"), Some("close"));
    client.expect_end();

    // A later minor version is answered in the one that is spoken here.
    let mut client = Client::new(&server);
    for _ in 0..2 {
        client.send("GET / HTTP/1.2\r\nHost: a\r\n\r\n");
        assert_eq!(client.expect_hello().field("connection"), None);
    }

    let mut client = Client::new(&server);
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(client.expect_hello().field("connection"), Some("keep-alive"));
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n{GET}"));
    assert_eq!(client.expect_hello().field("connection"), Some("close"));
    client.expect_end();
}

#[test]
fn malformed_requests_are_refused() {
    let server = Server::start(&["http"]);
    for request in [
        "GARBAGE\r\n\r\n",
        "\x16\x03\x01\x02\x00",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
        "GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        assert_eq!(refusal(&server, request), 400, "{request:?}");
    }
    assert_eq!(refusal(&server, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"), 505);
    assert_eq!(refusal(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    assert_eq!(refusal(&server, "GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"), 417);
}

#[test]
fn oversized_heads_are_refused() {
    let server = Server::start(&["http"]);
    let long = "x".repeat(20_000);
    assert_eq!(refusal(&server, format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n")), 431);
    assert_eq!(refusal(&server, format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")), 414);
    assert_eq!(refusal(&server, format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(150))), 431);
    // Just below the limit.
    let mut client = Client::new(&server);
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(16_000)));
    client.expect_hello();
}

#[test]
fn other_methods_are_refused_and_the_connection_stays() {
    let server = Server::start(&["http"]);
    let mut client = Client::new(&server);
    for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
        client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.field("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    client.send(GET);
    client.expect_hello();
}

#[test]
fn bodies_are_discarded() {
    let server = Server::start(&["http"]);
    let mut client = Client::new(&server);
    // Bodies that look like requests must not be taken for such.
    let bait = GET.repeat(3);
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{bait}{GET}", bait.len()));
    client.expect_hello();
    client.expect_hello();
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x};a=b\r\n{bait}\r\n0\r\nT: 1\r\n\r\n{GET}",
        bait.len()
    ));
    client.expect_hello();
    client.expect_hello();
    // One that is larger than any buffer, in pieces.
    client.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
    for _ in 0..300 {
        client.send(vec![b'x'; 10_000]);
    }
    client.expect_hello();
    client.send(GET);
    client.expect_hello();
}

#[test]
fn ambiguous_bodies_are_refused() {
    let server = Server::start(&["http"]);
    let smuggled = format!("0\r\n\r\n{GET}");
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5\r\n 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
    ] {
        assert_eq!(
            refusal(&server, format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{smuggled}")),
            400,
            "{fields:?}"
        );
    }
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in ["x\r\n", "5 \r\nhello\r\n", "5\r\nhelloX\r\n", "5\nhello\n0\n\n", "0\r\n bad\r\n\r\n"] {
        assert_eq!(refusal(&server, format!("{chunked}{body}{GET}")), 400, "{body:?}");
    }
    assert_eq!(refusal(&server, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
    assert_eq!(refusal(&server, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 501);
    assert_eq!(refusal(&server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"), 413);
    assert_eq!(refusal(&server, format!("{chunked}fffffffff\r\n")), 413);
}

#[test]
fn a_client_that_expects_100_continue_gets_it() {
    let server = Server::start(&["http"]);
    let mut client = Client::new(&server);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.answer().status, 100);
    client.send("hello");
    assert_eq!(client.answer().status, 405);
    // Without a body, or with one that is under way already, there is nothing to wait for.
    client.send("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
    client.expect_hello();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    client.expect_hello();
    // One that is refused is not sent.
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.answer().status, 413);
    client.expect_end();
}

#[test]
fn a_signal_ends_idle_connections_and_lets_requests_finish() {
    let server = Server::start(&["http"]);
    let mut idle: Vec<Client> = (0..20).map(|_| Client::new(&server)).collect();
    for client in &mut idle {
        client.send(GET);
        client.expect_hello();
    }
    let mut busy = Client::new(&server);
    // An answer shows that the request behind it, which is incomplete, has been read.
    busy.send(format!("{GET}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"));
    busy.expect_hello();
    server.signal(Signal::TERM);
    for client in &mut idle {
        client.expect_end();
    }
    busy.send("llo");
    let answer = busy.answer();
    assert_eq!((answer.status, answer.field("connection")), (405, Some("close")));
    busy.expect_end();
    drop(busy);
    let addr = server.addr;
    assert!(server.end().success());
    assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

/// A server with a connection that does not finish its request.
fn stuck(grace: &str) -> (Server, Client) {
    let server = Server::start(&["http", "--grace", grace]);
    let mut client = Client::new(&server);
    client.send(format!("{GET}GET / HTTP/1.1\r\n"));
    client.expect_hello();
    (server, client)
}

#[test]
fn what_outlasts_the_grace_is_cut_off() {
    let (server, _client) = stuck("0.2");
    server.signal(Signal::TERM);
    assert_eq!(server.end().code(), Some(1));
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let (server, mut client) = stuck("3600");
    let mut idle = Client::new(&server);
    idle.send(GET);
    idle.expect_hello();
    server.signal(Signal::TERM);
    // The first signal has been dealt with when it has closed the idle connection; the second is no longer merged with it.
    idle.expect_end();
    server.signal(Signal::INT);
    assert_eq!(server.end().code(), Some(130));
    client.expect_end();
}
