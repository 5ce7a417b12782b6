//! A server over one connection: enough of HTTP/1.1 for browsers, `curl` and `go tool pprof`.
//!
//! One request after the other is read and answered. A request with a body is answered, too, but then the connection ends,
//! for nobody reads on to where the body ends.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant, SystemTime};

use crate::alloc::quietly;
use crate::checked::Checked;

use super::host::is_loopback;
use super::{Endpoints, Peer, Refusal, Response};

/// The most bytes of a request, without its body.
pub const MAX_HEAD: usize = 16 * 1024;
/// The most fields of a request.
const MAX_FIELDS: usize = 100;
/// How long a request may take to arrive, without its body, however its bytes are spread over that time.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// A request, as far as it matters here.
struct Request {
    method: String,
    target: String,
    host: Option<String>,
    keeps: bool,
}

/// Serves until the connection ends.
///
/// # Errors
///
/// Those of the connection.
pub fn serve(endpoints: &Endpoints, conn: &mut (impl Read + Write), peer: &Peer<'_>) -> io::Result<()> {
    let (conn, mut bytes) = (&mut Checked::new(conn), Vec::new());
    loop {
        let (response, method, keeps) = match next(conn, &mut bytes)? {
            None => return Ok(()),
            Some(Ok(Request { host: Some(host), .. })) if peer.is_local && !is_loopback(&host) => {
                let text = "This server listens on the loopback interface only: use localhost or a loopback address as the host";
                (Response::refused(Refusal::new(403, text.to_owned())), String::new(), false)
            }
            Some(Ok(request)) => {
                let response = endpoints.respond_while(&request.method, &request.target, peer.wanted);
                (response, request.method, request.keeps)
            }
            Some(Err(refusal)) => (Response::refused(refusal), String::new(), false),
        };
        write(conn, &response, method == "HEAD", keeps)?;
        if !keeps {
            return Ok(());
        }
    }
}

/// Takes the next request off the connection, of which `bytes` have been read; `None` at its end.
fn next(conn: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<Option<Result<Request, Refusal>>> {
    // While nothing comes at all, the connection's own limits say how long that may last.
    let mut begun = (!bytes.is_empty()).then(Instant::now);
    loop {
        match parse(bytes) {
            Ok(Some((request, length))) => {
                bytes.drain(..length);
                return Ok(Some(Ok(request)));
            }
            Ok(None) if bytes.len() < MAX_HEAD => {}
            Ok(None) => {
                let text = format!("The request has more than {MAX_HEAD} bytes");
                return Ok(Some(Err(Refusal::new(431, text))));
            }
            Err(refusal) => return Ok(Some(Err(refusal))),
        }
        let too_late = || Ok(Some(Err(Refusal::new(408, "The request did not arrive in time".to_owned()))));
        if begun.is_some_and(|begun| begun.elapsed() >= HEADER_TIMEOUT) {
            return too_late();
        }
        let mut piece = [0; 2048];
        let room = piece.len().min(MAX_HEAD - bytes.len());
        match conn.read(&mut piece[..room]) {
            Ok(0) if bytes.is_empty() => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                begun.get_or_insert_with(Instant::now);
                bytes.extend_from_slice(&piece[..count]);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // Of a limit of the connection's own, a system speaks in either way.
            Err(e) if begun.is_some() && [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock].contains(&e.kind()) => {
                return too_late();
            }
            Err(e) => return Err(e),
        }
    }
}

/// The request that the bytes begin with, if it is whole, and its length.
fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal::new(431, format!("The request has more than {MAX_FIELDS} fields")));
        }
        Err(httparse::Error::Version) => return other_version(bytes),
        Err(e) => return Err(Refusal::new(400, format!("This is not a request of HTTP/1: {e}"))),
    };
    let says = |name: &str, word: &str| {
        let mut values = head.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        values.any(|field| {
            let text = String::from_utf8_lossy(field.value);
            text.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
        })
    };
    let all = |name: &'static str| head.headers.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    let has = |name| all(name).next().is_some();
    let mut lengths = all("content-length").map(|field| field.value);
    let length_of_body = lengths.next();
    // Where two programs read a request differently, one of them can be led to take a part of it for another.
    if lengths.next().is_some() || length_of_body.is_some_and(|length| !is_number(length)) {
        return Err(Refusal::new(
            400,
            "A request must not have more than one Content-Length, and it must be a number".to_owned(),
        ));
    }
    if length_of_body.is_some() && has("transfer-encoding") {
        return Err(Refusal::new(400, "A request must not have both Content-Length and Transfer-Encoding".to_owned()));
    }
    let has_body =
        has("transfer-encoding") || length_of_body.is_some_and(|length| length.iter().any(|&digit| digit != b'0'));
    let is_1_1 = head.version == Some(1);
    let mut hosts = all("host").map(|field| String::from_utf8_lossy(field.value).trim().to_owned());
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::new(400, "A request must not have more than one Host".to_owned()));
    }
    if is_1_1 && host.is_none() {
        return Err(Refusal::new(400, "An HTTP/1.1 request must have a Host".to_owned()));
    }
    let keeps = if is_1_1 { !says("connection", "close") } else { says("connection", "keep-alive") };
    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        host,
        keeps: keeps && !has_body,
    };
    Ok(Some((request, length)))
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// A request of another version than 1.0 and 1.1: with a later minor version, it means the same as one of 1.1 (RFC 9110, 2.5).
fn other_version(bytes: &[u8]) -> Result<Option<(Request, usize)>, Refusal> {
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(0);
    let line = bytes[start..].split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    match line.rsplit(|&byte| byte == b' ').next().unwrap_or_default() {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => {
            let mut known = bytes.to_vec();
            known[start + line.len() - 1] = b'1';
            parse(&known)
        }
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(Refusal::new(505, "Only HTTP/1.0 and HTTP/1.1 are supported".to_owned()))
        }
        _ => Err(Refusal::new(400, "This is not a request of HTTP/1: invalid HTTP version".to_owned())),
    }
}

fn write(conn: &mut impl Write, response: &Response, only_head: bool, keeps: bool) -> io::Result<()> {
    let reason = match response.status {
        200 => "OK",
        301 => "Moved Permanently",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    };
    let bytes = quietly(|| -> io::Result<Vec<u8>> {
        let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", response.status).into_bytes();
        for (name, value) in &response.headers {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        write!(bytes, "Date: {}\r\n", httpdate::fmt_http_date(SystemTime::now()))?;
        // A profile is not taken to tell its length.
        if !only_head {
            write!(bytes, "Content-Length: {}\r\n", response.body.len())?;
        }
        if !keeps {
            bytes.extend_from_slice(b"Connection: close\r\n");
        } else {
            bytes.extend_from_slice(b"Connection: keep-alive\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&response.body);
        Ok(bytes)
    })?;
    conn.write_all(&bytes)?;
    conn.flush()
}
