//! What the tests share: runtimes of several sizes, a watchdog, chance, and a pair of connected
//! streams.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use marmot_runtime::Runtime;
use marmot_runtime::net::{TcpListener, TcpStream};

/// Far beyond what any of the tests takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs `test`, and ends the process if it hangs.
pub fn watched(name: &'static str, test: impl FnOnce()) {
    let (done, wait) = mpsc::channel::<()>();
    let dog = thread::spawn(move || {
        if wait.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            eprintln!("the stress test `{name}` has not ended after {LIMIT:?}: something waits for ever");
            std::process::abort();
        }
    });
    test();
    drop(done);
    dog.join().unwrap();
}

/// As [`watched`], with runtimes of several sizes, each of which must be left without goroutines.
pub fn on_each_size(name: &'static str, test: impl Fn(&Runtime)) {
    watched(name, || {
        for procs in [1, 2, 4, 8] {
            let rt = runtime(procs);
            test(&rt);
            rt.shutdown(Duration::from_secs(120)).unwrap_or_else(|e| panic!("`{name}` with {procs} Ps: {e}"));
        }
    });
}

pub fn runtime(procs: usize) -> Runtime {
    Runtime::builder().procs(procs).build().unwrap()
}

/// A cheap generator: the tests need variety, not quality.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: usize) -> Chance {
        Chance(seed as u64 ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }

    /// A time below so many microseconds.
    pub fn micros(&mut self, n: u64) -> Duration {
        Duration::from_micros(self.below(n))
    }
}

/// Two ends of a connection over loopback.
pub fn pair(listener: &TcpListener) -> io::Result<(TcpStream, TcpStream)> {
    let here = TcpStream::connect(listener.local_addr()?)?;
    let (there, _) = listener.accept()?;
    // Else the kernel holds small writes back, and the tests take long for nothing.
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    Ok((here, there))
}

pub fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}
