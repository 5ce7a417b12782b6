//! `pool`: `marmot bench pool` beside Go's `sync.Pool`, on one P and on two.
//!
//! Both do the same with an object of the same kind; the program in Go is `pool.go` beside this file, and is built with the
//! Go of this machine. Neither needs the harness. The figures are CPU time, and the two take turns.

use super::golang;
use super::options::Options;
use super::series::Series;
use super::table::{self, Table};
use crate::verdict::{self, Bound, Verdict};
use crate::{program, tools};
use std::io;
use std::path::Path;
use std::process::Command;

const ROUNDS: u32 = 7;
/// How long a round of one of them may take, in seconds.
const PATIENCE: u32 = 120;
const SOURCE: &str = include_str!("pool.go");
const ROW: &str = "pool_get_put";
/// What a get and a put may cost on one P, in nanoseconds, and of what they cost in Go.
const TARGET: f64 = 10.0;
const TARGET_TO_GO: f64 = 1.0;

/// Measures.
///
/// # Errors
///
/// When one of the programs cannot be built or fails.
pub fn run(root: &Path, options: &Options) -> io::Result<Vec<Verdict>> {
    let rounds = options.rounds.unwrap_or(ROUNDS);
    println!("\n### pool: a get and a put, CPU time, {rounds} rounds of the least of several runs\n");
    let marmot = program::build(root)?;
    let go = golang::build(root, "pool", SOURCE)?;
    let mut table = Table::new(["Ps", "marmot ns", "go ns", "paired ratio to go"]);
    let mut verdicts = Vec::new();
    for procs in [1, 2] {
        let (own, peer) = turns(rounds, procs, &marmot, go.as_deref())?;
        let ratio = own.ratio_to(&peer);
        table.add([procs.to_string(), table::cell(own.median()), table::cell(peer.median()), table::cell(ratio)]);
        if procs == 1 {
            let (figure, bound) = (own.median(), Bound::AtMost(TARGET));
            verdicts.push(Verdict { what: "pool, get and put on 1 P".to_owned(), figure, bound, unit: "ns" });
        }
        let bound = if go.is_some() { Bound::AtMost(TARGET_TO_GO) } else { Bound::Unknown };
        verdicts.push(Verdict { what: format!("pool, ratio to go, Ps: {procs}"), figure: ratio, bound, unit: "" });
    }
    println!("{table}");
    verdict::print(&verdicts);
    Ok(verdicts)
}

/// Marmot's figures and Go's; each goes first in every other round.
fn turns(rounds: u32, procs: u32, marmot: &Path, go: Option<&Path>) -> io::Result<(Series, Series)> {
    let own = |round| {
        let mut command = tools::bounded(PATIENCE, marmot);
        command.args(["bench", "pool", "--peer-names", "--procs", &procs.to_string()]);
        Ok::<_, io::Error>((round, figure(&mut command)?))
    };
    let peer = |round| {
        let Some(go) = go else { return Ok(None) };
        let mut command = tools::bounded(PATIENCE, go);
        Ok::<_, io::Error>(Some((round, figure(command.env("GOMAXPROCS", procs.to_string()))?)))
    };
    let (mut owns, mut peers) = (Vec::new(), Vec::new());
    for round in 0..u64::from(rounds) {
        if round.is_multiple_of(2) {
            owns.push(own(round)?);
            peers.extend(peer(round)?);
        } else {
            peers.extend(peer(round)?);
            owns.push(own(round)?);
        }
    }
    Ok((owns.into_iter().collect(), peers.into_iter().collect()))
}

fn figure(command: &mut Command) -> io::Result<f64> {
    let output = tools::output(command)?;
    let said = String::from_utf8_lossy(&output.stdout);
    row(&said).ok_or_else(|| io::Error::other(format!("there is no row {ROW} in:\n{said}")))
}

/// The value of the row in lines of `name value unit`.
pub fn row(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(ROW)?.strip_prefix(' '))?;
    line.split(' ').next()?.parse().ok()
}
