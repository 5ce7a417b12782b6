//! `sampling`: CPU time per request of `marmot serve http` with the allocator that takes samples, and built without it.

use super::harness::{self, Harness};
use super::options::Options;
use super::raw::Raw;
use super::table::{self, Table};
use crate::verdict::{self, Bound, Verdict};
use crate::{program, tools};
use std::io;
use std::path::Path;

const ROUNDS: u32 = 9;
/// One request after the other, and many at a time, where the server's own work is most of the cost.
const LOADS: [&str; 2] = ["conns=50", "conns=50 pipeline=16"];
const WITH: &str = "sampled";
const WITHOUT: &str = "plain";
/// What the server may cost of what it does without samples.
const TARGET: f64 = 1.03;

/// Measures.
///
/// # Errors
///
/// When the server cannot be built, or the harness fails.
pub fn run(root: &Path, harness: &Harness, options: &Options) -> io::Result<Vec<Verdict>> {
    let rounds = options.rounds.unwrap_or(ROUNDS);
    let plain = program::build_unsampled(root)?;
    let mut verdicts = Vec::new();
    for (index, load) in LOADS.into_iter().enumerate() {
        println!("\n### sampling: {load}, one P on one CPU, {rounds} rounds of {} s\n", options.seconds);
        let (mut script, raw) = harness.script("measure.py", &format!("sampling{index}.jsonl"))?;
        script.args(["--kind", "http", "--cells", load, "--only", &format!("{WITHOUT},{WITH}"), "--base", WITHOUT]);
        script.args(["--rounds", &rounds.to_string(), "--duration", &options.seconds.to_string()]);
        script.args(["--add", &harness::marmot(&plain, "http", 1).named(WITHOUT)]);
        script.args(["--add", &harness.marmot("http", 1).named(WITH)]);
        tools::run(&mut script)?;
        let raw = Raw::read(&raw)?;
        let of = |server, key| raw.series(&[("server", server)], key);
        let ratio = of(WITH, "cpu_us").ratio_to(&of(WITHOUT, "cpu_us"));
        let mut table = Table::new(["server", "CPU µs/request", "user", "paired ratio", "requests/s"]);
        for server in [WITHOUT, WITH] {
            table.add([
                server.to_owned(),
                table::cell(of(server, "cpu_us").median()),
                table::cell(of(server, "cpu_user_us").median()),
                table::cell(of(server, "cpu_us").ratio_to(&of(WITHOUT, "cpu_us"))),
                table::cell(of(server, "rps").median()),
            ]);
        }
        println!("{table}");
        let judged = [Verdict {
            what: format!("ratio with samples, {load}"),
            figure: ratio,
            bound: Bound::AtMost(TARGET),
            unit: "",
        }];
        verdict::print(&judged);
        verdicts.extend(judged);
    }
    Ok(verdicts)
}
