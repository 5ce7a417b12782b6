//! `echo` and `echo2`: CPU time per request of echo servers under closed-loop load that compares every byte.
//!
//! The load generator reads the server's CPU time at both edges of its window, while its own loop stands still. Its
//! division into user and system time is the kernel's, which samples at its ticks: it is coarse.

use super::harness::Harness;
use super::options::{Cell, Options};
use super::raw::Raw;
use super::table::{self, Table};
use crate::tools;
use crate::verdict::{self, Bound, Verdict};
use std::io;

const ROUNDS: u32 = 9;
/// The server that ratios are to: a plain event loop on epoll.
const BASE: &str = "epoll";
/// What Marmot may cost of that, with few connections and with many.
const FEW: f64 = 1.05;
const MANY: f64 = 1.00;
/// So many are many.
const MANY_CONNECTIONS: u32 = 1000;
/// Runtimes that Marmot is to cost less than.
const RIVALS: [&str; 3] = ["go", "may", "tokio_mt"];
/// The limit of user time, in microseconds a request, for small messages.
const USER: f64 = 0.4;
const SMALL: u32 = 64;

/// Measures every cell, on so many Ps and CPUs.
///
/// # Errors
///
/// When the harness fails.
pub fn run(harness: &Harness, options: &Options, procs: u32) -> io::Result<Vec<Verdict>> {
    let peers = harness.present(&options.peers);
    let rounds = options.rounds.unwrap_or(ROUNDS);
    let mut verdicts = Vec::new();
    for cell in &options.cells {
        let load = format!("conns={} size={}", cell.connections, cell.bytes);
        println!("\n### echo: {load}, {procs} CPU(s) for the server, {rounds} rounds of {} s\n", options.seconds);
        let (mut script, raw) =
            harness.script("measure.py", &format!("echo{procs}-{}x{}.jsonl", cell.connections, cell.bytes))?;
        script.args(["--kind", "echo", "--cells", &load, "--cpus", &procs.to_string()]);
        script.args(["--rounds", &rounds.to_string(), "--duration", &options.seconds.to_string()]);
        script.args(["--only", &[&peers[..], &["marmot".to_owned()]].concat().join(",")]);
        script.args(["--add", &harness.marmot("echo", procs).named("marmot")]);
        tools::run(&mut script)?;
        let raw = Raw::read(&raw)?;
        println!("{}", table(&raw));
        let judged = judge(&raw, *cell, rounds);
        verdict::print(&judged);
        verdicts.extend(judged);
    }
    Ok(verdicts)
}

fn table(raw: &Raw) -> Table {
    let mut table = Table::new([
        "server",
        "CPU µs/request",
        "user",
        "sys",
        "paired ratio to epoll",
        "requests/s",
        "p99 µs",
        "errors",
    ]);
    for server in raw.texts("server", &[]) {
        let of = |key| raw.series(&[("server", server)], key);
        let cpu = of("cpu_us");
        table.add([
            server.to_owned(),
            table::cell(cpu.median()),
            table::cell(of("cpu_user_us").median()),
            table::cell(of("cpu_sys_us").median()),
            table::cell(cpu.ratio_to(&raw.series(&[("server", BASE)], "cpu_us"))),
            table::cell(of("rps").median()),
            table::cell(of("p99").median()),
            format!("{:.0}", of("errors").sum()),
        ]);
    }
    table
}

/// Holds a cell to the targets.
pub fn judge(raw: &Raw, cell: Cell, rounds: u32) -> Vec<Verdict> {
    let of = |server, key| raw.series(&[("server", server)], key);
    let cpu = of("marmot", "cpu_us");
    let verdict = |what: String, figure, bound, unit| Verdict { what, figure, bound, unit };
    let mut verdicts = Vec::new();
    let present = raw.texts("server", &[]);
    if present.contains(&BASE) {
        let limit = if cell.connections >= MANY_CONNECTIONS { MANY } else { FEW };
        verdicts.push(verdict(format!("ratio to {BASE}"), cpu.ratio_to(&of(BASE, "cpu_us")), Bound::AtMost(limit), ""));
    }
    for rival in RIVALS.into_iter().filter(|rival| present.contains(rival)) {
        verdicts.push(verdict(format!("ratio to {rival}"), cpu.ratio_to(&of(rival, "cpu_us")), Bound::Below(1.0), ""));
    }
    if cell.bytes <= SMALL {
        let user = of("marmot", "cpu_user_us").median();
        verdicts.push(verdict("user time".into(), user, Bound::AtMost(USER), "µs a request"));
    }
    // A round counts only if it ended, and with every byte compared.
    let faults = f64::from(rounds) - cpu.len() as f64 + of("marmot", "errors").sum();
    verdicts.push(verdict("wrong bytes, lost connections, failed rounds".into(), Some(faults), Bound::AtMost(0.0), ""));
    verdicts
}
