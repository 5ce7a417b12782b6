//! `sync`: locks, channels, timers and cancelling on one P, beside `std`, Go and tokio.
//!
//! `marmot bench` has the benchmarks, with `std`'s mutex in the same run; `sync.go` beside this file does the same in Go, and
//! tokio's rows are the harness's, if that is there. The programs take turns, and what is compared is CPU time. How late sleeps end and
//! how long cancelling takes are times by the clock, which need a quiet machine more than the rest.

use super::golang;
use super::harness::Harness;
use super::options::Options;
use super::series::Series;
use super::table::{self, Table};
use crate::verdict::{self, Bound, Verdict};
use crate::{program, tools};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROUNDS: u32 = 5;
/// How long a run of one of the programs may take, in seconds.
const PATIENCE: u32 = 300;
const SOURCE: &str = include_str!("sync.go");
/// So many sleep at the same time.
const SLEEPS: &str = "1000000";

/// Rows that others have too; what an operation may cost here; and where tokio's benchmark has the row.
const COMPARED: [(&str, Bound, Option<&str>); 4] = [
    ("mutex_uncontended", Bound::Unknown, Some("mutex")),
    ("chan_cap0_msg", Bound::AtMost(80.0), None),
    ("chan_cap128_msg", Bound::AtMost(25.0), Some("chan")),
    ("timer_create_stop", Bound::AtMost(150.0), Some("timer")),
];

/// Rows that only we have: the name, what it is, the limit and the unit, and how many of the row's units make one of those.
const OWN: [(&str, &str, Bound, &str, f64); 5] = [
    ("mutex_uncontended.ratio", "mutex, ratio to std", Bound::AtMost(1.3), "", 1.0),
    ("sleep_late_short.p50", "a sleep of 1 µs, how late", Bound::AtMost(100.0), "µs", 1e3),
    ("sleep_late.p99", "a million sleeps, the latest hundredth", Bound::Below(5.0), "ms", 1e6),
    ("sleep_late_at_once.p99", "a million sleeps until the same moment", Bound::Unknown, "ms", 1e6),
    ("cancel_10k.wall", "cancelling 10,000", Bound::Below(250.0), "ms", 1.0),
];

/// What each of the programs printed, by round.
type Texts = Vec<(u64, String)>;

/// Measures.
///
/// # Errors
///
/// When one of the programs cannot be built or fails.
pub fn run(root: &Path, harness: Option<&Harness>, options: &Options) -> io::Result<Vec<Verdict>> {
    let rounds = options.rounds.unwrap_or(ROUNDS);
    println!(
        "\n### sync: one P, CPU time, {rounds} rounds of the least of several runs; in brackets the paired ratio of marmot to it\n"
    );
    let marmot = program::build(root)?;
    let go = golang::build(root, "sync", SOURCE)?;
    let tokio = harness.map(|harness| harness.bin.join("micro_tokio")).filter(|program| program.is_file());
    if tokio.is_none() {
        eprintln!("measure: tokio is left out, for the harness has no such program");
    }
    let (mut own, mut gos, mut tokios): (Texts, Texts, Texts) = Default::default();
    for round in 0..u64::from(rounds) {
        own.push((round, benchmarks(&marmot, &["mutex", "channel", "timer", "cancel"])?));
        if let Some(go) = &go {
            gos.push((round, printed(tools::bounded(PATIENCE, go).env("GOMAXPROCS", "1"))?));
        }
        if let Some(tokio) = &tokio {
            tokios.push((round, tokio_rows(tokio)?));
        }
    }
    // Long, and not compared with anything: once.
    own.push((u64::from(rounds), benchmarks(&marmot, &["sleep", "--count", SLEEPS])?));

    let mut table = Table::new(["row", "marmot ns", "std ns", "go ns", "tokio ns"]);
    let mut verdicts = Vec::new();
    for (row, bound, _) in COMPARED {
        let ours = series(&own, row);
        let beside = |theirs: &Series| match ours.ratio_to(theirs) {
            Some(ratio) => format!("{} ({ratio:.2}×)", table::cell(theirs.median())),
            None => table::cell(None),
        };
        let std = series(&own, &format!("{row}.std"));
        let (go, tokio) = (series(&gos, row), series(&tokios, row));
        table.add([row.to_owned(), table::cell(ours.median()), beside(&std), beside(&go), beside(&tokio)]);
        verdicts.push(Verdict { what: row.to_owned(), figure: ours.median(), bound, unit: "ns" });
    }
    println!("{table}");
    verdicts.extend(OWN.map(|(row, what, bound, unit, units)| {
        let figure = series(&own, row).median().map(|figure| figure / units);
        Verdict { what: what.to_owned(), figure, bound, unit }
    }));
    verdict::print(&verdicts);
    Ok(verdicts)
}

/// The rows of our own benchmarks.
fn benchmarks(marmot: &Path, arguments: &[&str]) -> io::Result<String> {
    printed(tools::bounded(PATIENCE, marmot).args(["bench", "--peer-names", "--procs", "1"]).args(arguments))
}

/// Those of tokio, each benchmark in a process of its own.
fn tokio_rows(program: &PathBuf) -> io::Result<String> {
    let mut rows = String::new();
    for benchmark in COMPARED.iter().filter_map(|(_, _, benchmark)| *benchmark) {
        let mut command = tools::bounded(PATIENCE, program);
        rows += &printed(command.env("MODE", "mt").env("WORKERS", "1").arg(benchmark))?;
    }
    Ok(rows)
}

fn printed(command: &mut Command) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&tools::output(command)?.stdout).into_owned())
}

/// A row's figures, by round.
pub fn series(texts: &Texts, row: &str) -> Series {
    texts.iter().filter_map(|(round, text)| Some((*round, value(text, row)?))).collect()
}

/// The value of a row in lines of `name value unit`.
fn value(text: &str, row: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(' '))?;
    line.split(' ').next()?.parse().ok()
}
