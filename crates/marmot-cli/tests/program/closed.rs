//! Standard output or standard error without a reader: nothing panics, and a server goes on.

use crate::common::{self, BOUND, read_all, send_all};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, pipe};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio, id};
use std::thread;
use std::time::{Duration, Instant};

/// A pipe from which nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    writer.into()
}

/// The exit code of the program without a reader of its output, and what it says on standard error.
pub fn without_reader(args: &[&str], bound: Duration) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marmot"));
    let child = command.args(args).stdout(closed()).stderr(Stdio::piped()).spawn().unwrap();
    common::within(bound, child, |child| {
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (child.wait().unwrap().code(), stderr)
    })
}

#[test]
fn what_nobody_reads_is_no_failure() {
    for args in [
        ["bench", "switch", "spawn", "--quick"].as_slice(),
        &["bench", "switch", "--quick", "--json"],
        &["--help"],
        &["serve", "--help"],
        &["--version"],
    ] {
        assert_eq!(without_reader(args, BOUND), (Some(0), String::new()), "{args:?}");
    }
}

#[test]
fn errors_that_nobody_reads_keep_their_exit_code() {
    for (args, code) in [
        (["profile", "advise", "nowhere"].as_slice(), 1),
        (&["bench", "skynet", "--once", "1"], 1),
        (&["--nothing"], 2),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_marmot"));
        let child = command.args(args).stdout(closed()).stderr(closed()).spawn().unwrap();
        let status = common::within(BOUND, child, |child| child.wait().unwrap());
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}

/// Kills it when the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_goes_on_without_a_reader() {
    // An address of its own, for it cannot be told which one the system would choose.
    let [.., a, b, c] = id().to_be_bytes();
    let addr = SocketAddr::from((Ipv4Addr::new(127, a | 0x40, b, c | 1), 7001));
    let mut command = Command::new(env!("CARGO_BIN_EXE_marmot"));
    let at = addr.to_string();
    let args = ["serve", "echo", "--addr", &at, "--pprof", "127.0.0.1:0"];
    let mut server = Killed(command.args(args).stdout(closed()).stderr(Stdio::piped()).spawn().unwrap());
    let begun = Instant::now();
    let stream = loop {
        match TcpStream::connect(addr) {
            Ok(stream) => break stream,
            Err(error) => assert!(begun.elapsed() < BOUND, "it does not listen: {error}"),
        }
        assert!(server.0.try_wait().unwrap().is_none(), "it has ended");
        thread::park_timeout(Duration::from_millis(5));
    };
    stream.set_read_timeout(Some(BOUND)).unwrap();
    send_all(&stream, b"hello".to_vec()).join().unwrap();
    assert_eq!(read_all(&stream), b"hello");
    kill_process(Pid::from_raw(server.0.id().try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    assert!(server.0.wait().unwrap().success());
    let mut said = String::new();
    server.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}
