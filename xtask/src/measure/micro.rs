//! `micro`: the micro-benchmarks of `marmot bench` beside those of other runtimes, on one P: CPU time and memory.

use super::harness::Harness;
use super::options::Options;
use super::raw::Raw;
use super::table::{self, Table};
use crate::tools;
use crate::verdict::{self, Bound, Verdict};
use std::io;

const ROUNDS: u32 = 3;
/// The benchmarks that the others have too.
const BENCHMARKS: &str = "yield,pingpong,spawn,memory,skynet";
/// Rows that have a target, with it.
const TARGETS: [(&str, f64, &str); 4] = [
    ("yield", 20.0, "ns"),
    ("pingpong_roundtrip", 100.0, "ns"),
    ("spawn_join_one", 150.0, "ns"),
    ("skynet_1M", 600.0, "ms"),
];

/// Measures.
///
/// # Errors
///
/// When the harness fails.
pub fn run(harness: &Harness, options: &Options) -> io::Result<Vec<Verdict>> {
    let rounds = options.rounds.unwrap_or(ROUNDS);
    println!(
        "\n### micro: one P, {rounds} rounds, each the least of several runs; in brackets the paired ratio of marmot to it\n"
    );
    let (mut script, raw) = harness.script("micro.py", "micro.jsonl")?;
    script.env("BENCH_GO", harness.go_or_nothing()?);
    script.args(["--rounds", &rounds.to_string(), "--cpus", "1", "--tests", BENCHMARKS]);
    script.args(["--add", &format!("marmot='{}' bench --peer-names --procs 1", harness.program.display())]);
    tools::run(&mut script)?;
    let raw = Raw::read(&raw)?;

    println!("{}", table(&raw));
    let verdicts = judge(&raw);
    verdict::print(&verdicts);
    Ok(verdicts)
}

/// The rows that Marmot has too; behind each peer's figure stands the paired ratio of Marmot's to it.
fn table(raw: &Raw) -> Table {
    let peers: Vec<&str> = raw.texts("peer", &[]).into_iter().filter(|peer| *peer != "marmot").collect();
    let mut table = Table::new([&["row", "unit", "marmot"], &peers[..]].concat());
    for row in raw.texts("test", &[("peer", "marmot")]).into_iter().filter(|row| !row.ends_with(".wall")) {
        let of = |peer| raw.series(&[("test", row), ("peer", peer)], "value");
        let own = of("marmot");
        let mut cells = vec![row.to_owned(), raw.texts("unit", &[("test", row)]).concat(), table::cell(own.median())];
        cells.extend(peers.iter().map(|peer| match own.ratio_to(&of(peer)) {
            Some(ratio) => format!("{} ({ratio:.2}×)", table::cell(of(peer).median())),
            None => table::cell(of(peer).median()),
        }));
        table.add(cells);
    }
    table
}

/// Holds Marmot's rows to the targets.
pub fn judge(raw: &Raw) -> Vec<Verdict> {
    let verdict = |(row, limit, unit): (&str, f64, &'static str)| Verdict {
        what: row.to_owned(),
        figure: raw.series(&[("test", row), ("peer", "marmot")], "value").median(),
        bound: Bound::AtMost(limit),
        unit,
    };
    TARGETS.into_iter().map(verdict).collect()
}
