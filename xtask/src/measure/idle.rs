//! `idle`: memory of a server for a connection that has had one request and now waits.
//!
//! It is the growth of the server's proportional set size from before the connections to after, by connection.

use super::harness::Harness;
use super::options::Options;
use super::raw::Raw;
use super::series::Series;
use super::table::{self, Table};
use crate::tools;
use crate::verdict::{self, Bound, Verdict};
use std::io;

const ROUNDS: u32 = 3;
/// The load generator's own limit of descriptors allows for no more than twenty thousand.
const CONNECTIONS: u32 = 15_000;
/// Bytes for a connection with a goroutine each, and for one that is handed back between requests.
const GOROUTINE: f64 = 4.7 * 1024.0;
const ON_READABLE: f64 = 640.0;
/// Bytes that buffers may cost beside that: frames of one byte have all been answered.
const BUFFERED: f64 = 1024.0;

/// Measures Marmot's three ways and the peers.
///
/// # Errors
///
/// When the harness fails.
pub fn run(harness: &Harness, options: &Options) -> io::Result<Vec<Verdict>> {
    let peers = harness.present(&options.peers);
    let rounds = options.rounds.unwrap_or(ROUNDS);
    println!("\n### idle: {CONNECTIONS} connections after one request each, {rounds} rounds\n");
    let (mut script, raw) = harness.script("measure.py", "idle.jsonl")?;
    script.args([
        "--kind",
        "echo",
        "--idle-table",
        "--cells",
        &format!("conns=1 think_idle={CONNECTIONS} idle_byte=1"),
    ]);
    script.args(["--rounds", &rounds.to_string(), "--duration", "0.2", "--warmup", "0.1"]);
    script
        .args(["--only", &[&peers[..], &["marmot", "on_readable", "buffered"].map(str::to_owned)].concat().join(",")]);
    script.args(["--add", &harness.marmot("echo", 1).named("marmot")]);
    script.args(["--add", &format!("{} --on-readable", harness.marmot("echo", 1).named("on_readable"))]);
    script.args(["--add", &format!("{} --size 1", harness.marmot("frames", 1).named("buffered"))]);
    tools::run(&mut script)?;
    let raw = Raw::read(&raw)?;

    let mut table = Table::new(["server", "bytes/connection", "paired ratio to marmot", "errors"]);
    for server in raw.texts("server", &[]) {
        let own = bytes(&raw, server);
        let errors = raw.series(&[("server", server)], "idle_errors").sum();
        let ratio = own.ratio_to(&bytes(&raw, "marmot"));
        table.add([server.to_owned(), table::cell(own.median()), table::cell(ratio), format!("{errors:.0}")]);
    }
    println!("{table}");
    let verdict = |what: &str, server, limit| Verdict {
        what: what.to_owned(),
        figure: bytes(&raw, server).median(),
        bound: Bound::AtMost(limit),
        unit: "bytes a connection",
    };
    let errors = |server| raw.series(&[("server", server)], "idle_errors").sum();
    let above = bytes(&raw, "buffered").minus(&bytes(&raw, "marmot"));
    let verdicts = vec![
        verdict("a goroutine each", "marmot", GOROUTINE),
        verdict("go_when_readable", "on_readable", ON_READABLE),
        Verdict {
            what: "buffered, above a goroutine each".into(),
            figure: above.median(),
            bound: Bound::AtMost(BUFFERED),
            unit: "bytes a connection",
        },
        Verdict {
            what: "requests without the right answer".into(),
            figure: Some(["marmot", "on_readable", "buffered"].map(errors).iter().sum()),
            bound: Bound::AtMost(0.0),
            unit: "",
        },
    ];
    verdict::print(&verdicts);
    Ok(verdicts)
}

/// Bytes for each connection.
pub fn bytes(raw: &Raw, server: &str) -> Series {
    let kib = |key| raw.series(&[("server", server)], key);
    kib("idle_pss_kb").minus(&kib("base_pss_kb")).times(1024.0 / f64::from(CONNECTIONS))
}
