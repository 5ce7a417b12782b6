//! What is asked for on the command line.

use std::path::PathBuf;
use std::slice;

pub const USAGE: &str = "\
usage: cargo xtask measure [NAME…] [OPTION…]

names: echo, echo2, frames, idle, micro, million, calls, pool, proxy, sampling, sync, all (which is also what runs without a name)

  --harness DIR   the benchmark harness [default: $MARMOT_BENCH, else ../shared/bench beside the repository]
  --rounds N      rounds of each measurement
                  [default: 9 for echo, echo2 and sampling, 7 for pool and proxy, 5 for frames and sync, 3 for idle and micro]
  --seconds S     the time of one load [default: 2]
  --cells LIST    loads of echo and echo2, as CONNECTIONSxBYTES,… [default: 1x64,50x64,50x16384,1000x64,10000x64]
  --peers LIST    servers to compare with in echo, echo2, calls and idle [default: epoll,go,tokio_mt,may]";

/// One kind of measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measurement {
    Calls,
    Frames,
    Pool,
    Proxy,
    Sampling,
    Sync,
    Million,
    Micro,
    Idle,
    Echo,
    Echo2,
}

/// All of them, the short ones first.
const ALL: [(&str, Measurement); 11] = [
    ("calls", Measurement::Calls),
    ("frames", Measurement::Frames),
    ("pool", Measurement::Pool),
    ("proxy", Measurement::Proxy),
    ("sampling", Measurement::Sampling),
    ("sync", Measurement::Sync),
    ("million", Measurement::Million),
    ("micro", Measurement::Micro),
    ("idle", Measurement::Idle),
    ("echo", Measurement::Echo),
    ("echo2", Measurement::Echo2),
];

/// A load: so many connections, with messages of so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub connections: u32,
    pub bytes: u32,
}

const CELLS: [Cell; 5] = [
    Cell { connections: 1, bytes: 64 },
    Cell { connections: 50, bytes: 64 },
    Cell { connections: 50, bytes: 16384 },
    Cell { connections: 1000, bytes: 64 },
    Cell { connections: 10_000, bytes: 64 },
];

/// What to measure, and how.
#[derive(Debug)]
pub struct Options {
    pub measurements: Vec<Measurement>,
    pub harness: Option<PathBuf>,
    /// How many rounds, if not as many as the measurement does by itself.
    pub rounds: Option<u32>,
    pub seconds: f64,
    pub cells: Vec<Cell>,
    pub peers: Vec<String>,
}

impl Options {
    /// Reads them from the arguments behind `measure`.
    ///
    /// # Errors
    ///
    /// What is wrong and how it is used.
    pub fn parse(arguments: &[String]) -> Result<Options, String> {
        let mut options = Options {
            measurements: Vec::new(),
            harness: None,
            rounds: None,
            seconds: 2.0,
            cells: CELLS.to_vec(),
            peers: ["epoll", "go", "tokio_mt", "may"].map(str::to_owned).to_vec(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let understood = options.take(argument, &mut arguments);
            understood
                .ok_or_else(|| format!("{argument} is not understood here, or needs another value\n\n{USAGE}"))?;
        }
        if options.measurements.is_empty() {
            options.measurements.extend(ALL.map(|(_, measurement)| measurement));
        }
        Ok(options)
    }

    /// Takes an argument in, with its value from those that follow; `None` if that does not work.
    fn take(&mut self, argument: &str, rest: &mut slice::Iter<'_, String>) -> Option<()> {
        match argument {
            "--harness" => self.harness = Some(rest.next()?.into()),
            "--rounds" => self.rounds = Some(rest.next()?.parse().ok().filter(|rounds| *rounds > 0)?),
            "--seconds" => self.seconds = rest.next()?.parse().ok().filter(|time| (0.1..=60.0).contains(time))?,
            "--cells" => self.cells = rest.next()?.split(',').map(cell).collect::<Option<_>>()?,
            "--peers" => self.peers = rest.next()?.split(',').map(str::to_owned).collect(),
            "all" => self.measurements.extend(ALL.map(|(_, measurement)| measurement)),
            name => self.measurements.push(ALL.iter().find(|(known, _)| *known == name)?.1),
        }
        Some(())
    }
}

/// `50x64` is 50 connections with 64 bytes.
fn cell(text: &str) -> Option<Cell> {
    let (connections, bytes) = text.split_once('x')?;
    let cell = Cell { connections: connections.parse().ok()?, bytes: bytes.parse().ok()? };
    (cell.connections > 0 && cell.bytes > 0).then_some(cell)
}
