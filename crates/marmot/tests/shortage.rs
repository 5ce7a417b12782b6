//! When something runs out: it is said once, with what to do about it, and the server lives on.
//!
//! Each test plays its shortage in a process of its own, whose limits it lowers.

#![cfg(target_os = "linux")]

mod common;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::Instant;

use common::{
    LATE, LIMIT, assert_fails, here, in_child, in_child_with, listener, ms, pair, runtime, status_number, until,
};
use marmot::net::{TcpListener, TcpStream};
use marmot::{StackError, WaitReason};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lowers a limit, or raises it again.
fn limit(resource: Resource, to: u64) {
    let maximum = getrlimit(resource).maximum;
    setrlimit(resource, Rlimit { current: Some(to), maximum }).unwrap();
}

/// Takes all descriptors but `room`, of `DESCRIPTORS`. Dropping some of what it returns gives them back.
fn take_descriptors(room: usize) -> Vec<File> {
    // The limit is one of numbers, and there may be gaps: so they are filled, not counted.
    limit(Resource::Nofile, DESCRIPTORS);
    let mut taken = vec![];
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    taken.truncate(taken.len() - room);
    taken
}

const DESCRIPTORS: u64 = 100;

/// A server that answers each byte with the same.
fn echo_server(rt: &marmot::Runtime) -> (SocketAddr, TcpListener) {
    let listener = listener();
    let (addr, handle) = (listener.local_addr().unwrap(), listener.try_clone().unwrap());
    rt.go(move || {
        for conn in listener.incoming() {
            let Ok(mut conn) = conn else { return };
            marmot::go(move || {
                let mut byte = [0];
                while let Ok(1) = conn.read(&mut byte) {
                    conn.write_all(&byte).unwrap();
                }
            });
        }
    });
    (addr, handle)
}

#[track_caller]
fn assert_served(conn: &TcpStream) {
    let mut byte = [0];
    let mut conn = conn;
    conn.write_all(b"?").unwrap();
    conn.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"?");
}

