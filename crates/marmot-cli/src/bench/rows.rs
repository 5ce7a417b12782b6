//! Measuring, and the rows that come of it.

use marmot::Runtime;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// How often each operation is measured; the least counts, since whatever disturbs a run makes it longer.
const RUNS: usize = 5;

/// What a row is called here, and in other runtimes' benchmarks.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// Here.
    pub own: &'static str,
    /// There.
    pub peer: &'static str,
}

/// Rows on their way out.
#[derive(Debug)]
pub struct Rows {
    json: bool,
    peer_names: bool,
    divisor: u64,
    gathered: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    value: f64,
    unit: &'static str,
}

impl Rows {
    /// No rows yet; lines are printed as they come, JSON at the end. Benchmarks are to do the `divisor`th part of their work.
    pub fn new(json: bool, peer_names: bool, divisor: u64) -> Rows {
        Rows { json, peer_names, divisor, gathered: Vec::new() }
    }

    /// How many of so many operations are to be done: one at least.
    pub fn share_of(&self, operations: u64) -> u64 {
        (operations / self.divisor).max(1)
    }

    /// Adds a row, with something behind its name.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub fn add(&mut self, label: Label, suffix: &str, value: f64, unit: &'static str) -> io::Result<()> {
        let name = format!("{}{suffix}", if self.peer_names { label.peer } else { label.own });
        if self.json {
            self.gathered.push(Row { name, value, unit });
            return Ok(());
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{name} {value:.2} {unit}")?;
        out.flush()
    }

    /// Measures `operations`, which `run` does in one go as a goroutine, and adds a row for CPU time and one for wall time.
    ///
    /// # Errors
    ///
    /// As [`add`](Rows::add).
    pub fn time<F>(&mut self, runtime: &Runtime, label: Label, operations: u64, run: F) -> io::Result<()>
    where
        F: Fn(u64) + Copy + Send + 'static,
    {
        let operations = self.share_of(operations);
        runtime.run(move || run(operations / 10));
        let mut best = (Duration::MAX, Duration::MAX);
        for _ in 0..RUNS {
            let (cpu, wall) = measured(|| runtime.run(move || run(operations)));
            best = (best.0.min(cpu), best.1.min(wall));
        }
        let each = |time: Duration| time.as_nanos() as f64 / operations as f64;
        self.add(label, "", each(best.0), "cpu_ns")?;
        self.add(label, ".wall", each(best.1), "ns")
    }

    /// Prints what was gathered.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub fn finish(&self) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &self.gathered)?;
        writeln!(out)
    }
}

/// The CPU time of the process and the wall-clock time that `run` takes.
pub fn measured(run: impl FnOnce()) -> (Duration, Duration) {
    let (cpu, wall) = (cpu_time(), Instant::now());
    run();
    (cpu_time().saturating_sub(cpu), wall.elapsed())
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
