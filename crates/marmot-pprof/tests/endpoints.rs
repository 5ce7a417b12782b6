//! The debug endpoints, over plain connections.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use common::{folder, heap_types, pprof, sample};
use marmot_pprof::http::{Endpoints, MAX_RECORDING_DURATION, Page, Peer};
use marmot_pprof::proto;
use marmot_pprof::raw::{Profile, ValueType};

fn somewhere() {}

/// A profile with one sample.
fn profile(types: Vec<ValueType>, value: i64) -> Profile {
    let values = vec![value; types.len()];
    let mut profile = Profile::new(types);
    profile.samples.push(sample(&[somewhere as fn() as usize], &values));
    profile
}

/// The endpoints as a runtime has them, where each snapshot has one more than the one before, and a sleep takes no time.
fn endpoints() -> (Endpoints, Arc<AtomicU64>) {
    let waited = Arc::new(AtomicU64::new(0));
    let count = AtomicI64::new(0);
    let next = Arc::new(move || count.fetch_add(1, Relaxed) + 1);
    let heap = {
        let next = next.clone();
        move || Ok(profile(heap_types(), next()))
    };
    let contention =
        move || Ok(profile(vec![ValueType::new("contentions", "count"), ValueType::new("delay", "nanoseconds")], 3));
    let counts = |kind| move || Ok(profile(vec![ValueType::new(kind, "count")], 3));
    let waits = waited.clone();
    let waits_too = waited.clone();
    let endpoints = Endpoints::new(move |time| {
        waits.fetch_add(time.as_secs(), Relaxed);
        Ok(())
    })
    .compute(|run| thread::scope(|scope| scope.spawn(run).join().expect("it does not panic")))
    .page(Page::snapshot("heap", "What is in use.", heap.clone()).count(|| 42))
    .page(Page::snapshot("allocs", "What was <ever> allocated.", heap))
    .page(
        Page::snapshot("goroutine", "All goroutines.", counts("goroutine"))
            .count(|| 3)
            .text(|debug| (debug >= 2).then(|| Ok("goroutine 1 [Running]:\n".to_owned()))),
    )
    .page(Page::snapshot("threadcreate", "Where threads were made.", counts("threadcreate")))
    .page(Page::snapshot("block", "Where goroutines wait.", contention))
    .page(Page::snapshot("mutex", "Who lets others wait.", contention))
    .page(Page::recording("profile", "What the CPUs do.", move |time| {
        waits_too.fetch_add(time.as_secs(), Relaxed);
        let mut taken = profile(vec![ValueType::new("samples", "count"), ValueType::new("cpu", "nanoseconds")], 1);
        taken.duration = Some(time);
        Ok(taken)
    }))
    .page(Page::recording("busy", "Is taken by somebody else.", |_| {
        Err(std::io::Error::new(std::io::ErrorKind::ResourceBusy, "there can be one at a time"))
    }))
    .page(Page::snapshot("broken", "Never works.", || Err(std::io::Error::other("somebody else is taking it"))));
    (endpoints, waited)
}

/// A server, each of whose connections has a thread.
fn server() -> SocketAddr {
    let endpoints = Arc::new(endpoints().0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for conn in listener.incoming() {
            let endpoints = endpoints.clone();
            thread::spawn(move || endpoints.handle(&mut conn.unwrap()));
        }
    });
    addr
}

fn connect(addr: SocketAddr) -> TcpStream {
    let conn = TcpStream::connect(addr).unwrap();
    conn.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    conn
}

/// The head and the body of the one answer to what is sent.
fn exchange(addr: SocketAddr, request: &str) -> (String, Vec<u8>) {
    let mut conn = connect(addr);
    conn.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    conn.read_to_end(&mut bytes).unwrap();
    split(&bytes)
}

fn split(bytes: &[u8]) -> (String, Vec<u8>) {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("the head ends") + 4;
    (String::from_utf8(bytes[..end].to_vec()).unwrap(), bytes[end..].to_vec())
}

fn get(addr: SocketAddr, target: &str) -> (String, Vec<u8>) {
    exchange(addr, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
}

#[test]
fn the_list_has_every_profile() {
    let (head, body) = get(server(), "/debug/pprof/");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("Content-Type: text/html; charset=utf-8\r\n"),
        "{head}"
    );
    assert!(
        head.contains(&format!("Content-Length: {}\r\n", body.len())) && head.contains("Connection: close\r\n"),
        "{head}"
    );
    let page = String::from_utf8(body).unwrap();
    for name in ["allocs", "block", "cmdline", "goroutine", "heap", "mutex", "profile", "threadcreate"] {
        assert!(page.contains(&format!("<a href=\"{name}\">{name}</a>")), "{name}: {page}");
    }
    assert!(page.contains("<td class=\"count\">42</td><td><a href=\"heap\">"), "{page}");
    assert!(page.contains("goroutine?debug=2") && !page.contains("profile?debug"), "{page}");
    assert!(page.contains("&lt;ever&gt;") && !page.contains("<ever>"), "{page}");
}