/// Asserts that `e` says which limit it is and how to raise it, and still has the system's error.
#[track_caller]
fn assert_says_descriptors(e: &io::Error) {
    let text = e.to_string();
    assert!(text.contains("no descriptor left"), "{text}");
    assert!(text.contains(&format!("it may have {DESCRIPTORS}")) && text.contains("ulimit -n"), "{text}");
    let source = e.get_ref().and_then(Error::source).and_then(|s| s.downcast_ref::<io::Error>()).unwrap();
    assert_eq!(source.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
    assert_eq!(source.kind(), e.kind());
}

#[test]
fn without_descriptors_a_server_waits_until_there_are_some() {
    let outcome = in_child("without_descriptors_a_server_waits_until_there_are_some", || {
        let rt = runtime(2);
        let (addr, handle) = echo_server(&rt);
        let old: Vec<_> = (0..4).map(|_| TcpStream::connect(addr).unwrap()).collect();
        old.iter().for_each(assert_served);

        // Room for one end of one more connection.
        let taken = take_descriptors(1);
        let mut late = TcpStream::connect(addr).unwrap();
        late.write_all(b"!").unwrap();
        late.set_read_timeout(Some(ms(100))).unwrap();
        assert_fails(io::ErrorKind::TimedOut, late.read(&mut [0]));
        // The others do not notice, and the listener waits longer and longer instead of spinning.
        for _ in 0..20 {
            old.iter().for_each(assert_served);
        }

        let error = TcpStream::connect(addr).unwrap_err();
        assert_says_descriptors(&error);
        assert_says_descriptors(&TcpListener::bind("127.0.0.1:0").unwrap_err());
        let error = TcpStream::connect_timeout(&addr, LATE).unwrap_err();
        assert_says_descriptors(&error);

        drop(taken);
        late.set_read_timeout(Some(LATE)).unwrap();
        late.read_exact(&mut [0]).unwrap();
        assert_served(&late);
        assert_served(&TcpStream::connect(addr).unwrap());
        handle.close().unwrap();
        drop(late);
        rt.shutdown(LIMIT).unwrap();
    });
    outcome.assert_success();
    let reports: Vec<_> =
        outcome.stderr.lines().filter(|line| line.starts_with("marmot: accept on 127.0.0.1:")).collect();
    assert!(reports.len() == 1, "{reports:?}");
    for text in ["no descriptor left", "ulimit -n", "LimitNOFILE=", "trying again"] {
        assert!(reports[0].contains(text), "'{text}' is not in {}", reports[0]);
    }
}

/// The listener has waited in vain before, so that it trusts events; and the shortage comes together with the event.
#[test]
fn a_connection_that_met_a_shortage_is_not_forgotten() {
    let outcome = in_child("a_connection_that_met_a_shortage_is_not_forgotten", || {
        let rt = runtime(1);
        let accept = |listener: &TcpListener| {
            let clone = listener.try_clone().unwrap();
            rt.go(move || clone.accept().map(drop))
        };
        let listener = rt.run(listener);
        listener.set_deadline(Some(Instant::now() + ms(20))).unwrap();
        assert_fails(io::ErrorKind::TimedOut, accept(&listener).join().unwrap());
        listener.set_deadline(None).unwrap();
        let taken = take_descriptors(1);
        let addr = listener.local_addr().unwrap();
        // The poller gets the event while nobody waits for it.
        let near = rt.run(move || TcpStream::connect(addr).inspect(|_| marmot::sleep(ms(20))).unwrap());
        let server = accept(&listener);
        until(|| server.goroutine().wait_reason() == Some(WaitReason::Sleep));
        drop(taken);
        server.join().unwrap().unwrap();
        drop(near);
    });
    outcome.assert_success();
    outcome.assert_says("trying again");
}

/// A shortage that comes and goes with every connection is one shortage.
#[test]
fn a_shortage_is_reported_now_and_then() {
    let outcome = in_child("a_shortage_is_reported_now_and_then", || {
        let rt = runtime(1);
        let (addr, handle) = echo_server(&rt);
        let first = TcpStream::connect(addr).unwrap();
        assert_served(&first);
        let mut taken = take_descriptors(1);
        for _ in 0..10 {
            let late = TcpStream::connect(addr).unwrap();
            late.set_read_timeout(Some(ms(20))).unwrap();
            (&late).write_all(b"!").unwrap();
            assert_fails(io::ErrorKind::TimedOut, (&late).read(&mut [0]));
            late.set_read_timeout(Some(LATE)).unwrap();
            taken.pop();
            (&late).read_exact(&mut [0]).unwrap();
            drop(late);
            // Both ends are closed again, and one of their numbers is taken.
            until(|| File::open("/dev/null").and_then(|a| File::open("/dev/null").map(|b| (a, b))).is_ok());
            taken.push(File::open("/dev/null").unwrap());
        }
        assert_served(&first);
        handle.close().unwrap();
    });
    outcome.assert_success();
    assert_eq!(outcome.stderr.matches("marmot: accept on").count(), 1, "{}", outcome.stderr);
}

#[test]
fn a_listener_that_does_not_wait_reports_the_shortage() {
    let outcome = in_child("a_listener_that_does_not_wait_reports_the_shortage", || {
        marmot::go(|| ()).join().unwrap();
        let listener = listener();
        listener.set_nonblocking(true).unwrap();
        let _taken = take_descriptors(1);
        let _near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut error = None;
        until(|| {
            error = listener.accept().err().filter(|e| e.kind() != io::ErrorKind::WouldBlock);
            error.is_some()
        });
        assert_says_descriptors(&error.unwrap());
    });
    outcome.assert_success();
}

#[test]
fn close_ends_an_accept_that_waits_for_descriptors() {
    let outcome = in_child("close_ends_an_accept_that_waits_for_descriptors", || {
        let rt = runtime(1);
        let listener = listener();
        let handle = listener.try_clone().unwrap();
        marmot::go(|| ()).join().unwrap();
        let _taken = take_descriptors(1);
        let _near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let server = rt.go(move || listener.accept().map(drop));
        until(|| server.goroutine().wait_reason() == Some(WaitReason::Sleep));
        handle.close().unwrap();
        assert_fails(io::ErrorKind::NotConnected, server.join().unwrap());
    });
    outcome.assert_success();
}

/// In a network of its own, with four local ports.
#[test]
fn without_ports_a_connect_says_so() {
    const NAME: &str = "without_ports_a_connect_says_so";
    // `unshare` puts the command before the test's own, so it starts the child.
    let script = "ip link set lo up && echo 40000 40003 > /proc/sys/net/ipv4/ip_local_port_range";
    let alone = |then: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "sh", "-c", &format!("{script} && {then}")]);
        command
    };
    if !alone("true").output().is_ok_and(|output| output.status.success()) {
        println!("no network of its own can be had here; skipped");
        return;
    }
    let outcome = in_child_with(
        NAME,
        |command| {
            let program = command.get_program().to_string_lossy().into_owned();
            let variables: Vec<_> = command.get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned))).collect();
            *command = alone(&format!("exec '{program}' --exact {NAME} --nocapture --test-threads=1"));
            for (key, value) in variables {
                command.env(key, value.unwrap_or_default());
            }
            command
        },
        || {
            // Below the range, so that all four are left.
            let listener = TcpListener::bind("127.0.0.1:2000").unwrap();
            let addr = listener.local_addr().unwrap();
            let mut kept = vec![];
            let error = loop {
                assert!(kept.len() <= 4);
                match TcpStream::connect(addr) {
                    Ok(conn) => kept.push(conn),
                    Err(e) => break e,
                }
            };
            assert_eq!((kept.len(), error.kind()), (4, io::ErrorKind::AddrNotAvailable));
            let text = error.to_string();
            for said in ["no local port is left", "net.ipv4.ip_local_port_range"] {
                assert!(text.contains(said), "{text}");
            }
            // Others can still be reached.
            let other = TcpListener::bind("127.0.0.1:2001").unwrap();
            TcpStream::connect(other.local_addr().unwrap()).unwrap();
        },
    );
    outcome.assert_success();
}

