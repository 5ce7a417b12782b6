//! Which heads are taken, and how, and which are refused.

use super::*;

fn accepted(text: &str) -> Head {
    parse(text.as_bytes()).unwrap_or_else(|status| panic!("{text:?}: {status:?}")).expect("the head is complete")
}

fn refused(text: &str) -> Status {
    match parse(text.as_bytes()) {
        Err(status) => status,
        Ok(head) => panic!("{text:?} passed: {head:?}"),
    }
}

/// A POST with the given fields.
fn post(fields: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

#[test]
fn a_plain_request() {
    let text = "GET /x?y=1 HTTP/1.1\r\nHost: localhost:80\r\n\r\nrest";
    let head = accepted(text);
    assert_eq!(head.length, text.len() - 4);
    assert_eq!((head.method, head.is_old, head.keep_alive), (Method::Get, false, true));
    assert_eq!(head.framing, Framing::Length(0));
}

#[test]
fn incomplete_heads_wait() {
    let text = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    for cut in 0..text.len() {
        assert_eq!(parse(&text.as_bytes()[..cut]), Ok(None), "cut at {cut}");
    }
    assert_eq!(accepted(text).method, Method::Head);
}

#[test]
fn connections_stay_open_by_version_and_option() {
    assert!(!accepted("GET / HTTP/1.0\r\n\r\n").keep_alive);
    assert!(accepted("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
    assert!(!accepted("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, CLOSE\r\n\r\n").keep_alive);
    assert!(!accepted("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n").keep_alive);
}

#[test]
fn targets() {
    for line in ["GET /", "GET http://a/b", "GET HTTPS://a/b", "OPTIONS *", "CONNECT a:443"] {
        accepted(&format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    for line in ["GET *", "GET a", "GET ftp://a", "CONNECT /"] {
        assert_eq!(refused(&format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n")), Status::BadRequest, "{line}");
    }
}

#[test]
fn the_host_is_there_once() {
    assert_eq!(refused("GET / HTTP/1.1\r\n\r\n"), Status::BadRequest);
    assert_eq!(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), Status::BadRequest);
    assert_eq!(refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), Status::BadRequest);
    accepted("GET / HTTP/1.1\r\nHost:\r\n\r\n");
    accepted("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
}

#[test]
fn versions() {
    assert_eq!(refused("GET / HTTP/2.0\r\n\r\n"), Status::VersionNotSupported);
    assert_eq!(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Status::VersionNotSupported);
    assert_eq!(refused("GET / HTTQ/1.1\r\n\r\n"), Status::BadRequest);
    assert_eq!(refused("GET /\r\n\r\n"), Status::BadRequest);
}

#[test]
fn later_minor_versions_are_read_as_1_1() {
    for minor in 2..=9 {
        let text = format!("GET /x HTTP/1.{minor}\r\nHost: a\r\n\r\nrest");
        let head = accepted(&text);
        assert_eq!((head.length, head.is_old, head.keep_alive), (text.len() - 4, false, true), "{minor}");
        let cut = format!("\r\nGET / HTTP/1.{minor}\r\nHost:");
        assert_eq!(parse(cut.as_bytes()), Ok(None));
    }
    assert_eq!(refused("GET / HTTP/1.2\r\n\r\n"), Status::BadRequest);
    assert_eq!(refused("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), Status::BadRequest);
    assert_eq!(refused("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), Status::VersionNotSupported);
}

#[test]
fn malformed_heads() {
    for text in [
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
        "GET / HTTP/1.1\r\n: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        assert_eq!(refused(text), Status::BadRequest, "{text:?}");
    }
}

#[test]
fn too_many_fields() {
    let fields = "X: y\r\n".repeat(MAX_FIELDS);
    assert_eq!(refused(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")), Status::FieldsTooLarge);
}

#[test]
fn lengths() {
    assert_eq!(accepted(&post("Content-Length: 12\r\n")).framing, Framing::Length(12));
    assert_eq!(accepted(&post("content-length: 0\r\n")).framing, Framing::Length(0));
    for value in ["", "+1", "-1", "1 ", "0x10", "1, 1", "1;", "99999999999999999999"]
        .iter()
        .filter(|value| !value.ends_with(' '))
    {
        assert_eq!(refused(&post(&format!("Content-Length: {value}\r\n"))), Status::BadRequest, "{value:?}");
    }
    assert_eq!(refused(&post("Content-Length: 1\r\nContent-Length: 1\r\n")), Status::BadRequest);
}

#[test]
fn transfer_codings() {
    assert_eq!(accepted(&post("Transfer-Encoding: Chunked\r\n")).framing, Framing::Chunked);
    assert_eq!(refused(&post("Transfer-Encoding: gzip, chunked\r\n")), Status::NotImplemented);
    for value in
        ["", "identity", "chunked, gzip", "chunked, chunked", "gzip, chunked, chunked", "xchunked", "chunked;q=1"]
    {
        assert_eq!(refused(&post(&format!("Transfer-Encoding: {value}\r\n"))), Status::BadRequest, "{value:?}");
    }
    assert_eq!(refused(&post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")), Status::BadRequest);
    assert_eq!(refused(&post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")), Status::BadRequest);
    assert_eq!(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Status::BadRequest);
}

#[test]
fn expectations() {
    assert!(accepted(&post("Content-Length: 5\r\nExpect: 100-Continue\r\n")).expects_continue);
    assert!(!accepted("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").expects_continue);
    assert_eq!(refused(&post("Expect: 200-ok\r\n")), Status::ExpectationFailed);
}
