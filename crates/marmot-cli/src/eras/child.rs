//! The server of an era as its parent sees it: a process that is never left behind.

use super::Era;
use crate::sys::linux::lineage;
use crate::sys::linux::trace::Tracer;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio, id};

/// A server process, killed and reaped with all its descendants when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Signals go through this, so they cannot hit another process that was given the same number.
    handle: OwnedFd,
    tracer: Option<Tracer>,
}

impl Server {
    /// Starts the server of an era; it waits until [`open`](Server::open) is called.
    ///
    /// # Errors
    ///
    /// When no process can be made.
    pub fn start(era: Era) -> io::Result<Server> {
        let child = Command::new("/proc/self/exe")
            .args(["era-server", era.name(), &id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A group of its own: Ctrl-C reaches this process alone, which ends the servers in good order; and the
            // descendants can be waited for as a group.
            .process_group(0)
            .spawn()?;
        let pid = Pid::from_raw(child.id() as i32).expect("a child has a pid");
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => Ok(Server { child, handle, tracer: None }),
            Err(error) => {
                let mut child = child;
                let _ = child.kill();
                let _ = child.wait();
                Err(error.into())
            }
        }
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Counts the server's system calls from now on; to be called before [`open`](Server::open).
    ///
    /// # Errors
    ///
    /// When tracing is refused.
    pub fn trace(&mut self) -> io::Result<()> {
        self.tracer = Some(Tracer::attach(self.pid())?);
        Ok(())
    }

    /// The system calls counted so far: 0 for a server that is not traced.
    pub fn system_calls(&self) -> u64 {
        self.tracer.as_ref().map_or(0, Tracer::entered)
    }

    /// Has the server open its listener, and says where it is.
    ///
    /// # Errors
    ///
    /// When the server ends without it; what it had to say is on standard error.
    pub fn open(&mut self) -> io::Result<SocketAddr> {
        let mut stdin = self.child.stdin.take().expect("the pipe was asked for, and this is called once");
        let stdout = self.child.stdout.take().expect("the pipe was asked for, and this is called once");
        stdin.write_all(b"\n")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        line.trim().parse().map_err(|_| io::Error::other("the server ended before it listened"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        if let Some(tracer) = self.tracer.take() {
            // Whoever traces a process reaps it. A tracer that failed on the way leaves nothing to be done here.
            let _ = tracer.join();
        }
        let _ = self.child.wait();
        lineage::reap(self.child.id());
    }
}
