//! What the tests of the program share: running it, signalling it, and waiting for its end with a bound.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long anything may take that should happen at once, on a busy machine.
pub const BOUND: Duration = Duration::from_secs(120);

/// A running server, killed when it is dropped.
pub struct Server {
    child: Option<Child>,
    pub addr: SocketAddr,
}

impl Server {
    /// Starts `marmot serve` with these arguments on a port that the system chooses, and waits until it listens.
    pub fn start(args: &[&str]) -> Server {
        Server::start_at("127.0.0.1:0", args)
    }

    /// As [`start`](Server::start), at an address.
    pub fn start_at(addr: &str, args: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_marmot"))
            .arg("serve")
            .args(args)
            .args(["--addr", addr])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the program says where it listens");
        let addr = line.trim_end().strip_prefix("listening on ").and_then(|addr| addr.parse().ok());
        let Some(addr) = addr else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("unexpected first line: {line:?}");
        };
        Server { child: Some(child), addr }
    }

    /// A connection on which nothing waits for longer than the bound.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).expect("the server accepts");
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.set_write_timeout(Some(BOUND)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the server has not ended");
        let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).expect("the server is there");
    }

    /// Waits for the end of the server.
    pub fn end(mut self) -> ExitStatus {
        let child = self.child.take().expect("the server has not ended");
        within(BOUND, child, |child| child.wait().expect("the server can be waited for"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs the program to its end and returns what it printed.
pub fn output(args: &[&str], bound: Duration) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marmot"));
    let child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    within(bound, child, |child| {
        // Both are small, and standard error is next to nothing, so one after the other cannot fill a pipe.
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
        Output { status: child.wait().unwrap(), stdout, stderr }
    })
}

/// What `wait` returns, if it returns within the bound; else the program is killed and the test fails.
pub fn within<T: Send + 'static>(
    bound: Duration,
    mut child: Child,
    wait: impl FnOnce(&mut Child) -> T + Send + 'static,
) -> T {
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    let (sender, outcome) = mpsc::channel();
    let waiter = thread::spawn(move || sender.send(wait(&mut child)));
    match outcome.recv_timeout(bound) {
        Ok(value) => value,
        Err(_) => {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waiter.join();
            panic!("the program did not end within {bound:?}");
        }
    }
}

/// Pseudo-random bytes that differ by `seed`.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

/// Sends the bytes in a thread of their own, so that they can be read back meanwhile, and then closes the sending side.
pub fn send_all(stream: &TcpStream, bytes: Vec<u8>) -> thread::JoinHandle<()> {
    let mut stream = stream.try_clone().unwrap();
    thread::spawn(move || {
        stream.write_all(&bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
    })
}

/// Everything up to the end of the stream.
pub fn read_all(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the stream ends in good order");
    bytes
}

/// Has much sent back to several connections at the same time.
pub fn assert_echoes_to_many(server: &Server, length: usize) {
    thread::scope(|scope| {
        for seed in 0..8 {
            scope.spawn(move || {
                let stream = server.connect();
                let sent = noise(length, seed);
                let sender = send_all(&stream, sent.clone());
                assert!(read_all(&stream) == sent, "what came back differs");
                sender.join().unwrap();
            });
        }
    });
}
