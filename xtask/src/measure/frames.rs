//! `frames`: frames a second of the same server through buffered connections and straight off them, and the system calls
//! that the buffered one needs.

use super::calls;
use super::harness::{Harness, Spec};
use super::load::{Load, SERVER_CPU};
use super::options::Options;
use super::series::Series;
use super::server::Server;
use super::table::{self, Table};
use crate::strace::{READS, WRITES};
use crate::verdict::{self, Bound, Verdict};
use std::io;

const ROUNDS: u32 = 5;
const CONNECTIONS: u32 = 50;
const SIZE: u32 = 64;
/// How many frames a client sends at a time.
const BATCH: u32 = 16;
/// How many times the frames of the direct server the buffered one is to serve.
const TIMES: f64 = 3.0;

/// Measures both ways.
///
/// # Errors
///
/// When a server, the load or strace fails.
pub fn run(harness: &Harness, options: &Options) -> io::Result<Vec<Verdict>> {
    let rounds = options.rounds.unwrap_or(ROUNDS);
    println!(
        "\n### frames: {CONNECTIONS} connections, {BATCH} frames of {SIZE} bytes at a time, one P, {rounds} rounds\n"
    );
    let ways = [("buffered", spec(harness, false)), ("direct", spec(harness, true))];
    let load = Load { connections: CONNECTIONS, size: SIZE, pipeline: BATCH, warmup: 0.3, seconds: options.seconds };
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        for at in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            let mut server = Server::start(&ways[at].1, SERVER_CPU)?;
            let answered = load.run(harness, server.port);
            server.end()?;
            rates[at].push((u64::from(round), answered?.rate));
        }
    }
    let rates = rates.map(|rates| rates.into_iter().collect::<Series>());
    let mut table = Table::new(["server", "frames/s", "paired ratio to direct"]);
    for ((name, _), own) in ways.iter().zip(&rates) {
        table.add([(*name).to_owned(), table::cell(own.median()), table::cell(own.ratio_to(&rates[1]))]);
    }
    println!("{table}");
    let mut verdicts = vec![Verdict {
        what: "frames a second, beside the direct server's".to_owned(),
        figure: rates[0].ratio_to(&rates[1]),
        bound: Bound::AtLeast(TIMES),
        unit: "times",
    }];
    if calls::can_count() {
        let load = Load { warmup: 0.0, ..load };
        let (counted, frames) = calls::count(harness, &ways[0].1, &load)?;
        // The answers under way at the end are not among those that were counted: one batch for each connection at most.
        let batches = (frames + u64::from(CONNECTIONS * BATCH)) as f64 / f64::from(BATCH);
        for (what, names) in [("read", READS), ("write", WRITES)] {
            verdicts.push(Verdict {
                what: format!("{what} calls for {BATCH} frames"),
                figure: Some(counted.of(&names) as f64 / batches),
                bound: Bound::AtMost(1.0),
                unit: "",
            });
        }
    }
    verdict::print(&verdicts);
    Ok(verdicts)
}

fn spec(harness: &Harness, direct: bool) -> Spec {
    let mut spec = harness.marmot("frames", 1);
    spec.command.extend(direct.then(|| "--direct".to_owned()));
    spec
}