#[test]
fn every_profile_is_served_as_a_file_and_as_text() {
    let addr = server();
    for (name, first, text) in [
        ("heap", "alloc_objects", "heap profile: "),
        ("allocs", "alloc_objects", "heap profile: "),
        ("goroutine", "goroutine", "goroutine profile: total 3\n3 @ 0x"),
        ("threadcreate", "threadcreate", "threadcreate profile: total 3\n"),
        ("block", "contentions", "--- contention:\n"),
        ("mutex", "contentions", "--- contention:\n"),
    ] {
        let (head, body) = get(addr, &format!("/debug/pprof/{name}"));
        assert!(head.contains("Content-Type: application/octet-stream\r\n"), "{head}");
        assert!(head.contains(&format!("Content-Disposition: attachment; filename=\"{name}\"\r\n")), "{head}");
        assert!(head.contains("X-Content-Type-Options: nosniff\r\n"), "{head}");
        let profile = proto::Profile::from_bytes(&body).unwrap();
        assert_eq!(profile.text(profile.sample_type[0].r#type), first);

        let (head, body) = get(addr, &format!("/debug/pprof/{name}?debug=1"));
        assert!(head.contains("Content-Type: text/plain; charset=utf-8\r\n"), "{head}");
        assert!(!head.contains("Content-Disposition"), "{head}");
        assert!(String::from_utf8(body).unwrap().starts_with(text), "{name}");
    }
    assert_eq!(get(addr, "/debug/pprof/goroutine?debug=2").1, b"goroutine 1 [Running]:\n");
    let (_, arguments) = get(addr, "/debug/pprof/cmdline");
    let own = std::env::args().next().unwrap();
    assert!(String::from_utf8(arguments).unwrap().split('\0').any(|argument| argument == own));
}

#[test]
fn a_time_gives_what_comes_within() {
    let (endpoints, waited) = endpoints();
    let answer = endpoints.respond("GET", "/debug/pprof/heap?seconds=7");
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"heap-delta\""));
    assert_eq!(waited.load(Relaxed), 7);
    let profile = proto::Profile::from_bytes(&answer.body).unwrap();
    assert_eq!(profile.sample[0].value, [1; 5]);

    let answer = endpoints.respond("GET", "/debug/pprof/profile?seconds=5");
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"profile\""));
    assert_eq!(proto::Profile::from_bytes(&answer.body).unwrap().duration_nanos, 5_000_000_000);
    assert_eq!(waited.load(Relaxed), 12);
    // As in Go, it is half a minute if nothing is said.
    endpoints.respond("GET", "/debug/pprof/profile");
    assert_eq!(waited.load(Relaxed), 42);
    assert_eq!(
        endpoints.respond("GET", &format!("/debug/pprof/profile?seconds={}", MAX_RECORDING_DURATION.as_secs())).status,
        200
    );
    assert_eq!(waited.swap(42, Relaxed), 642);
    // Nobody waits for what is only asked about.
    let answer = endpoints.respond("HEAD", "/debug/pprof/profile?seconds=5");
    assert_eq!((answer.status, answer.body.len(), waited.load(Relaxed)), (200, 0, 42));
}

