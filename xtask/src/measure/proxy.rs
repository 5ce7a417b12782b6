//! `proxy`: CPU time per GiB of `marmot serve proxy` beside that of Go's `io.Copy`, on one P, one way.
//!
//! The proxy has one CPU; the harness's `stream` is source and sink on another, compares the bytes, and reads the proxy's CPU
//! time. Go uses splice(2) as Marmot does, so the two differ in what is around it.

use super::harness::{Harness, Spec};
use super::options::Options;
use super::series::Series;
use super::server::Server;
use super::table::{self, Table};
use crate::tools;
use crate::verdict::{self, Bound, Verdict};
use serde_json::Value;
use std::io;
use std::net::TcpListener;

const ROUNDS: u32 = 7;
const GIB: &str = "2";
const PROXY_CPU: &str = "1";
const LOAD_CPU: &str = "0";
/// How long a round may take, in seconds.
const PATIENCE: u32 = 60;
/// What Marmot may cost of what Go does.
const TARGET: f64 = 1.0;

/// The figures of a proxy, by round.
struct Row {
    name: &'static str,
    spec: Spec,
    figures: Vec<(u64, Figures)>,
}

/// What `stream` reports of a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    pub cpu: f64,
    pub user: f64,
    pub speed: f64,
}

impl Row {
    fn series(&self, of: impl Fn(&Figures) -> f64) -> Series {
        self.figures.iter().map(|(round, figures)| (*round, of(figures))).collect()
    }
}

/// Measures.
///
/// # Errors
///
/// When a proxy or the load fails.
pub fn run(harness: &Harness, options: &Options) -> io::Result<Vec<Verdict>> {
    let rounds = options.rounds.unwrap_or(ROUNDS);
    println!("\n### proxy: {GIB} GiB one way, one P on one CPU, {rounds} rounds\n");
    let row = |name, spec| Row { name, spec, figures: Vec::new() };
    let mut rows = vec![row("marmot", marmot(harness))];
    match go(harness) {
        Some(spec) => rows.insert(0, row("go", spec)),
        None => eprintln!("measure: go is left out, for the harness has no such program"),
    }
    for round in 0..u64::from(rounds) {
        // Each goes first in every other round.
        rows.reverse();
        for row in &mut rows {
            row.figures.push((round, measure(harness, &row.spec)?));
        }
    }
    rows.sort_by_key(|row| row.name);

    let mut table = Table::new(["proxy", "CPU s/GiB", "user", "paired ratio to go", "GiB/s"]);
    let go = rows.iter().find(|row| row.name == "go").map(|row| row.series(|figures| figures.cpu));
    let mut ratio = None;
    for row in &rows {
        let cpu = row.series(|figures| figures.cpu);
        ratio = go.as_ref().and_then(|go| cpu.ratio_to(go));
        table.add([
            row.name.to_owned(),
            table::cell(cpu.median()),
            table::cell(row.series(|figures| figures.user).median()),
            table::cell(ratio),
            table::cell(row.series(|figures| figures.speed).median()),
        ]);
    }
    println!("{table}");
    // Marmot's row is the last.
    let bound = if go.is_some() { Bound::AtMost(TARGET) } else { Bound::Unknown };
    let verdicts = vec![Verdict { what: "proxy, ratio to go".to_owned(), figure: ratio, bound, unit: "" }];
    verdict::print(&verdicts);
    Ok(verdicts)
}

/// How Marmot's proxy is started; `{to}` stands for the upstream's port.
fn marmot(harness: &Harness) -> Spec {
    let arguments =
        ["serve", "proxy", "--procs", "1", "--addr", "127.0.0.1:{port}", "--to", "127.0.0.1:{to}"].map(str::to_owned);
    Spec { command: [&[harness.program.to_string_lossy().into_owned()], &arguments[..]].concat(), environment: vec![] }
}

/// How Go's is, if it exists.
fn go(harness: &Harness) -> Option<Spec> {
    let program = harness.go.join("go_proxy");
    let command = [program.to_string_lossy().into_owned(), "{port}".to_owned(), "{to}".to_owned()];
    let environment = vec![("GOMAXPROCS".to_owned(), "1".to_owned())];
    program.is_file().then_some(Spec { command: command.to_vec(), environment })
}

/// One round of one proxy.
fn measure(harness: &Harness, spec: &Spec) -> io::Result<Figures> {
    // The load listens there; nobody else takes the port between here and there, but for bad luck.
    let to = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let command = spec.command.iter().map(|part| part.replace("{to}", &to)).collect();
    let mut server = Server::start(&Spec { command, environment: spec.environment.clone() }, PROXY_CPU)?;
    let mut load = tools::bounded(PATIENCE, "taskset");
    load.args(["-c", LOAD_CPU]).arg(harness.bin.join("stream"));
    load.args([&server.port.to_string(), &to, GIB, &server.pid().to_string()]);
    let output = tools::output(&mut load)?;
    server.end()?;
    figures(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the report of `stream`.
///
/// # Errors
///
/// When it has no such figures.
pub fn figures(report: &str) -> io::Result<Figures> {
    let values: Value = serde_json::from_str(report)?;
    let of = |key: &str| values[key].as_f64();
    match (of("cpu_s_per_gib"), of("user_s_per_gib"), of("gib_s")) {
        (Some(cpu), Some(user), Some(speed)) => Ok(Figures { cpu, user, speed }),
        _ => Err(io::Error::other(format!("the load reports no figures: {report}"))),
    }
}
