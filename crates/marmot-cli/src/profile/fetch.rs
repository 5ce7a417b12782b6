//! Fetching a profile by HTTP.
//!
//! The request is one of HTTP/1.0: what comes behind the head of the answer is the profile, up to the end of the connection, and
//! never in chunks.

use marmot::net::TcpStream;
use marmot::pprof::proto::MAX_DECODED;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

/// The profile of a program whose address has no path.
const DEFAULT_PATH: &str = "/debug/pprof/allocs";
/// How long a server may take for anything besides what it is asked to wait.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes of an answer's head, and the most fields there.
const MAX_HEAD: usize = 64 * 1024;
const MAX_FIELDS: usize = 100;
/// How much of what a server says about an error is passed on.
const MAX_TEXT: usize = 300;

/// Where a profile is to be had.
#[derive(Debug, PartialEq, Eq)]
pub struct Url {
    /// Host and port.
    authority: String,
    /// Path and query.
    target: String,
}

impl Url {
    /// The parts of an address; `None` if it is a file's name.
    ///
    /// # Errors
    ///
    /// If it is an address, but not one of HTTP.
    pub fn parse(text: &str) -> io::Result<Option<Url>> {
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(None) };
        let wrong = |why: String| Err(io::Error::new(ErrorKind::InvalidInput, why));
        if !scheme.eq_ignore_ascii_case("http") {
            return wrong(format!(
                "{scheme} is not spoken here: fetch the profile with another program, and give its file"
            ));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.is_empty() || authority.contains('@') {
            return wrong("the address has to begin with http://HOST or http://HOST:PORT".to_owned());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = match path.trim_end_matches('/') {
            "" | "/debug/pprof" => DEFAULT_PATH,
            path => path,
        };
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        // The port is behind the bracket of an address of IPv6.
        let has_port = authority.rsplit(']').next().is_some_and(|end| end.contains(':'));
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        Ok(Some(Url { authority, target }))
    }
}

/// What a server answers.
///
/// # Errors
///
/// Those of the connection; if the answer is not a good one, what the server says about it; if it ends too early or is too
/// long, that.
pub fn fetch(url: &Url, seconds: Option<u32>) -> io::Result<Vec<u8>> {
    let mut target = url.target.clone();
    let mut patience = PATIENCE;
    if let Some(seconds) = seconds {
        target.push(if target.contains('?') { '&' } else { '?' });
        target.push_str(&format!("seconds={seconds}"));
        patience += Duration::from_secs(seconds.into());
    }
    let mut conn = TcpStream::connect(&url.authority).map_err(|e| match e.kind() {
        ErrorKind::ConnectionRefused => {
            io::Error::new(e.kind(), format!("nobody listens at {}: is the program running there?", url.authority))
        }
        kind => io::Error::new(kind, format!("no connection to {}: {e}", url.authority)),
    })?;
    conn.set_read_timeout(Some(patience))?;
    conn.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET {target} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\n\r\n", url.authority);
    conn.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    conn.take((MAX_HEAD + MAX_DECODED) as u64 + 1).read_to_end(&mut bytes)?;
    body(bytes)
}

/// The content of an answer.
fn body(mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let wrong = |why: String| Err(io::Error::new(ErrorKind::InvalidData, why));
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Response::new(&mut fields);
    let length = match head.parse(&bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.is_empty() => {
            return wrong("the server closes without an answer".to_owned());
        }
        Ok(httparse::Status::Partial) => return wrong("the head of the answer is cut off".to_owned()),
        Err(e) => return wrong(format!("the answer is not one of HTTP: {e}")),
    };
    let field = |name: &str| {
        let field = head.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        field.map(|field| String::from_utf8_lossy(field.value).trim().to_owned())
    };
    let announced: Option<usize> = field("content-length").and_then(|length| length.parse().ok());
    let chunked = field("transfer-encoding");
    let (code, reason) = (head.code.unwrap_or_default(), head.reason.unwrap_or_default().to_owned());
    bytes.drain(..length);
    if code != 200 {
        let said = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT)]);
        // A terminal would obey other characters.
        let said = said.trim().replace(|c: char| c.is_control(), " ");
        let said = if said.is_empty() { said } else { format!(": {said}") };
        let kind = if code == 404 { ErrorKind::NotFound } else { ErrorKind::Other };
        return Err(io::Error::new(kind, format!("the server answers {code} {reason}{said}")));
    }
    if let Some(coding) = chunked {
        return wrong(format!("the server sends the answer {coding}, though it was asked not to"));
    }
    match announced {
        Some(announced) if bytes.len() < announced => Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            format!("the answer is cut off: {} of {announced} bytes have come", bytes.len()),
        )),
        _ if bytes.len() > MAX_DECODED => wrong(format!("the answer is refused: it has more than {MAX_DECODED} bytes")),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed() {
        for (text, authority, target) in [
            ("http://127.0.0.1:6060", "127.0.0.1:6060", "/debug/pprof/allocs"),
            ("http://127.0.0.1:6060/", "127.0.0.1:6060", "/debug/pprof/allocs"),
            ("http://localhost/debug/pprof/?gc=1", "localhost:80", "/debug/pprof/allocs?gc=1"),
            ("HTTP://[::1]/debug/pprof/heap#top", "[::1]:80", "/debug/pprof/heap"),
            ("http://[::1]:6060/x/heap", "[::1]:6060", "/x/heap"),
        ] {
            let expected = Url { authority: authority.to_owned(), target: target.to_owned() };
            assert_eq!(Url::parse(text).unwrap(), Some(expected), "{text}");
        }
        assert_eq!(Url::parse("heap.pb.gz").unwrap(), None);
        for text in ["https://localhost/", "ftp://localhost/", "http:///heap", "http://me@localhost/"] {
            assert_eq!(Url::parse(text).unwrap_err().kind(), ErrorKind::InvalidInput, "{text}");
        }
    }

    #[test]
    fn answers_are_whole_or_refused() {
        let body = |text: &str| body(text.as_bytes().to_vec()).map_err(|e| e.to_string());
        assert_eq!(body("HTTP/1.0 200 OK\r\n\r\nabc"), Ok(b"abc".to_vec()));
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), Ok(b"abc".to_vec()));
        for (text, why) in [
            ("", "closes without an answer"),
            ("HTTP/1.0 200", "head of the answer is cut off"),
            ("SSH-2.0-x\r\n", "not one of HTTP"),
            ("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nabc", "3 of 9 bytes"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "chunked"),
            ("HTTP/1.0 404 Not Found\r\n\r\nUnknown profile\n", "404 Not Found: Unknown profile"),
        ] {
            let said = body(text).unwrap_err();
            assert!(said.contains(why), "{text:?}: {said}");
        }
    }
}