/// How many bytes of address space this process has mapped.
fn mapped() -> u64 {
    status_number(&fs::read_to_string("/proc/self/status").unwrap(), "VmSize") << 10
}

#[test]
fn without_address_space_a_goroutine_is_not_started() {
    let line = here();
    let outcome = in_child("without_address_space_a_goroutine_is_not_started", || {
        let rt = runtime(2);
        let (addr, handle) = echo_server(&rt);
        let conn = TcpStream::connect(addr).unwrap();
        assert_served(&conn);

        limit(Resource::As, mapped() + (4 << 20));
        let large = rt.run(|| marmot::Builder::new().name("large").stack_size(16 << 20).spawn(|| unreachable!()));
        let payload = large.unwrap().join().map(|(): ()| ()).unwrap_err();
        let error = payload.downcast_ref::<StackError>().unwrap().to_string();
        assert!(error.contains("no address space for a stack"), "{error}");
        // The others live on, and so do those to come whose stack is small.
        assert_served(&conn);
        assert_served(&TcpStream::connect(addr).unwrap());
        handle.close().unwrap();
        drop(conn);
        rt.shutdown(LIMIT).unwrap();
    });
    outcome.assert_success();
    outcome.assert_says("marmot: goroutine ");
    outcome.assert_says(&format!(" 'large' (spawned at {}:", line.rsplit_once(':').unwrap().0));
    outcome.assert_says("was not started: no address space for a stack");
    outcome.assert_says("ulimit -v");
}

/// A connection whose goroutine could not be started is dropped, but not for the others that have a handle.
#[test]
fn a_connection_outlives_a_goroutine_that_got_no_stack() {
    let outcome = in_child("a_connection_outlives_a_goroutine_that_got_no_stack", || {
        let rt = runtime(1);
        let (mut near, far) = pair();
        let mut kept = far.try_clone().unwrap();
        let handle = rt.run(move || far.go_when_readable(|_| unreachable!()));
        // Room for what the allocator needs, but for no stack.
        limit(Resource::As, mapped() + (128 << 10));
        let mut parked = vec![];
        loop {
            let handle = rt.go(marmot::park);
            until(|| handle.is_finished() || handle.goroutine().wait_reason() == Some(WaitReason::Parked));
            if handle.is_finished() {
                break;
            }
            parked.push(handle);
        }
        near.write_all(b"x").unwrap();
        assert!(handle.join().map(|(): ()| ()).unwrap_err().is::<StackError>());
        assert_eq!(kept.read(&mut [0; 8]).unwrap(), 1);
        parked.iter().for_each(|handle| handle.goroutine().unpark());
        rt.shutdown(LIMIT).unwrap();
    });
    outcome.assert_success();
}

#[test]
fn a_runtime_that_cannot_have_its_threads_or_pollers_says_so() {
    let outcome = in_child("a_runtime_that_cannot_have_its_threads_or_pollers_says_so", || {
        // Enough for one poller.
        let mut taken = take_descriptors(3);
        let error = marmot::Runtime::builder().procs(2).build().unwrap_err();
        assert!(error.to_string().contains("ulimit -n"), "{error}");
        // What it had opened is closed again.
        let free: Vec<_> = (0..3).map(|_| File::open("/dev/null").unwrap()).collect();
        assert!(thread::spawn(|| drop(marmot::go(|| ()))).join().is_err());
        drop(free);
        taken.clear();
        // A failure is not remembered.
        assert_eq!(runtime(2).run(|| 7), 7);
        assert_eq!(marmot::go(|| 8).join().unwrap(), 8);
    });
    outcome.assert_success();
    outcome.assert_says("the default runtime cannot be started");
}

/// A shortage that every connection meets does not fill the log.
#[test]
fn goroutines_without_stacks_are_one_report() {
    let outcome = in_child("goroutines_without_stacks_are_one_report", || {
        let rt = runtime(1);
        // Its thread runs, and has what it needs.
        assert_eq!(rt.run(|| 1), 1);
        limit(Resource::As, mapped() + (64 << 20));
        for _ in 0..100 {
            let large = marmot::Builder::new().stack_size(128 << 20);
            let handle = rt.run(move || large.spawn(|| unreachable!()).unwrap());
            assert!(handle.join().map(|(): ()| ()).unwrap_err().is::<StackError>());
        }
        rt.shutdown(LIMIT).unwrap();
    });
    outcome.assert_success();
    assert_eq!(outcome.stderr.matches("was not started").count(), 1, "{}", outcome.stderr);
}

#[test]
fn blocking_calls_without_threads_are_one_report() {
    let outcome = in_child("blocking_calls_without_threads_are_one_report", || {
        let rt = runtime(1);
        assert_eq!(rt.run(|| 1), 1);
        // A thread's stack has more.
        limit(Resource::As, mapped() + (1 << 20));
        rt.run(|| {
            for n in 0..100 {
                assert_eq!(marmot::blocking(move || n), n);
            }
        });
        rt.shutdown(LIMIT).unwrap();
    });
    outcome.assert_success();
    assert_eq!(outcome.stderr.matches("no spare thread").count(), 1, "{}", outcome.stderr);
}
