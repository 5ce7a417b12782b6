//! The server of profiles: it answers when nothing else does, and clients cannot hold it up.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use common::{LIMIT, in_child_with, ms, until};
use marmot::pprof;

fn connect(addr: SocketAddr) -> TcpStream {
    let conn = TcpStream::connect(addr).unwrap();
    conn.set_read_timeout(Some(LIMIT)).unwrap();
    conn.set_write_timeout(Some(LIMIT)).unwrap();
    conn
}

/// What is answered to a request, to its end.
fn answer(mut conn: TcpStream, request: &str) -> String {
    conn.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    conn.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn get(addr: SocketAddr, target: &str) -> String {
    answer(connect(addr), &format!("GET {target} HTTP/1.0\r\n\r\n"))
}

#[track_caller]
fn assert_status(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "not {status}: {answer}");
}

#[test]
fn it_answers_while_all_ms_are_blocked() {
    for procs in [1, 2, 8] {
        let outcome = in_child_with(
            "it_answers_while_all_ms_are_blocked",
            |command| command.env("MARMOT_MAXPROCS", procs.to_string()),
            || {
                let addr = marmot::go(|| pprof::serve("127.0.0.1:0").unwrap()).join().unwrap();
                let procs = marmot::thread::available_parallelism().unwrap().get();
                let parked = marmot::Builder::new().name("parked").spawn(marmot::park).unwrap();
                until(|| parked.goroutine().wait_reason().is_some());
                let (let_go, wait) = mpsc::channel::<()>();
                let wait = Arc::new(Mutex::new(wait));
                let (tell, told) = mpsc::channel();
                // Each takes a whole M.
                let blocked: Vec<_> = (0..procs)
                    .map(|_| {
                        let (wait, tell) = (Arc::clone(&wait), tell.clone());
                        marmot::go(move || {
                            tell.send(()).unwrap();
                            drop(wait.lock().map(|wait| wait.recv()));
                        })
                    })
                    .collect();
                blocked.iter().for_each(|_| told.recv_timeout(LIMIT).unwrap());

                let began = Instant::now();
                let text = get(addr, "/debug/pprof/goroutine?debug=2");
                assert_status(&text, 200);
                for m in 0..procs {
                    let stuck = format!("# M {m} of runtime 0 is stuck in a goroutine");
                    assert!(text.contains(&stuck), "'{stuck}' is not in {text}");
                }
                let text = get(addr, "/debug/pprof/goroutine?debug=1");
                assert!(text.contains("# M 0 of runtime 0 is stuck in a goroutine"), "{text}");
                for target in
                    ["", "goroutine", "threadcreate", "threadcreate?debug=1", "mutex", "cmdline", "profile?seconds=1"]
                {
                    assert_status(&get(addr, &format!("/debug/pprof/{target}")), 200);
                }
                assert!(began.elapsed() < LIMIT);
                drop(let_go);
                blocked.into_iter().for_each(|g| g.join().unwrap());
                let text = get(addr, "/debug/pprof/goroutine?debug=2");
                assert!(text.contains("'parked'") && !text.contains("stuck"), "{text}");
                assert!(!text.contains("pprof/serve"), "what serves is no goroutine: {text}");
                parked.goroutine().unpark();
                parked.join().unwrap();
            },
        );
        outcome.assert_success();
    }
}

