//! A server that is started for one measurement and ended with it.

use super::harness::Spec;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that listens.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts it on one CPU and waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// When it does not start, or ends at once.
    pub fn start(spec: &Spec, cpu: &str) -> io::Result<Server> {
        // Nobody else takes the port between here and there, but for bad luck; then the server says so and ends.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let command: Vec<String> = spec.command.iter().map(|part| part.replace("{port}", &port.to_string())).collect();
        let mut taskset = Command::new("taskset");
        taskset.args(["-c", cpu]).args(&command);
        taskset.envs(spec.environment.iter().map(|(key, value)| (key, value)));
        let child = taskset.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Server { child, port };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if server.child.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(io::Error::other(format!("the server does not listen: {}", command.join(" "))));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Its process: `taskset` has become the server.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// When the system refuses to.
    pub fn end(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already, by itself or by `end`, is none to report.
        let _ = self.end();
    }
}