#[test]
fn what_cannot_be_answered_is_explained() {
    let (endpoints, _) = endpoints();
    for (method, target, status, text) in [
        ("GET", "/", 404, "/debug/pprof/"),
        ("GET", "/debug/pprof/nothing", 404, "Unknown profile"),
        ("GET", "/debug/pprof/../heap", 404, "Unknown profile"),
        ("GET", "/debug/pprof", 301, "/debug/pprof/"),
        ("POST", "/debug/pprof/heap", 405, "GET or HEAD"),
        ("GET", "/debug/pprof/heap?debug=x", 400, "debug has to be"),
        ("GET", "/debug/pprof/heap?seconds=0", 400, "seconds has to be"),
        ("GET", "/debug/pprof/heap?seconds=1&debug=1", 400, "cannot be combined"),
        ("GET", "/debug/pprof/profile?seconds=601", 400, "600 seconds at most"),
        ("GET", "/debug/pprof/busy", 503, "there can be one at a time"),
        ("GET", "/debug/pprof/broken", 500, "somebody else is taking it"),
        ("GET", "/debug/pprof/broken?debug=1", 500, "somebody else is taking it"),
    ] {
        let answer = endpoints.respond(method, target);
        let said = String::from_utf8(answer.body.clone()).unwrap();
        assert_eq!(answer.status, status, "{target}: {said}");
        assert!(said.contains(text), "{target}: {said}");
        assert_eq!(answer.header("X-Go-Pprof"), Some("1"));
        assert_eq!(answer.header("Allow").is_some(), status == 405);
        assert_eq!(answer.header("Location").is_some(), status == 301);
    }
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let mut conn = connect(server());
    let request = "GET /debug/pprof/threadcreate?debug=1 HTTP/1.1\r\nHost: x\r\n\r\n";
    // In pieces, and two at once.
    for piece in [&request[..10], &request[10..], request, request] {
        conn.write_all(piece.as_bytes()).unwrap();
    }
    conn.write_all(b"HEAD /debug/pprof/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    conn.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), 4, "{text}");
    assert_eq!(text.matches("threadcreate profile: total 3\n").count(), 3, "{text}");
    assert!(text.ends_with("Connection: close\r\n\r\n"), "{text}");
}

#[test]
fn what_is_no_request_is_refused() {
    let addr = server();
    for (request, status) in [
        ("NONSENSE\r\n\r\n".to_owned(), 400),
        ("GET /debug/pprof/ HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /debug/pprof/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".to_owned(), 400),
        ("GET /debug/pprof/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 0\r\n\r\nabc".to_owned(), 400),
        ("GET /debug/pprof/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\ncontent-length: 0\r\n\r\n".to_owned(), 400),
        ("GET /debug/pprof/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 0\r\n\r\n".to_owned(), 400),
        ("GET /debug/pprof/ HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc".to_owned(), 400),
        ("GET /debug/pprof/ HTTP/1.2\r\n\r\n".to_owned(), 400),
        ("GET /debug/pprof/ HTTP/2.0\r\nHost: x\r\n\r\n".to_owned(), 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        (format!("GET /{} HTTP/1.1\r\n", "x".repeat(16 * 1024 - 16)), 431),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(100)), 431),
    ] {
        let (head, _) = exchange(addr, &request);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains("Connection: close\r\n"), "{head}");
    }
    // A body is not read, so nothing can follow it.
    let (head, _) = exchange(addr, "GET /debug/pprof/cmdline HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("Connection: close\r\n"), "{head}");
    let (head, _) = exchange(addr, "GET /debug/pprof/cmdline HTTP/1.2\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let (head, _) = exchange(addr, "GET /debug/pprof/cmdline HTTP/1.0\r\n\r\n");
    assert!(head.contains("Connection: close\r\n"), "{head}");
}

/// A connection that is read byte by byte, with a pause before each, and then fails.
struct Slow(&'static [u8], Duration, Vec<u8>);

impl Read for Slow {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else { return Err(std::io::ErrorKind::WouldBlock.into()) };
        thread::park_timeout(self.1);
        (buf[0], self.0) = (*first, rest);
        Ok(1)
    }
}

impl Write for Slow {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.2.write(buf)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_request_has_a_time_to_come_in() {
    let endpoints = endpoints().0;
    // Each read is quick enough, but there are too many of them.
    let mut drips = Slow(&[b'A'; 500], Duration::from_millis(50), Vec::new());
    endpoints.handle(&mut drips).unwrap();
    assert!(!drips.0.is_empty(), "it was read for too long");
    assert!(drips.2.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&drips.2));
    // The limit of the connection's own.
    let mut stops = Slow(b"GET /debug", Duration::ZERO, Vec::new());
    endpoints.handle(&mut stops).unwrap();
    assert!(stops.2.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&stops.2));
    let mut silent = Slow(b"", Duration::ZERO, Vec::new());
    assert_eq!(endpoints.handle(&mut silent).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn who_is_there_for_this_machine_alone_answers_to_its_names() {
    let endpoints = endpoints().0;
    let status = |is_local, head: &str| {
        let request = format!("GET /debug/pprof/cmdline {head}\r\n\r\n");
        let mut conn = Slow(Box::leak(request.into_bytes().into_boxed_slice()), Duration::ZERO, Vec::new());
        // It ends by an error where the connection would be kept.
        let _ = endpoints.handle_peer(&mut conn, &Peer::new().loopback_only(is_local));
        String::from_utf8(conn.2).unwrap()[9..12].parse::<u16>().unwrap()
    };
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1:6060", "[::1]:6060"] {
        assert_eq!(status(true, &format!("HTTP/1.1\r\nHost: {host}")), 200, "{host}");
    }
    for host in ["example.com", "example.com:6060", "10.0.0.1", "localhost.example.com", ""] {
        assert_eq!(status(true, &format!("HTTP/1.1\r\nHost: {host}")), 403, "{host}");
        assert_eq!(status(true, &format!("HTTP/1.0\r\nHost: {host}")), 403, "{host}");
        assert_eq!(status(false, &format!("HTTP/1.1\r\nHost: {host}")), 200, "{host}");
    }
    assert_eq!(status(true, "HTTP/1.0"), 200);
}

#[test]
fn the_tool_fetches_by_itself() {
    let url = format!("http://{}/debug/pprof/goroutine", server());
    let folder = folder("fetched");
    let output = format!("-output={}", folder.join("raw.txt").display());
    if pprof(url.as_ref(), &["-raw", &output]).is_some() {
        let raw = std::fs::read_to_string(folder.join("raw.txt")).unwrap();
        assert!(raw.contains("goroutine/count"), "{raw}");
    }
}
