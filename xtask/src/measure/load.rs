//! A load on a server: closed-loop, every byte compared.

use super::harness::Harness;
use crate::tools;
use serde_json::Value;
use std::io;

/// The CPUs of server and load.
pub const SERVER_CPU: &str = "1";
const LOAD_CPU: &str = "0";

/// How long the load may take beside its own time, in seconds.
const PATIENCE: u32 = 30;

/// What a load consists of.
pub struct Load {
    pub connections: u32,
    /// Bytes of a request.
    pub size: u32,
    /// How many requests are under way at a time on each connection.
    pub pipeline: u32,
    /// The time before it counts, and in which it does, in seconds.
    pub warmup: f64,
    pub seconds: f64,
}

/// What came of it.
pub struct Answered {
    /// How many requests were answered.
    pub requests: u64,
    /// How many in a second.
    pub rate: f64,
}

impl Load {
    /// Puts it on the server at `port` of this machine.
    ///
    /// # Errors
    ///
    /// When it does not run, or a request was not answered rightly.
    pub fn run(&self, harness: &Harness, port: u16) -> io::Result<Answered> {
        let mut command = tools::bounded(PATIENCE + (self.warmup + self.seconds).ceil() as u32, "taskset");
        command.args(["-c", LOAD_CPU]).arg(harness.bin.join("loadgen"));
        command.args(["--addr", &format!("127.0.0.1:{port}")]);
        command.args(["--conns", &self.connections.to_string(), "--size", &self.size.to_string()]);
        command.args(["--pipeline", &self.pipeline.to_string()]);
        command.args(["--warmup", &self.warmup.to_string(), "--duration", &self.seconds.to_string()]);
        let output = tools::output(&mut command)?;
        let report: Value = serde_json::from_slice(&output.stdout)?;
        match (report["requests"].as_u64(), report["rps"].as_f64(), report["errors"].as_u64()) {
            (Some(requests), Some(rate), Some(0)) if requests > 0 => Ok(Answered { requests, rate }),
            _ => Err(io::Error::other(format!("the load was not answered rightly: {report}"))),
        }
    }
}
