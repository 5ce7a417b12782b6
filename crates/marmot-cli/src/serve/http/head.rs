//! The head of a request, read strictly.
//!
//! What two servers in a row may understand differently is refused, since that is how one request is smuggled in
//! another: a line that ends without a carriage return, a folded field, a blank before a colon (RFC 9112, sections 2.2, 5.1
//! and 5.2), a length that is given twice or along with a transfer coding (6.1 and 6.3), and a `Host` that is missing, doubled
//! or malformed (3.2).

use super::status::Status;
use httparse::{Header, Request};
use std::mem::MaybeUninit;

/// The longest head: the request line, all fields and the empty line.
pub const MAX_HEAD: usize = super::super::BUFFER;
/// The most fields.
const MAX_FIELDS: usize = 100;

/// What a head says, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The bytes it takes.
    pub length: usize,
    /// The method.
    pub method: Method,
    /// Whether the client speaks HTTP/1.0 and has to be told that the connection stays open.
    pub is_old: bool,
    /// Whether the client wants the connection to stay open.
    pub keep_alive: bool,
    /// How the end of the body is found.
    pub framing: Framing,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

/// The methods that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Answered with the text.
    Get,
    /// Answered as GET, without the text.
    Head,
    /// Refused with 405.
    Other,
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes; 0 for no body.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// Reads a head from the beginning of `bytes`; `None` if it is not complete.
///
/// # Errors
///
/// The status to refuse the request with.
pub fn parse(bytes: &[u8]) -> Result<Option<Head>, Status> {
    let mut fields = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_FIELDS];
    let mut request = Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut fields) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Status::FieldsTooLarge),
        Err(httparse::Error::Version) => {
            return match later_minor(bytes) {
                // What it means has not changed, and it is answered in the version that is spoken here (RFC 9110, 2.5).
                Some(minor) => {
                    let mut known = bytes.to_vec();
                    known[minor] = b'1';
                    parse(&known)
                }
                None => Err(version_status(bytes)),
            };
        }
        Err(_) => return Err(Status::BadRequest),
    };
    if has_bare_line_feed(&bytes[..length]) {
        return Err(Status::BadRequest);
    }
    let is_old = request.version == Some(0);
    let method = match request.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => Method::Other,
    };
    if !is_target(request.path.unwrap_or_default(), request.method.unwrap_or_default()) {
        return Err(Status::BadRequest);
    }
    let fields = Fields::read(request.headers)?;
    if !is_old && !fields.has_host {
        return Err(Status::BadRequest);
    }
    let framing = fields.framing(is_old)?;
    let keep_alive = !fields.close && (!is_old || fields.keep_alive);
    Ok(Some(Head { length, method, is_old, keep_alive, framing, expects_continue: fields.expects_continue && !is_old }))
}

/// What the fields say together.
#[derive(Debug, Default)]
struct Fields {
    has_host: bool,
    close: bool,
    keep_alive: bool,
    length: Option<u64>,
    coding: Option<Coding>,
    expects_continue: bool,
}

/// A transfer coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// Chunks, and nothing else.
    Chunked,
    /// Something within chunks.
    Compressed,
    /// The end of the body could not be found.
    Endless,
}

impl Fields {
    fn read(headers: &[Header<'_>]) -> Result<Fields, Status> {
        let mut fields = Fields::default();
        for header in headers {
            fields.note(header)?;
        }
        Ok(fields)
    }

    fn note(&mut self, header: &Header<'_>) -> Result<(), Status> {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("host") {
            let is_second = std::mem::replace(&mut self.has_host, true);
            if is_second || !is_host(header.value) {
                return Err(Status::BadRequest);
            }
        } else if is("connection") {
            for option in list(header.value) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if is("content-length") {
            let length = decimal(header.value).ok_or(Status::BadRequest)?;
            // Even an equal one is refused: a client has no reason to send two.
            if self.length.replace(length).is_some() {
                return Err(Status::BadRequest);
            }
        } else if is("transfer-encoding") {
            if self.coding.replace(coding(header.value)).is_some() {
                return Err(Status::BadRequest);
            }
        } else if is("expect") {
            if !header.value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Status::ExpectationFailed);
            }
            self.expects_continue = true;
        }
        Ok(())
    }

    fn framing(&self, is_old: bool) -> Result<Framing, Status> {
        match (self.coding, self.length) {
            (None, length) => Ok(Framing::Length(length.unwrap_or(0))),
            // HTTP/1.0 has no transfer codings, and whoever sent this may not know where its body ends (RFC 9112, 6.1).
            (Some(_), _) if is_old => Err(Status::BadRequest),
            (Some(_), Some(_)) | (Some(Coding::Endless), _) => Err(Status::BadRequest),
            (Some(Coding::Compressed), None) => Err(Status::NotImplemented),
            (Some(Coding::Chunked), None) => Ok(Framing::Chunked),
        }
    }
}

/// The elements of a comma-separated list, without blanks around them.
fn list(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn coding(value: &[u8]) -> Coding {
    let mut codings = list(value).filter(|coding| !coding.is_empty());
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    match (codings.next(), codings.next_back()) {
        (Some(only), None) if is_chunked(only) => Coding::Chunked,
        // `chunked` comes last and once; before it may stand what this server does not know.
        (Some(first), Some(last)) if is_chunked(last) && !is_chunked(first) && !codings.any(is_chunked) => {
            Coding::Compressed
        }
        _ => Coding::Endless,
    }
}

/// Digits only: no sign, no blank, no list.
fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(value).ok()?.parse().ok()
}

/// The characters of a host and a port (RFC 3986, 3.2.2). An empty value is legal.
fn is_host(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:[]".contains(byte))
}

/// The forms of RFC 9112, section 3.2: a path, a whole URI, or for some methods a host or an asterisk.
fn is_target(target: &str, method: &str) -> bool {
    let has_scheme = |scheme: &str| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    match method {
        "CONNECT" => is_host(target.as_bytes()),
        "OPTIONS" if target == "*" => true,
        _ => target.starts_with('/') || has_scheme("http://") || has_scheme("https://"),
    }
}

fn has_bare_line_feed(head: &[u8]) -> bool {
    let mut last = 0;
    for &byte in head {
        if byte == b'\n' && last != b'\r' {
            return true;
        }
        last = byte;
    }
    false
}

/// Where the minor version stands of a request that is one of HTTP/1.2 or later, but not of HTTP/2.
fn later_minor(bytes: &[u8]) -> Option<usize> {
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte))?;
    let line = bytes[start..].split(|&byte| byte == b'\r' || byte == b'\n').next()?;
    match line.rsplit(|&byte| byte == b' ').next()? {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => Some(start + line.len() - 1),
        _ => None,
    }
}

/// 505 for a version of HTTP that is not spoken here, 400 for what is no version at all.
fn version_status(bytes: &[u8]) -> Status {
    let line = bytes.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let version = line.trim_ascii_end().rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    match version {
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            Status::VersionNotSupported
        }
        _ => Status::BadRequest,
    }
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