/// Each byte comes soon after the one before, and the request never ends.
#[test]
fn a_client_has_a_time_for_the_whole_request() {
    let addr = pprof::serve("127.0.0.1:0").unwrap();
    let mut conn = connect(addr);
    let began = Instant::now();
    conn.write_all(b"GET /debug/pprof/ HTTP/1.1\r\nHost: localhost\r\nA: ").unwrap();
    conn.set_read_timeout(Some(ms(200))).unwrap();
    let mut answer = Vec::new();
    loop {
        assert!(began.elapsed() < LIMIT, "it still reads");
        if conn.write_all(b"a").is_err() {
            break;
        }
        let mut piece = [0; 1024];
        match conn.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    assert!(began.elapsed() >= Duration::from_secs(9), "a client that is a little slow is served");
    assert_status(&String::from_utf8_lossy(&answer), 408);
}

#[test]
fn there_are_so_many_connections_at_a_time() {
    let addr = pprof::serve("127.0.0.1:0").unwrap();
    // They are accepted in order.
    let mut idle: Vec<_> = (0..32).map(|_| connect(addr)).collect();
    let refused = get(addr, "/debug/pprof/cmdline");
    assert_status(&refused, 503);
    assert!(refused.contains("Too many connections"), "{refused}");
    // One goes, and the next is served.
    drop(idle.pop());
    until(|| get(addr, "/debug/pprof/cmdline").starts_with("HTTP/1.1 200 "));
    // Those that waited have a place still.
    let served = answer(idle.swap_remove(0), "GET /debug/pprof/cmdline HTTP/1.0\r\n\r\n");
    assert_status(&served, 200);
}

/// A connection that is told that there are too many stays for a moment.
#[test]
fn those_that_are_refused_keep_no_place_from_others() {
    let addr = pprof::serve("127.0.0.1:0").unwrap();
    let mut idle: Vec<_> = (0..32).map(|_| connect(addr)).collect();
    let mut refused = Vec::new();
    let mut is_refused = || {
        let mut conn = connect(addr);
        // It may be closed at once, if there are many.
        let _ = conn.write_all(b"GET /debug/pprof/cmdline HTTP/1.0\r\n\r\n");
        let mut begin = [0; 13];
        let answered = conn.read_exact(&mut begin).is_ok();
        refused.push(conn);
        !(answered && &begin == b"HTTP/1.1 200 ")
    };
    assert!((0..8).all(|_| is_refused()));
    // One goes. There are always some that are refused, until there is one that is served.
    drop(idle.pop());
    until(|| !is_refused());
}

#[test]
fn on_the_loopback_interface_other_hosts_are_refused() {
    let addr = pprof::serve("127.0.0.1:0").unwrap();
    let with = |host: &str| {
        let head = format!("GET /debug/pprof/cmdline HTTP/1.1\r\nConnection: close\r\nHost: {host}\r\n\r\n");
        answer(connect(addr), &head)
    };
    for host in ["localhost".to_owned(), format!("localhost:{}", addr.port()), addr.to_string(), "[::1]:80".to_owned()]
    {
        assert_status(&with(&host), 200);
    }
    for host in ["rebound.example", "rebound.example:80", "127.0.0.1.rebound.example"] {
        let refused = with(host);
        assert_status(&refused, 403);
        assert!(refused.contains("localhost") && !refused.contains("pprof_server"), "{refused}");
    }
    assert_status(&get(addr, "/debug/pprof/cmdline"), 200);
}

#[test]
fn two_lengths_are_refused() {
    let addr = pprof::serve("127.0.0.1:0").unwrap();
    let head = "GET /debug/pprof/cmdline HTTP/1.0\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc";
    assert_status(&answer(connect(addr), head), 400);
}

#[test]
fn there_is_one_cpu_profile_at_a_time_and_it_has_an_end() {
    let addr = pprof::serve("127.0.0.1:0").unwrap();
    let refused = get(addr, "/debug/pprof/profile?seconds=601");
    assert_status(&refused, 400);
    assert!(refused.contains("600 seconds at most"), "{refused}");

    let mut first = connect(addr);
    first.write_all(b"GET /debug/pprof/profile?seconds=600 HTTP/1.0\r\n\r\n").unwrap();
    // Until the first is at work, the second one may be the one.
    let mut refused = String::new();
    until(|| {
        let mut second = connect(addr);
        second.write_all(b"GET /debug/pprof/profile?seconds=600 HTTP/1.0\r\n\r\n").unwrap();
        second.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        let _ = second.read_to_string(&mut refused);
        second.shutdown(Shutdown::Both).unwrap();
        !refused.is_empty()
    });
    assert_status(&refused, 503);
    assert!(refused.contains("a CPU profile is being taken"), "{refused}");
    drop(first);
    // Who had it has left, so others get it.
    until(|| get(addr, "/debug/pprof/profile?seconds=1").starts_with("HTTP/1.1 200 "));
}
